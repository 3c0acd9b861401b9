"""One message out of its JSON: timing, wait, texts by language, files and buttons."""

import re
from datetime import time
from difflib import get_close_matches
from typing import Any, Final

from dripline.content import limits
from dripline.content.folder import Folder, is_plain_path
from dripline.content.liquid import FORMS, HTML
from dripline.content.rendered import MediaKind
from dripline.content.shape import Node

MEDIA_FIELDS: Final[dict[str, MediaKind]] = {
    "photos": "photo", "video": "video", "document": "document", "voice": "voice",
    "audio": "audio", "animation": "animation",
}  # fmt: skip
FIELDS: Final = (
    "timing", "template_file", "format", *MEDIA_FIELDS, "inline_keyboard", "wait", "wait_for",
    "timeout", "condition", "priority", "channel", "track", "email",
)  # fmt: skip
CHANNELS: Final = ("telegram", "email")
RESERVED: Final = ("texts", "media", "places")  # what a revision adds to a message of a file
BUTTON_TYPES: Final = (
    "url", "callback", "payment", "share_referral", "check_progress", "web_app", "start_scenario",
    "open_bot",
)  # fmt: skip
_EMAIL: Final = (
    "subject", "subjects", "preheader", "preheaders", "template_file", "format", "layout",
)  # fmt: skip
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_WAIT: Final = re.compile(r"(callback|event):(.+)", re.DOTALL)
_ALBUMS: Final = {"photo": "visual", "video": "visual", "document": "document", "audio": "audio"}
_MOST_DAYS: Final = 3_650


def parse_message(spec: Node, base: str) -> dict[str, Any]:
    """Return a message's document; `base` is the scenario's folder."""
    for name in RESERVED:
        if spec.has(name):
            spec.at(name).report("reserved-field", f"“{name}” is our own; call it otherwise.")
    if spec.has("timing"):
        check_timing(spec.at("timing"))
    _check_wait(spec)
    if spec.has("priority") and spec.value["priority"] not in ("urgent", "high", "normal", "low"):
        spec.at("priority").report("priority", "“priority” is urgent, high, normal or low.")
    return parse_summary(spec, base)


def parse_summary(spec: Node, base: str) -> dict[str, Any]:
    """Return the document of a message without a place in a flow."""
    if spec.text("format", HTML) not in FORMS:
        spec.at("format").report("format", "“format” is html, markdown or markdownv2.")
    if spec.has("channel") and spec.value["channel"] not in (*CHANNELS, "both"):
        spec.at("channel").report("channel", "“channel” is telegram, email or both.")
    if spec.has("track"):
        spec.at("track").expect(bool)
    keyboard = spec.object("inline_keyboard")
    if keyboard is not None:
        _check_keyboard(keyboard)
    _check_names(spec)
    media = _media(spec, base)
    places, texts = _texts(spec, base)
    if not texts:
        texts = {"": ""}
    if not any(text.strip() for text in texts.values()) and not media and not places:
        spec.report("empty", "This message has neither a template_file nor a file to send.")
    document = {**spec.value, "texts": texts, "media": media, "places": places}
    if spec.has("email"):
        document["email"] = parse_email(spec.at("email"), base)
    return document


def parse_email(spec: Node, base: str) -> dict[str, Any]:
    """Return what a message says of its email: subject, preheader, a template of its own."""
    if not spec.expect(dict):
        return {}
    for name in ("subject", "preheader"):
        spec.text(name, most=10_000)
        by_language = spec.object(f"{name}s")
        for language, text in by_language.members() if by_language is not None else ():
            text.expect(str)
            if not LANGUAGE.fullmatch(language):
                text.report("language", f"“{language}” is no language, such as ru or pt-br.")
    spec.text("layout", most=64)
    if spec.text("format", HTML) not in FORMS:
        spec.at("format").report("format", "“format” is html, markdown or markdownv2.")
    for name in ("texts", "places"):
        if spec.has(name):
            spec.at(name).report("reserved-field", f"“{name}” is our own; call it otherwise.")
    spec.know(_EMAIL)
    places, texts = _texts(spec, base)
    own = {key: value for key, value in spec.value.items() if key not in ("texts", "places")}
    return {**own, "texts": texts, "places": places} if places else own


def _check_names(spec: Node) -> None:
    """Warn of fields that look like one of ours: others are kept, so a slip would go unseen."""
    for key, inner in spec.members():
        near = get_close_matches(key, FIELDS, 1, 0.8) if key not in FIELDS else []
        if near:
            inner.report(
                "unknown-field", f"“{key}” is not known here; did you mean “{near[0]}”?", "warning"
            )


def check_timing(node: Node) -> None:
    """Say what is wrong with a `timing` or a `timeout`."""
    if not node.expect(dict):
        return
    node.number("days", 0, 0, _MOST_DAYS)
    node.number("hours", 0, 0, _MOST_DAYS * 24)
    node.number("minutes", 0, 0, _MOST_DAYS * 24 * 60)
    if node.has("at"):
        _check_time_of_day(node.at("at"))
    check_weekdays(node)
    if node.text("from", "previous") not in ("previous", "start"):
        node.at("from").report("timing", "“from” is previous or start.")
    node.know(_TIMING, "timing")


def check_weekdays(node: Node) -> None:
    """Say what is wrong with a list of weekdays."""
    for day in node.items("weekdays"):
        # True is 1 to Python, and no weekday to anybody.
        if type(day.value) is not int or not 1 <= day.value <= 7:
            day.report("timing", "Weekdays are numbers from 1 (Monday) to 7 (Sunday).")


_TIMING: Final = ("days", "hours", "minutes", "at", "weekdays", "from")


def _check_time_of_day(node: Node) -> None:
    value = node.value
    try:
        good = isinstance(value, str) and bool(re.fullmatch(r"\d\d:\d\d", value))
        good = good and time.fromisoformat(value) is not None
    except ValueError:
        good = False
    if not good:
        node.report("timing", "“at” is a time of day such as 09:00.")


def _check_wait(spec: Node) -> None:
    inner = spec.object("wait") if spec.has("wait") else spec
    if inner is None:
        return
    if not inner.has("wait_for"):
        if inner is not spec:
            inner.report("wait", "“wait_for” is missing here, such as callback:DONE.")
        return
    awaited = inner.text("wait_for")
    match = _WAIT.fullmatch(awaited)
    if match is None:
        inner.at("wait_for").report("wait", "“wait_for” is callback:DATA or event:NAME.")
    elif match[1] == "callback" and len(match[2].encode()) > limits.CALLBACK_BYTES:
        inner.at("wait_for").report("callback", "No button carries more than 64 bytes.")
    if inner.has("timeout"):
        check_timing(inner.at("timeout"))


def _texts(spec: Node, base: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return where the templates lie, and what they say, by language; the default is empty."""
    if not spec.has("template_file"):
        return {}, {}
    name = spec.text("template_file", needed=True)
    at = spec.at("template_file")
    if not is_plain_path(name):
        at.report("path", "A file is named from inside its folder, without .. or a leading /.")
        return {}, {}
    folder = next(
        (one for one in _folders(base) if spec.folder.exists(f"{one}/{name}")), f"{base}/messages"
    )
    if not spec.folder.exists(f"{folder}/{name}"):
        at.report("missing-file", f"There is no file {folder}/{name}.")
        return {}, {}
    places = {"": f"{folder}/{name}", **_variants(spec.folder, folder, name)}
    texts = {}
    for language, place in places.items():
        text = spec.folder.text(place, limits.TEMPLATE_CHARACTERS * 4)
        texts[language] = text or ""
    return places, texts


def _folders(base: str) -> tuple[str, str]:
    return f"{base}/messages", base


def _variants(folder: Folder, parent: str, name: str) -> dict[str, str]:
    """Return `msg_1.ru.md` beside `msg_1.md`, by language."""
    stem, dot, extension = name.rpartition(".")
    if not dot:
        return {}
    inner, _, stem_name = stem.rpartition("/")
    where = f"{parent}/{inner}" if inner else parent
    found = {}
    for file in folder.names(where, "*"):
        if not file.startswith(f"{stem_name}.") or not file.endswith(f".{extension}"):
            continue
        language = file[len(stem_name) + 1 : -len(extension) - 1].lower()
        if language and LANGUAGE.fullmatch(language):
            found[language] = f"{where}/{file}"
    return found


def _media(spec: Node, base: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for key, kind in MEDIA_FIELDS.items():
        if not spec.has(key):
            continue
        single = spec.at(key)
        nodes = [single] if isinstance(single.value, str) else spec.items(key)
        files = (_media_file(node, base, kind) for node in nodes if node.expect(str))
        found += [file for file in files if file is not None]
        _check_album(single, [item for item in found if item["kind"] == kind])
    return found


def _media_file(node: Node, base: str, kind: MediaKind) -> dict[str, str] | None:
    name = node.value
    if not is_plain_path(name):
        node.report("path", "A file is named from inside its folder, without .. or a leading /.")
        return None
    for folder in _folders(base):
        place = f"{folder}/{name}"
        source = node.folder.media_file(place)
        if source is not None:
            most = limits.PHOTO_BYTES if kind == "photo" else limits.FILE_BYTES
            if source.size > most or not source.size:
                node.report(
                    "file-size",
                    f"{name} is empty; Telegram takes no empty file."
                    if not source.size
                    else f"{name} has more than {most // 1024 // 1024} MB, Telegram's limit.",
                )
            elif kind == "photo" and source.sides is not None:
                _check_photo(node, source.sides)
            filename = name.rpartition("/")[2]
            return {"sha256": source.sha256, "kind": kind, "filename": filename, "place": place}
    node.report("missing-file", f"There is no file {_folders(base)[0]}/{name}.")
    return None


def _check_photo(node: Node, sides: tuple[int, int]) -> None:
    """Warn of what Telegram refuses; it may know more kinds of pictures than we do."""
    longer, shorter = max(sides), min(sides)
    if not shorter:
        problem = "does not look like a picture; Telegram takes JPEG, PNG, WebP and GIF"
    elif longer + shorter > limits.PHOTO_SIDES:
        problem = f"has {longer:,} × {shorter:,} pixels, more than {limits.PHOTO_SIDES:,} in all"
    elif longer > limits.PHOTO_RATIO * shorter:
        problem = f"is more than {limits.PHOTO_RATIO} times as long as wide"
    else:
        return
    message = f"{node.value} {problem}: as a photo Telegram refuses it, as a document it does not."
    node.report("photo", message, "warning")


def _check_album(node: Node, files: list[dict[str, str]]) -> None:
    if len(files) > limits.ALBUM_FILES:
        node.report("album", f"An album has at most {limits.ALBUM_FILES} files.")
    if len(files) > 1 and files[0]["kind"] not in _ALBUMS:
        node.report("album", f"A {files[0]['kind']} is sent alone; name one file.")


def _check_keyboard(keyboard: Node) -> None:
    if keyboard.has("button_set_ref"):
        keyboard.text("button_set_ref", needed=True)
        if keyboard.has("rows"):
            keyboard.at("rows").report(
                "keyboard", "Give a button_set_ref or rows; the rows are not shown.", "warning"
            )
        return
    parse_keyboard(keyboard)


def parse_keyboard(keyboard: Node) -> None:
    """Say what is wrong with `rows` of buttons."""
    count = 0
    for row in keyboard.items("rows"):
        if not row.expect(dict):
            continue
        buttons = row.items("buttons")
        count += len(buttons)
        if len(buttons) > limits.ROW_BUTTONS:
            row.report("keyboard", f"A row has at most {limits.ROW_BUTTONS} buttons.")
        for button in buttons:
            if button.expect(dict):
                _check_button(button)
    if count > limits.KEYBOARD_BUTTONS:
        most = limits.KEYBOARD_BUTTONS
        keyboard.report("keyboard", f"A message has at most {most} buttons.")


def _check_button(button: Node) -> None:
    kind = button.text("type", needed=True)
    button.text("text", needed=True, most=500)
    texts = button.object("texts")
    for _, text in texts.members() if texts is not None else ():
        text.expect(str)
    match kind:
        case "url" | "web_app":
            button.text("url", needed=True, most=10_000)
        case "callback":
            data = button.text("callback_data", needed=True, most=10_000)
            if len(data.encode()) > limits.CALLBACK_BYTES:
                button.at("callback_data").report(
                    "callback", f"callback_data has at most {limits.CALLBACK_BYTES} bytes."
                )
            elif data.startswith("go:"):
                button.at("callback_data").report(
                    "callback", "go: is our own; use a button of type start_scenario."
                )
        case "start_scenario":
            button.text("scenario_id", needed=True)
        case "" | "payment" | "share_referral" | "check_progress" | "open_bot":
            pass
        case _:
            button.at("type").report(
                "button-type", f"There is no button type {kind}; use {', '.join(BUTTON_TYPES)}."
            )
