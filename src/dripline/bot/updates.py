"""Read an update: of Telegram's many kinds and fields, the few that concern a contact.

Whatever comes in was written by strangers. A field that is missing or of another type makes an
update `Ignored`, with a word that says why; nothing here raises.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from dripline.clients.telegram import loads
from dripline.contacts.identify import TelegramPerson
from dripline.engagement.codes import PREFIX

LONGEST_TEXT = 4096
LONGEST_DATA = 256
_LONGEST_PAYLOAD = 65  # one more than a deep link carries: what is longer equals no scenario's id
ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@\w+)?(?:\s+(\S.*))?", re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # no database keeps these in a text
_REACHABLE = frozenset({"member", "creator", "administrator"})
_UNREACHABLE = frozenset({"kicked", "left"})
_KINDS = ("photo", "video", "document", "voice", "audio", "sticker", "contact", "location")


@dataclass(frozen=True, slots=True)
class Started:
    """`/start`, with the payload of a deep link."""

    person: TelegramPerson
    payload: str | None


@dataclass(frozen=True, slots=True)
class Wrote:
    """Any other private message; `command` is the word after a slash, `raw` all that came."""

    person: TelegramPerson
    kind: str
    text: str
    command: str | None
    message_id: int | None
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A callback button; `callback_id` is what Telegram wants answered."""

    person: TelegramPerson
    callback_id: str
    data: str


@dataclass(frozen=True, slots=True)
class PressedPost:
    """A callback button of a post in a channel or group; `data` is a post's code, as it came."""

    person: TelegramPerson
    callback_id: str
    data: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The contact blocked the bot, or let it in again."""

    user_id: int
    reachable: bool


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing that concerns a contact; `callback_id` when it still wants an answer."""

    why: str
    callback_id: str | None = None


Update = Started | Wrote | Pressed | PressedPost | Membership | Ignored


def source_of(bot: str) -> str:
    """Return the name under which a bot's updates are in the inbox."""
    return f"telegram:{bot}"


def id_of(update: Any) -> int | None:
    """Return an update's id, None when it has none."""
    found = update.get("update_id") if isinstance(update, dict) else None
    return found if _is_id(found) else None


def read(body: bytes) -> Update:
    """Return what an update says."""
    update = loads(body)
    if not isinstance(update, dict):
        return Ignored("not_an_update")
    if isinstance(message := update.get("message"), dict):
        return _message(message)
    if isinstance(query := update.get("callback_query"), dict):
        return _pressed(query)
    if isinstance(change := update.get("my_chat_member"), dict):
        return _membership(change)
    return Ignored("other_kind")


def _message(message: dict[str, Any]) -> Update:
    if not _is_private(message):
        return Ignored("not_private")
    person = _person(message.get("from"))
    if person is None:
        return Ignored("no_person")
    text = _text(message.get("text"), LONGEST_TEXT) or _text(message.get("caption"), LONGEST_TEXT)
    command = _COMMAND.fullmatch(text.strip())
    if command is not None and command[1].lower() == "start":
        return Started(person, command[2].strip()[:_LONGEST_PAYLOAD] if command[2] else None)
    number = message.get("message_id")
    return Wrote(
        person,
        kind=next((kind for kind in _KINDS if kind in message), "text" if text else "other"),
        text=text,
        command=command[1].lower() if command else None,
        message_id=number if _is_id(number) else None,
        raw=message,
    )


def _pressed(query: dict[str, Any]) -> Update:
    callback_id = _text(query.get("id"), LONGEST_DATA) or None
    message = query.get("message")
    person = _person(query.get("from"))
    data = _text(query.get("data"), LONGEST_DATA)
    if not isinstance(message, dict) or not _is_private(message):
        if person is not None and callback_id and data.startswith(PREFIX):
            return PressedPost(person, callback_id, data)
        return Ignored("not_private", callback_id)
    if person is None or callback_id is None or not data:
        return Ignored("no_person" if person is None else "no_data", callback_id)
    return Pressed(person, callback_id, data)


def _membership(change: dict[str, Any]) -> Update:
    if not _is_private(change):
        return Ignored("not_private")
    person = _person(change.get("from"))
    member = change.get("new_chat_member")
    status = member.get("status") if isinstance(member, dict) else None
    if person is None or status not in _REACHABLE | _UNREACHABLE:
        return Ignored("no_person" if person is None else "no_status")
    return Membership(person.id, reachable=status in _REACHABLE)


def _person(user: Any) -> TelegramPerson | None:
    if not isinstance(user, dict) or not _is_id(user.get("id")) or user.get("is_bot") is True:
        return None
    return TelegramPerson(
        id=user["id"],
        first_name=_text(user.get("first_name"), 256),
        last_name=_text(user.get("last_name"), 256) or None,
        username=_text(user.get("username"), 64) or None,
        language=_text(user.get("language_code"), 35) or None,
    )


def _is_private(holder: dict[str, Any]) -> bool:
    chat = holder.get("chat")
    return isinstance(chat, dict) and chat.get("type") == "private" and _is_id(chat.get("id"))


def _is_id(value: object) -> bool:
    """Whether a value is a positive number of at most 63 bits; `True` is none."""
    return type(value) is int and 0 < value < 2**63


def _text(value: object, longest: int) -> str:
    return _UNSTORABLE.sub("", value)[:longest] if isinstance(value, str) else ""
