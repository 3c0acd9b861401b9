"""Cleans a text as Telegram does before it counts: control characters, spaces at the ends."""

from __future__ import annotations

import re

from dripline.sandbox.formatting.detect import detect
from dripline.sandbox.formatting.entities import (
    Entity,
    FormattingError,
    byte_offset,
    end,
    in_order,
    utf16_length,
)
from dripline.sandbox.formatting.nesting import nested

_UNWANTED = re.compile("[\0-\x09\x0b-\x1f\u2028-\u202e\u0333\u033f\u030a]")
_DROPPED = frozenset("\r\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u0333\u033f\u030a")
_FAR = 1_000_000


def cleaned(
    text: str, entities: list[Entity], *, allow_empty: bool, commands: bool = True
) -> tuple[str, list[Entity]]:
    """The text as it is stored, with all its entities. Raises FormattingError."""
    entities = _checked(entities)
    _check_borders(text, entities)
    if _UNWANTED.search(text):
        text, entities = _without_unwanted(text, entities)
    text, entities = _trimmed(text, entities)
    if not text:
        if allow_empty:
            return "", []
        raise FormattingError("text must be non-empty")
    found = detect(text, commands=commands)
    entities = nested(entities)
    return text, nested(entities, found) if found else entities


def _checked(entities: list[Entity]) -> list[Entity]:
    for item in entities:
        for field in ("offset", "length"):
            if not 0 <= item[field] <= _FAR:
                raise FormattingError(f"receive an entity with incorrect {field} {item[field]}")
    return in_order([item for item in entities if item["length"]])


def _check_borders(text: str, entities: list[Entity]) -> None:
    """Each entity begins and ends between two characters of the text."""
    if not entities:
        return
    borders, length = {0: 0}, 0  # UTF-16 offset: position of the character that begins there
    for position, char in enumerate(text, 1):
        length += 1 + (char > "\uffff")
        borders[length] = position
    for item in entities:
        if item["offset"] > length or (item["offset"] == length and item["length"]):
            raise FormattingError(
                f"entity begins after the end of the text at UTF-16 offset {item['offset']}"
            )
        if item["offset"] not in borders:
            where = byte_offset(text, borders[item["offset"] + 1])
            raise FormattingError(
                f"entity begins in a middle of a UTF-16 symbol at byte offset {where}"
            )
        _check_end(text, item, borders, length)


def _check_end(text: str, item: Entity, borders: dict[int, int], length: int) -> None:
    if end(item) > length:
        raise FormattingError(
            f"entity beginning at UTF-16 offset {item['offset']} ends after the end of the text"
            f" at UTF-16 offset {end(item)}"
        )
    if end(item) not in borders:
        where = byte_offset(text, borders[end(item) + 1])
        raise FormattingError(
            f"entity beginning at UTF-16 offset {item['offset']} ends in a middle of a UTF-16"
            f" symbol at byte offset {where}"
        )


def _without_unwanted(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    kept: list[str] = []
    dropped: list[int] = []
    offset = 0
    for char in text:
        if char in _DROPPED:
            dropped.append(offset)
        else:
            kept.append(" " if char < " " and char != "\n" else char)
        offset += 1 + (char > "\uffff")
    moved = [_moved(item, dropped) for item in entities]
    return "".join(kept), [item for item in moved if item["length"]]


def _moved(item: Entity, dropped: list[int]) -> Entity:
    before = sum(at < item["offset"] for at in dropped)
    inside = sum(item["offset"] <= at < end(item) for at in dropped)
    return {**item, "offset": item["offset"] - before, "length": item["length"] - inside}


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    text = text.rstrip(" \n")
    length = utf16_length(text)
    kept = [
        {**item, "length": min(item["length"], length - item["offset"])}
        for item in entities
        if item["offset"] < length
    ]
    spaces = len(text) - len(text.lstrip(" \n"))
    lead = min([spaces, *(item["offset"] for item in kept)])
    moved = [{**item, "offset": item["offset"] - lead} for item in kept]
    return text[lead:], moved
