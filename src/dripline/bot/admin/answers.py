"""What an answer to a question means: it goes into the draft, or a Refusal says why not."""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from dripline.bot.admin import draft as drafts
from dripline.bot.admin.checking import new_errors, told
from dripline.bot.admin.desk import Desk, Refusal, shown
from dripline.bot.admin.document import broadcast_ids, button_sets, checked, taken_ids
from dripline.bot.admin.draft import MESSAGE, Draft
from dripline.bot.admin.received import Received, SentFile
from dripline.bot.admin.slug import suggested
from dripline.bot.admin.typed_buttons import BadButton, parse_buttons
from dripline.bot.admin.typed_timing import parse_timing
from dripline.content import limits
from dripline.content.edit import State
from dripline.content.parse import ID
from dripline.texts import gettext as _

NAME_MOST: Final = 200
PRICE_MOST: Final = 1_000_000
_TEXT_MOST: Final = 4_096
_LARGEST: Final = 20 * 1024 * 1024  # bytes a bot may fetch (Bot API, getFile)
_GROUP: Final = re.compile(r"-100\d{5,15}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})?")
_CURRENCY: Final = re.compile(r"[₽$€£]|руб(?:\.|лей|ля|ль)?|\br\.|eur|usd|rub", re.IGNORECASE)
_ALONE: Final = frozenset({"voice", "animation"})


async def take(desk: Desk, state: State, draft: Draft, sent: Received) -> None:
    """Put an answer to the present question into the draft; raises Refusal."""
    if sent.other:
        raise Refusal(_("I cannot use that here.", desk.language))
    if draft.field not in {"files", "text"} and sent.file is not None:
        raise Refusal(_("I need a text here, not a file.", desk.language))
    await _TAKERS[draft.field](desk, state, draft, sent)


async def _name(desk: Desk, state: State, draft: Draft, sent: Received) -> None:
    name = " ".join(sent.text.split())
    if not any(unicodedata.category(one)[0] not in "CZ" for one in name):
        raise Refusal(_("A name has at least one character one can see.", desk.language))
    if len(name) > NAME_MOST:
        raise Refusal(
            _(
                "This name has {n} characters; at most {most} are possible. Send a shorter one.",
                desk.language,
                n=len(name),
                most=NAME_MOST,
            )
        )
    draft.config["name"] = name
    name_anew(state, draft)


def name_anew(state: State, draft: Draft) -> None:
    """Give a new draft a free id that resembles its name, unless it was chosen by hand."""
    if draft.creating and not draft.own_id:
        taken = taken_ids(state, broadcast=draft.is_broadcast)
        draft.scenario_id = suggested(draft.name, taken)


async def _id(desk: Desk, state: State, draft: Draft, sent: Received) -> None:
    found = sent.text.strip()
    if not ID.fullmatch(found) or len(found) > limits.ID_CHARACTERS:
        raise Refusal(
            _(
                "An id has Latin letters, digits, - and _, at most {most} of them, and begins "
                "with a letter or a digit. For example: {example}",
                desk.language,
                most=limits.ID_CHARACTERS,
                example="<code>summer-course</code>",
            )
        )
    if draft.is_broadcast and found in broadcast_ids(state):
        raise Refusal(
            _("There is a broadcast “{id}” already. Choose another id.", desk.language,
              id=shown(found))
        )  # fmt: skip
    if not draft.is_broadcast and ("scenario", found) in state.heads:
        raise Refusal(
            _(
                "There is, or was, a scenario “{id}” already. Choose another id.",
                desk.language,
                id=shown(found),
            )
        )
    draft.scenario_id, draft.own_id = found, True


async def _product_name(desk: Desk, _state: State, draft: Draft, sent: Received) -> None:
    name = " ".join(sent.text.split())
    if not name or len(name) > NAME_MOST:
        raise Refusal(
            _("A product's name has 1 to {most} characters.", desk.language, most=NAME_MOST)
        )
    _set_product(draft, "product_name", name)


async def _price(desk: Desk, _state: State, draft: Draft, sent: Received) -> None:
    plain = _CURRENCY.sub("", sent.text).strip()
    grouped = re.fullmatch(r"\d{1,3}(?:[\s,]\d{3})+", plain)
    digits = re.sub(r"[\s,]", "", plain) if grouped else plain
    if not (digits.isdecimal() and len(digits) <= 9 and 1 <= int(digits) <= PRICE_MOST):
        raise Refusal(
            _(
                "A price is a whole number from 1 to 1,000,000, without cents. For example: 1500",
                desk.language,
            )
        )
    _set_product(draft, "product_price", str(int(digits)))


async def _paid_content(desk: Desk, _state: State, draft: Draft, sent: Received) -> None:
    if not sent.text.strip():
        raise Refusal(_("I need a text here, not a file.", desk.language))
    _set_product(draft, "paid_content", sent.html)


async def _group(desk: Desk, _state: State, draft: Draft, sent: Received) -> None:
    found = sent.text.strip().replace("\u2212", "-").replace("\u2013", "-")
    if not _GROUP.fullmatch(found):
        raise Refusal(
            _(
                "The id of a private group begins with -100 and goes on with digits, such as "
                "-1001234567890.",
                desk.language,
            )
        )
    _set_product(draft, "private_group_id", found)


async def _text(desk: Desk, state: State, draft: Draft, sent: Received) -> None:
    if not sent.text.strip():
        if sent.file is None:
            raise Refusal(_("I need a text here.", desk.language))
        await _files(desk, state, draft, sent)
        return
    before = deepcopy(draft.body)
    spec = draft.spec
    texts = {**(spec.get("texts") or {}), draft.variant: sent.html}
    if spec.get("format") == "markdown":
        if any(language for language in texts):
            raise Refusal(
                _(
                    "This message is written in Markdown, in several languages. Change its text "
                    "in the content files.",
                    desk.language,
                )
            )
        spec.pop("format")
    spec["texts"] = texts
    refuse_new_errors(desk, state, draft, before)
    if sent.file is not None:
        await _files(desk, state, draft, sent)


async def _language(desk: Desk, _state: State, draft: Draft, sent: Received) -> None:
    found = sent.text.strip().lower().replace("_", "-")
    if not _LANGUAGE.fullmatch(found):
        raise Refusal(_("A language is a code such as ru, de or pt-br.", desk.language))
    draft.variant = found


async def _files(desk: Desk, _state: State, draft: Draft, sent: Received) -> None:
    if sent.file is None:
        raise Refusal(_("Send a photo or another file, or press a button below.", desk.language))
    spec = draft.spec
    _refuse_file(desk, sent.file, [str(one["kind"]) for one in spec.get("media") or ()])
    drafts.add_file(spec, sent.file.kind, sent.file.extension, sent.file.file_id)


def _refuse_file(desk: Desk, file: SentFile, kinds: list[str]) -> None:
    if file.size > _LARGEST:
        raise Refusal(
            _(
                "This file has more than 20 MB, and Telegram gives bots nothing bigger. Send a "
                "smaller one, or put a link into the text.",
                desk.language,
            )
        )
    if len(kinds) >= limits.ALBUM_FILES:
        raise Refusal(_("A message has at most 10 files; I left this one out.", desk.language))
    if kinds and (file.kind in _ALONE or _ALONE & set(kinds)):
        raise Refusal(
            _(
                "A voice message or an animation is sent alone. Remove the other files first.",
                desk.language,
            )
        )


async def _timing(desk: Desk, state: State, draft: Draft, sent: Received) -> None:
    found = parse_timing(sent.text)
    if found is None:
        raise Refusal(
            _(
                "I do not understand “{text}”. Write for example: 1h 30m, 1d 2h, tomorrow 9:00, "
                "at 18:00, monday 10:00, after DONE, or now.",
                desk.language,
                text=shown(sent.text),
            )
        )
    before = deepcopy(draft.body)
    previous = draft.previous()
    if found.after is not None:
        _wait_for(desk, state, previous, found.after)
    elif previous is not None and str(previous.get("wait_for")).startswith("callback:"):
        for key in ("wait", "wait_for", "timeout"):
            previous.pop(key, None)
    draft.spec["timing"] = found.timing
    refuse_new_errors(desk, state, draft, before)


def _wait_for(desk: Desk, state: State, previous: dict[str, Any] | None, word: str) -> None:
    """Let the message before wait for a button; one that is missing is added."""
    if previous is None:
        raise Refusal(
            _(
                "This is the first message: there is no button before it. Say when it goes out "
                "after the start, for example: now",
                desk.language,
            )
        )
    keyboard = previous.get("inline_keyboard") or {}
    ref = keyboard.get("button_set_ref")
    rows = keyboard.get("rows") or []
    if ref:
        sets = state.documents.get(("buttons", "buttons"), {}).get("button_sets", {})
        rows = sets.get(ref, {}).get("rows") or []
    callback = _callback_of(rows, word)
    if callback is None:
        if ref:
            raise Refusal(
                _(
                    "The message before has the shared buttons “{name}”, and none of them is "
                    "{button}. Give that message buttons of its own first.",
                    desk.language,
                    name=shown(str(ref)),
                    button=shown(word),
                )
            )
        callback = word
        button = {"type": "callback", "text": word, "callback_data": word}
        previous["inline_keyboard"] = {"rows": [*rows, {"buttons": [button]}]}
    previous.pop("wait", None)
    previous["wait_for"] = f"callback:{callback}"


def _callback_of(rows: list[Any], word: str) -> str | None:
    """Return what a button sends that is called so, or that sends just that."""
    for row in rows:
        for button in row.get("buttons") or () if isinstance(row, Mapping) else ():
            if button.get("type") != "callback":
                continue
            names = (str(button.get("callback_data")), str(button.get("text")))
            if word.lower() in (name.lower() for name in names):
                return str(button.get("callback_data"))
    return None


async def _buttons(desk: Desk, state: State, draft: Draft, sent: Received) -> None:
    before = deepcopy(draft.body)
    if sent.text.strip() in button_sets(state.documents):
        draft.spec["inline_keyboard"] = {"button_set_ref": sent.text.strip()}
    else:
        found = parse_buttons(sent.text)
        if isinstance(found, BadButton):
            raise Refusal(_about_button(desk, found))
        draft.spec["inline_keyboard"] = {"rows": found}
    refuse_new_errors(desk, state, draft, before)


def _about_button(desk: Desk, bad: BadButton) -> str:
    line = shown(bad.line)
    match bad.why:
        case "text":
            return _("The button “{line}” has no words on it.", desk.language, line=line)
        case "value":
            return _(
                "The button “{line}” leads nowhere: its third part is missing.",
                desk.language,
                line=line,
            )
        case "many":
            return _(
                "These are too many lines: a message has at most 50 buttons here.", desk.language
            )
        case _:
            return _(
                "“{line}” is no button. A button is a line such as {example}.",
                desk.language,
                line=line,
                example=_("<code>url|Buy now|https://example.com</code>", desk.language),
            )


def refuse_new_errors(desk: Desk, state: State, draft: Draft, before: dict[str, Any]) -> None:
    """Take an edit back that `content check` would not let pass; raises Refusal."""
    scenario_id = draft.scenario_id or "new"
    errors = new_errors(
        checked(state.documents, scenario_id, _nearby(before, draft)),
        checked(state.documents, scenario_id, _nearby(draft.body, draft)),
    )
    if errors:
        draft.body = before
        raise Refusal(told(errors, desk.language))


def _nearby(body: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """Return a document with only the messages that an answer can spoil: it is checked often."""
    if draft.section != MESSAGE:
        return {**body, "order": [], "messages": {}}
    order = body["order"]
    at = order.index(draft.message_id)
    near = order[max(at - 1, 0) : at + 2]
    messages = {key: body["messages"][key] for key in near}
    return {**body, "order": near, "messages": messages, "summary": None}


def skip(draft: Draft) -> None:
    """Leave the present field empty."""
    match draft.field:
        case "text" if draft.variant:
            draft.spec["texts"].pop(draft.variant, None)
            (draft.spec.get("places") or {}).pop(draft.variant, None)
        case "text":
            draft.spec["texts"] = {"": ""}
        case "files":
            draft.spec["media"] = []
        case "buttons":
            draft.spec.pop("inline_keyboard", None)
        case "timing":
            draft.spec["timing"] = {"hours": 0, "minutes": 0}
        case key:
            _set_product(draft, key, None)


def _set_product(draft: Draft, key: str, value: str | None) -> None:
    product = {name: one for name, one in draft.product.items() if name != key}
    if value is not None:
        product[key] = value
    if product or "prodamus" in draft.config:
        draft.config["prodamus"] = product


_Taker = Callable[[Desk, State, Draft, Received], Awaitable[None]]
_TAKERS: Final[dict[str, _Taker]] = {
    "name": _name,
    "id": _id,
    "product_name": _product_name,
    "product_price": _price,
    "paid_content": _paid_content,
    "private_group_id": _group,
    "text": _text,
    "language": _language,
    "files": _files,
    "timing": _timing,
    "buttons": _buttons,
}
