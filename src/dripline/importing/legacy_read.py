"""Read an old bot's folder: messages, templates, photos, users, schedules, `.env`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dripline.content.folder import Folder
from dripline.content.json_source import line_and_column
from dripline.content.parse import ID
from dripline.content.parse_message import parse_message
from dripline.content.shape import Node
from dripline.errors import Invalid
from dripline.importing.legacy_flow import SPECIAL, OldFlow, OldMessage, mapped
from dripline.importing.people import telegram_id_of
from dripline.importing.report import Report
from dripline.importing.source import IMPORT_INVALID, Source, moment_of, place, read_env, shown

_PAID: Final = "PRODAMUS_PRODUCT_PAID_CONTENT"  # a template, as messages are
_WANTED: Final = (
    "PRODAMUS_PRODUCT_NAME",
    "PRODAMUS_PRODUCT_PRICE",
    _PAID,
    "PRIVATE_GROUP_ID",
)
_SECRETS: Final = {
    "BOT_TOKEN": "TELEGRAM_BOT_TOKEN",
    "PRODAMUS_API_URL": "PRODAMUS_URL",
    "PRODAMUS_SECRET_KEY": "PRODAMUS_SECRET_KEY",
}
_EXTENSIONS: Final = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, slots=True)
class Legacy:
    """What an old bot's folder holds; `photos` are its files by the names we give them."""

    source: Source
    flow: OldFlow
    unknown: tuple[str, ...]
    photos: Mapping[str, Path]
    users: Node
    schedule: Mapping[str, datetime]
    template_names: Mapping[str, str]


def read(root: Path, env_file: Path | None, report: Report) -> Legacy:
    """Return what an old bot's folder holds, without a change anywhere.

    The folder is the old bot's own, with `data/` and `assets/` in it, or its `data/` itself. Raises
    Invalid (IMPORT_INVALID) with file, line and column of whatever is no JSON or has a wrong form.
    """
    top, base = _places(root)
    source = Source(Folder(top), report)
    env = read_env(env_file or _env_file(top, base))
    _tell_env(report, env)
    messages = source.objects(f"{base}/messages.json")
    users = source.objects(f"{base}/users.json")
    schedule = source.objects(f"{base}/schedule_backup.json", needed=False)
    source.refuse_errors()
    assert messages is not None and users is not None  # noqa: S101, PT018 - else refused above
    flow, photos, unknown, names = _flow(source, messages, top, base, env)
    source.refuse_errors()
    due = _schedule(source, schedule, users)
    return Legacy(source, flow, unknown, photos, users, due, names)


def _places(root: Path) -> tuple[Path, str]:
    """Return the folder that holds everything, and where `messages.json` lies in it."""
    root = root.resolve()
    if (root / "messages.json").is_file() and not (root / "data/messages.json").is_file():
        beside = not (root / "assets").is_dir() and (root.parent / "assets").is_dir()
        return (root.parent, root.name) if beside else (root, ".")
    if (root / "data").is_dir():
        return root, "data"
    raise Invalid(
        f"There is no messages.json in {root}, nor in {root / 'data'}: this is no folder of an "
        "old bot.",
        code=IMPORT_INVALID,
    )


def _env_file(top: Path, base: str) -> Path | None:
    return next((file for file in (top / ".env", top / base / ".env") if file.is_file()), None)


def _tell_env(report: Report, env: Mapping[str, str]) -> None:
    for key in _WANTED:
        if key not in env:
            report.note("Missing in .env, so left empty", key)
    for key, ours in _SECRETS.items():
        if key in env:  # never the value: it would stand in logs
            report.note("To be set in the environment of dripline", f"{ours}, as {key} of .env")


def _flow(
    source: Source, node: Node, top: Path, base: str, env: Mapping[str, str]
) -> tuple[OldFlow, dict[str, Path], tuple[str, ...], dict[str, str]]:
    node.need("messages_list", "messages")
    given = node.object("messages")
    order = [name for name in _order(node) if name not in SPECIAL]
    unknown: dict[str, None] = {}
    photos: dict[str, Path] = {}
    names: dict[str, str] = {}
    messages = {}
    for name in (*order, *SPECIAL):
        spec = given.object(name) if given is not None else None
        if spec is None:
            _missing(source, node, base, name)
            spec = _from_template(source, node, base, name) if name in SPECIAL else None
        if spec is None:
            continue
        photo = _photo(source, top, base, name)
        if photo is not None:
            photos[f"{name}{photo.suffix}"] = photo
        found = tuple(one for one in (f"{name}{photo.suffix}",)) if photo is not None else ()
        messages[name] = _message(source, spec, base, name, found, unknown, names)
    paid = env.get(_PAID, "")
    env = {**env, **({_PAID: mapped(paid, _noting(source, ".env", "", unknown))} if paid else {})}
    return OldFlow(order, messages, env), photos, tuple(unknown), names


def _order(node: Node) -> list[str]:
    order: list[str] = []
    for item in node.items("messages_list"):
        if not item.expect(str):
            continue
        if not ID.fullmatch(item.value) or len(item.value) > 64:
            item.report("id", "A message's name has letters, digits, - and _, at most 64 of them.")
        elif item.value in order:
            item.report("duplicate", f"{item.value} stands in the list twice.")
        else:
            order.append(item.value)
    return order


def _missing(source: Source, node: Node, base: str, name: str) -> None:
    if name not in SPECIAL:
        node.at("messages_list").report(
            "missing-message", f"{name} is listed, but “messages” does not describe it."
        )
    elif name == SPECIAL[0] and not source.folder.exists(f"{base}/messages/{name}.md"):
        source.report.note("Special messages that are not there", f"{name}: people begin at once")


def _from_template(source: Source, node: Node, base: str, name: str) -> Node | None:
    """Return a special message that has a template and no entry in messages.json."""
    if not source.folder.exists(f"{base}/messages/{name}.md"):
        return None
    return replace(node, path=("messages", name), value={"template_file": f"{name}.md"})


def _message(
    source: Source,
    spec: Node,
    base: str,
    name: str,
    photos: tuple[str, ...],
    unknown: dict[str, None],
    names: dict[str, str],
) -> OldMessage:
    if not spec.has("template_file"):
        spec.value["template_file"] = f"{name}.md"
    body = parse_message(spec, base)
    texts = {}
    for language, text in body["texts"].items():
        file = body["places"].get(language, "")
        ours = f"scenarios/default/messages/{name}{f'.{language}' if language else ''}.md"
        names[ours] = file
        texts[language] = mapped(text, _noting(source, file, text, unknown))
    keyboard = _keyboard(source, spec, unknown)
    own = {key: value for key, value in spec.value.items() if key != "inline_keyboard"}
    return OldMessage({**own, **({"inline_keyboard": keyboard} if keyboard else {})}, texts, photos)


def _noting(source: Source, file: str, text: str, unknown: dict[str, None]) -> Any:
    def note(name: str, offset: int) -> None:
        unknown[name] = None
        line, column = line_and_column(text, offset)
        where = f"{file.removeprefix('./')}:{line}:{column}" if text else file
        source.report.note(
            "Unknown placeholders, now attributes of the contact", f"{{{{{name}}}}} ({where})"
        )

    return note


def _keyboard(source: Source, spec: Node, unknown: dict[str, None]) -> dict[str, Any] | None:
    """Return the buttons with their placeholders mapped."""
    keyboard = spec.object("inline_keyboard")
    if keyboard is None:
        return None

    def note(name: str, _offset: int) -> None:
        unknown[name] = None
        source.report.note(
            "Unknown placeholders, now attributes of the contact",
            f"{{{{{name}}}}} ({place(keyboard)})",
        )

    rows = []
    for row in keyboard.items("rows"):
        buttons = [one.value for one in row.items("buttons") if isinstance(one.value, dict)]
        rows.append(
            {
                "buttons": [
                    {k: mapped(v, note) if isinstance(v, str) else v for k, v in one.items()}
                    for one in buttons
                ]
            }
        )
    return {"rows": rows} if rows else None


def _photo(source: Source, top: Path, base: str, name: str) -> Path | None:
    """Return the photo of a message: `assets/images/{name}.PNG`, in whatever letters."""
    for folder in (top / "assets/images", top / base / "assets/images"):
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        for file in files:
            fits = file.stem.lower() == name.lower() and file.suffix.lower() in _EXTENSIONS
            if fits and file.is_file() and file.resolve().is_relative_to(top):
                return file
    if name not in SPECIAL[1:]:
        source.report.note("Messages without a photo", name)
    return None


def _schedule(source: Source, node: Node | None, users: Node) -> dict[str, datetime]:
    """Return when each person's next message is due; what cannot be used is noted."""
    found: dict[str, datetime] = {}
    for key, inner in node.members() if node is not None else ():
        if telegram_id_of(key) is None or key not in users.value:
            source.odd("Schedules of people who are not in users.json", inner, shown(key))
            continue
        holder = replace(inner, path=inner.path[:-1], value={key: inner.value})
        moment = source.moment(holder, key) if moment_of(inner.value) else None
        if moment is None:
            source.odd("Not a time, left out", inner, f"{key}: {shown(inner.value)}")
        else:
            found[key] = moment
    if node is None:
        source.report.note("Missing", "schedule_backup.json: delays count from the import")
    return found
