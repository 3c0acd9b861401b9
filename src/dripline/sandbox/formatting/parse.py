"""A text in any of Telegram's parse modes, into words and entities."""

from __future__ import annotations

from typing import Any

from dripline.sandbox.formatting.clean import cleaned
from dripline.sandbox.formatting.entities import Entity, FormattingError, utf16_length
from dripline.sandbox.formatting.html import parse_html
from dripline.sandbox.formatting.linking import link_entity
from dripline.sandbox.formatting.markdown import parse_markdown
from dripline.sandbox.formatting.markdown_v2 import parse_markdown_v2

MAX_SOURCE_BYTES = 1 << 15

_PARSERS = {"html": parse_html, "markdown": parse_markdown, "markdownv2": parse_markdown_v2}
_PLAIN_KINDS = frozenset(
    ("mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number")
)
_STYLED_KINDS = frozenset(
    (
        *("bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre"),
        *("blockquote", "expandable_blockquote", "text_link", "text_mention", "custom_emoji"),
    )
)
_REQUIRED = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}


def parsed(text: str, parse_mode: str, given: Any = None) -> tuple[str, list[Entity]]:
    """Words and entities before cleaning; `given` are entities sent along. Raises FormattingError.

    As on the real server, `given` is ignored when a parse mode is set.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        raise FormattingError("text is too long")
    mode = parse_mode.lower()
    if not text or mode in ("", "none"):
        return text, _given(given)
    if mode not in _PARSERS:
        raise FormattingError("unsupported parse_mode")
    try:
        return _PARSERS[mode](text)
    except FormattingError as error:
        raise FormattingError(f"can't parse entities: {error}") from error


def formatted(
    text: str, parse_mode: str = "", given: Any = None, *, allow_empty: bool = False
) -> tuple[str, list[Entity]]:
    """Words and entities as they are stored. Raises FormattingError."""
    return cleaned(*parsed(text, parse_mode, given), allow_empty=allow_empty)


def fits(text: str, limit: int) -> bool:
    """Whether a text is within a limit of UTF-16 units."""
    return len(text) * 2 <= limit or utf16_length(text) <= limit


def _given(given: Any) -> list[Entity]:
    if not isinstance(given, list):
        return []
    return [item for item in map(_given_entity, given) if item]


def _given_entity(item: Any) -> Entity | None:
    if not isinstance(item, dict):
        raise FormattingError("can't parse MessageEntity: expected an Object")
    kind = item.get("type")
    if kind in _PLAIN_KINDS:
        return None  # these are found in the words themselves
    if kind not in _STYLED_KINDS:
        raise FormattingError("can't parse MessageEntity: Unsupported type specified")
    kept: Entity = {"offset": _int(item, "offset"), "length": _int(item, "length"), "type": kind}
    required = _REQUIRED.get(str(kind))
    if required and not item.get(required):
        raise FormattingError(f"can't parse MessageEntity: Can't find field \"{required}\"")
    if kind == "text_link":
        links = link_entity(str(item["url"]), kept["offset"], kept["length"])
        return links[0] if links else None
    kept.update({field: item[field] for field in (required, "language") if field and field in item})
    return kept


def _int(item: dict[str, Any], field: str) -> int:
    value = item.get(field)
    if value is None:
        raise FormattingError(f"can't parse MessageEntity: Can't find field \"{field}\"")
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise FormattingError(
            f'can\'t parse MessageEntity: Field "{field}" must be of type Number'
        ) from error
