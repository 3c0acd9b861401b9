"""What an admin typed in Telegram as a template: entities become tags, Liquid stays as it is.

Offsets of entities count UTF-16 units (Bot API, MessageEntity). A tag never lands inside of a
`{{ … }}`: it moves to its edge.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, Final

from dripline.content.links import safe_link
from dripline.content.telegram_html import TAGS, escape, utf16_length

_LIQUID: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TAGS: Final[dict[str, str]] = {
    "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "spoiler": "tg-spoiler",
    "code": "code", "pre": "pre", "blockquote": "blockquote",
    "expandable_blockquote": "blockquote",
}  # fmt: skip
_TYPED_TAG: Final = re.compile(r"</?([a-z-]+)(?:\s[^<>]*)?>")


def to_template(text: str, entities: Iterable[Any]) -> str:
    """Return the text as Telegram's HTML.

    Whoever typed tags by hand, and formatted nothing, means them as tags.
    """
    spans = [span for one in entities if (span := _span(text, one)) is not None]
    if not spans and _has_typed_tags(text):
        return text
    return _woven(text, _kept_out_of_liquid(text, spans))


def _has_typed_tags(text: str) -> bool:
    return any(match[1] in TAGS for match in _TYPED_TAG.finditer(text))


def _span(text: str, entity: Any) -> tuple[int, int, str, str] | None:
    """Return where an entity's tags stand, in characters, and both tags; None for a plain one."""
    if not isinstance(entity, Mapping):
        return None
    offset, length = entity.get("offset"), entity.get("length")
    if not isinstance(offset, int) or not isinstance(length, int) or length <= 0 or offset < 0:
        return None
    opening = _opening(entity)
    if opening is None:
        return None
    units = list(accumulate((utf16_length(one) for one in text), initial=0))
    start = next((at for at, unit in enumerate(units) if unit >= offset), len(text))
    end = next((at for at, unit in enumerate(units) if unit >= offset + length), len(text))
    name = opening[1:-1].partition(" ")[0]
    return (start, end, opening, f"</{name}>") if start < end else None


def _opening(entity: Mapping[str, Any]) -> str | None:
    kind = str(entity.get("type"))
    if kind == "text_link":
        link = safe_link(str(entity.get("url") or ""))
        return f'<a href="{escape(link)}">' if link else None
    if kind == "custom_emoji":
        emoji = str(entity.get("custom_emoji_id") or "")
        return f'<tg-emoji emoji-id="{emoji}">' if emoji.isdigit() else None
    tag = _TAGS.get(kind)
    if tag is None:
        return None
    return "<blockquote expandable>" if kind.startswith("expandable") else f"<{tag}>"


def _kept_out_of_liquid(
    text: str, spans: list[tuple[int, int, str, str]]
) -> list[tuple[int, int, str, str]]:
    marks = [match.span() for match in _LIQUID.finditer(text)]

    def moved(at: int, *, back: bool) -> int:
        for start, end in marks:
            if start < at < end:
                return start if back else end
        return at

    return [(moved(s, back=True), moved(e, back=False), o, c) for s, e, o, c in spans]


def _woven(text: str, spans: list[tuple[int, int, str, str]]) -> str:
    """Put tags into a text; where two overlap without one holding the other, the inner is cut."""
    marks = [match.span() for match in _LIQUID.finditer(text)]
    raw = {at for start, end in marks for at in range(start, end)}
    ordered = sorted(spans, key=lambda span: (span[0], -span[1]))
    out: list[str] = []
    open_: list[tuple[int, str]] = []
    waiting = iter([*ordered, None])
    following = next(waiting)
    for at in range(len(text) + 1):
        while open_ and open_[-1][0] <= at:
            out.append(open_.pop()[1])
        while following is not None and following[0] == at:
            end = min([following[1], *(one[0] for one in open_)])
            out.append(following[2])
            open_.append((end, following[3]))
            following = next(waiting)
        if at < len(text):
            out.append(text[at] if at in raw else escape_text(text[at]))
    return "".join(out)


def escape_text(text: str) -> str:
    """Return text that means itself between tags; quotes may stay."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
