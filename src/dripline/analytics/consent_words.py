"""What a contact agreed to or wishes, in words: each change on record, with old and new value."""

import re
from collections.abc import Mapping
from typing import Final

from dripline.texts import gettext as _
from dripline.texts import marked

_NAMES: Final = {
    "sequences": marked("Courses and series"),
    "announcements": marked("News and offers"),
    "preferred_channel": marked("Where"),
    "preferred_time": marked("When"),
    "weekdays": marked("Days"),
    "quiet_from": marked("Quiet hours begin"),
    "quiet_to": marked("Quiet hours end"),
    "timezone": marked("Timezone"),
    "language": marked("Language"),
    "email": marked("Email"),
}
_WORDS: Final = {
    "yes": marked("yes"),
    "no": marked("no"),
    "telegram": "Telegram",
    "email": marked("by email"),
    "morning": marked("in the morning"),
    "afternoon": marked("in the afternoon"),
    "evening": marked("in the evening"),
}
_DAYS: Final = (marked("Mo"), marked("Tu"), marked("We"), marked("Th"), marked("Fr"), marked("Sa"),
                marked("Su"))  # fmt: skip
# How the record says what became of an address: `anna@example.com (unverified)`.
_ADDRESS: Final = re.compile(r"(\S+@\S+) \(([a-z_ ]+)\)")
_STATES: Final = {
    "unverified": marked("{email}, not confirmed yet"),
    "reachable": marked("{email}, confirmed"),
    "verified": marked("{email}, confirmed"),
    "unsubscribed": marked("{email}, no emails wanted"),
    "subscribed again": marked("{email}, subscribed again"),
    "bounced": marked("{email}, emails come back"),
    "complained": marked("{email}, called spam"),
}
_LONGEST: Final = 300


def changes_told(changes: object, language: str | None) -> str:
    """Return what is different, and how."""
    if not isinstance(changes, Mapping):
        return ""
    order = list(_NAMES)
    told = []
    for name in sorted(changes, key=lambda one: order.index(one) if one in order else len(order)):
        change = changes[name] if isinstance(changes[name], Mapping) else {}
        old, new = (_value(name, change.get(side), language) for side in ("old", "new"))
        what = _(_NAMES.get(str(name), str(name)), language)
        told.append(f"{what}: {old} → {new or '–'}" if old else f"{what}: {new or '–'}")
    return "; ".join(told)[:_LONGEST]


def _value(name: str, value: object, language: str | None) -> str:
    text = "" if value is None else str(value)
    match name:
        case "email":
            return _address(text, language)
        case "quiet_from" | "quiet_to" if text.isdecimal() and len(text) <= 4:
            return f"{int(text) // 60:02}:{int(text) % 60:02}"
        case "weekdays" if re.fullmatch("[1-7](,[1-7])*", text):
            return ", ".join(_(_DAYS[int(day) - 1], language) for day in text.split(","))
        case "timezone" | "language":
            return text
    words = _WORDS.get(text)
    return _(words, language) if words else text


def _address(text: str, language: str | None) -> str:
    known = _ADDRESS.fullmatch(text)
    words = _STATES.get(known[2]) if known else None
    return _(words, language, email=known[1]) if known and words else text
