"""Entities: ranges of a text that mean something, measured in UTF-16 units."""

from __future__ import annotations

from typing import Any

Entity = dict[str, Any]

SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = ("blockquote", "expandable_blockquote")
VERBATIM = ("pre", "code", "date_time")

# Sort order of entities that begin and end together: the outer one first.
_PRIORITY = {
    "blockquote": 0,
    "expandable_blockquote": 0,
    "pre": 11,
    "code": 20,
    "text_link": 49,
    "text_mention": 49,
    "bold": 90,
    "italic": 91,
    "underline": 92,
    "strikethrough": 93,
    "spoiler": 94,
    "custom_emoji": 99,
}


class FormattingError(ValueError):
    """The text cannot be taken; the message is what Telegram says after "Bad Request: "."""


def entity(kind: str, offset: int, length: int, **more: Any) -> Entity:
    """One entity, as the Bot API writes it."""
    return {"offset": offset, "length": length, "type": kind, **more}


def utf16_length(text: str) -> int:
    """Length in UTF-16 units: what Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def byte_offset(text: str, position: int) -> int:
    """Where a character stands, in bytes of UTF-8: what Telegram's errors name."""
    return len(text[:position].encode("utf-8", "surrogatepass"))


def end(item: Entity) -> int:
    """Where an entity ends."""
    return int(item["offset"] + item["length"])


def in_order(entities: list[Entity]) -> list[Entity]:
    """Sorted: earlier first, longer first, the outer kind first."""
    return sorted(
        entities,
        key=lambda item: (item["offset"], -item["length"], _PRIORITY.get(item["type"], 50)),
    )
