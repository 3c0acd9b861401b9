"""Entities that overlap are cut until each lies inside the others or beside them.

Words that bear no style of their own (links, code, quotes) may not cross; styles (bold, italic …)
are joined where they touch and cut at the borders of everything else.
"""

from __future__ import annotations

from collections.abc import Iterable

from dripline.sandbox.formatting.entities import (
    QUOTES,
    SPLITTABLE,
    VERBATIM,
    Entity,
    end,
    entity,
    in_order,
)

_FAR = 1 << 31


def nested(entities: list[Entity], found: list[Entity] | None = None) -> list[Entity]:
    """The same entities, cut to nest; `found` are those detected in the words themselves."""
    if len(entities) + len(found or ()) == 0:
        return []
    items = in_order(entities)
    styles = [item for item in items if item["type"] in SPLITTABLE]
    quotes = _beside(item for item in items if item["type"] in QUOTES)
    solid = _beside(
        item for item in items if item["type"] not in SPLITTABLE and item["type"] not in QUOTES
    )
    solid = _join(solid, [item for item in found or () if not _crosses(item, quotes)])
    others = in_order([item for item in solid if not _crosses(item, quotes)] + quotes)
    return in_order(others + _Cutter(styles).cut(others)) if styles else others


def _beside(items: Iterable[Entity]) -> list[Entity]:
    kept: list[Entity] = []
    for item in items:
        if not kept or item["offset"] >= end(kept[-1]):
            kept.append(item)
    return kept


def _join(old: list[Entity], new: list[Entity]) -> list[Entity]:
    free = [
        item
        for item in new
        if not any(item["offset"] < end(other) and other["offset"] < end(item) for other in old)
    ]
    return in_order(old + free)


def _crosses(item: Entity, quotes: list[Entity]) -> bool:
    return any(
        quote["offset"] < end(item)
        and item["offset"] < end(quote)
        and (item["offset"] < quote["offset"] or end(item) > end(quote))
        for quote in quotes
    )


class _Cutter:
    """Joins styles that touch, and cuts them at every border they meet."""

    def __init__(self, styles: list[Entity]) -> None:
        self._styles = styles
        self._next = 0
        self._begin = dict.fromkeys(SPLITTABLE, 0)
        self._end = dict.fromkeys(SPLITTABLE, 0)
        self._result: list[Entity] = []

    def cut(self, others: list[Entity]) -> list[Entity]:
        stack: list[Entity] = []
        for other in [*others, None]:
            offset = other["offset"] if other else _FAR
            while stack and offset >= end(stack[-1]):
                self._leave(stack.pop())
            self._advance(offset)
            if other:
                stack.append(other)
        return self._result

    def _leave(self, other: Entity) -> None:
        kept = len(self._result)
        self._advance(end(other))
        if other["type"] in VERBATIM:  # code has no style inside
            del self._result[kept:]

    def _advance(self, offset: int) -> None:
        while self._next < len(self._styles) and self._styles[self._next]["offset"] < offset:
            self._take(self._styles[self._next])
            self._next += 1
        self._flush(offset)

    def _take(self, style: Entity) -> None:
        kind = style["type"]
        if self._end[kind] and style["offset"] <= self._end[kind]:
            self._end[kind] = max(self._end[kind], end(style))
            return
        self._flush(style["offset"])
        self._begin[kind], self._end[kind] = style["offset"], end(style)

    def _flush(self, offset: int) -> None:
        for kind in SPLITTABLE:
            begin, finish = self._begin[kind], self._end[kind]
            if not finish or begin >= offset:
                continue
            stop = min(finish, offset)
            self._result.append(entity(kind, begin, stop - begin))
            done = finish <= offset
            self._begin[kind], self._end[kind] = (0, 0) if done else (offset, finish)
