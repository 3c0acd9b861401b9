"""Markdown to Telegram's HTML, once, when content is compiled; Liquid passes through untouched."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from dripline.content.telegram_html import escape

LIQUID: Final = re.compile(
    r"\{%-?\s*(raw|comment)\s*-?%\}.*?\{%-?\s*end\1\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL
)
_PARSER: Final = MarkdownIt("commonmark", {"html": True}).enable("strikethrough")
_INLINE: Final = {
    "strong_open": "<b>", "strong_close": "</b>", "em_open": "<i>", "em_close": "</i>",
    "s_open": "<s>", "s_close": "</s>", "softbreak": "\n", "hardbreak": "\n", "link_close": "</a>",
}  # fmt: skip
_BULLETS: Final = "•◦▪"


@dataclass(frozen=True, slots=True)
class Converted:
    """The HTML, and where its pieces of Liquid stand: (offset here, offset in the source)."""

    html: str
    anchors: tuple[tuple[int, int], ...]

    def source_offset(self, offset: int) -> int:
        """Return about where in the source a place in the HTML comes from."""
        before = [source for here, source in self.anchors if here <= offset]
        return before[-1] if before else 0


def to_html(source: str) -> Converted:
    """Convert a message; tags of Telegram's that Markdown has no sign for may be written as HTML.

    Headings become bold, lists lines with bullets, images links: Telegram has none of them.
    """
    marks = list(LIQUID.finditer(source))
    nonce = 7
    while f"lq{nonce}x" in source:
        nonce += 1
    numbers = iter(range(len(marks)))
    held = LIQUID.sub(lambda _: f"lq{nonce}x{next(numbers)}z", source)
    html = _Writer().blocks(_PARSER.parse(held))
    return _put_back(html, nonce, marks)


def _put_back(html: str, nonce: int, marks: Sequence[re.Match[str]]) -> Converted:
    out: list[str] = []
    anchors: list[tuple[int, int]] = []
    at = size = 0
    for found in re.finditer(rf"lq{nonce}x(\d+)z", html):
        before, mark = html[at : found.start()], marks[int(found[1])]
        out += [before, mark[0]]
        size += len(before)
        anchors.append((size, mark.start()))
        size += len(mark[0])
        at = found.end()
    return Converted("".join([*out, html[at:]]), tuple(anchors))


@dataclass(slots=True)
class _Writer:
    """Writes blocks one after another; keeps what surrounds them."""

    out: list[str] = field(default_factory=list)
    lists: list[int | None] = field(default_factory=list)  # next number, None for bullets
    quotes: int = 0
    fresh: bool = True  # no separator is wanted before the next block

    def blocks(self, tokens: Sequence[Token]) -> str:
        """Return the HTML of a document's tokens."""
        for token in tokens:
            self._block(token)
        return "".join(self.out).strip("\n")

    def _block(self, token: Token) -> None:
        match token.type:
            case "paragraph_open":
                self._separate(tight=token.hidden)
            case "inline":
                self.out.append(inline(token.children or []))
                self.fresh = False
            case "heading_open":
                self._separate()
                self.out.append("<b>")
            case "heading_close":
                self.out.append("</b>")
            case "bullet_list_open":
                self.lists.append(None)
            case "ordered_list_open":
                self.lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
            case "list_item_open":
                self._item()
            case "blockquote_open" | "blockquote_close":
                self._quote(opening=token.type == "blockquote_open")
            case _:
                self._literal(token)

    def _literal(self, token: Token) -> None:
        match token.type:
            case "fence" | "code_block":
                self._write(_code(token.content.rstrip("\n"), token.info.strip()))
            case "html_block":
                self._write(token.content.rstrip("\n"))
            case "hr":
                self._write("———")

    def _write(self, text: str) -> None:
        self._separate()
        self.out.append(text)
        self.fresh = False

    def _separate(self, *, tight: bool = False) -> None:
        if not self.fresh:
            self.out.append("\n" if tight else "\n\n")
        self.fresh = True

    def _item(self) -> None:
        nested = len(self.lists) - 1
        if self.out and not self.out[-1].endswith("<blockquote>"):
            self.out.append("\n" if self._continues() else "\n\n")
        number = self.lists[-1]
        mark = _BULLETS[min(nested, 2)] if number is None else f"{number}."
        if number is not None:
            self.lists[-1] = number + 1
        self.out.append("\u2003" * nested + mark + " ")
        self.in_list = True
        self.fresh = True

    def _quote(self, *, opening: bool) -> None:
        if opening:
            if not self.quotes:
                self._separate()
                self.out.append("<blockquote>")
            self.quotes += 1
            return
        self.quotes -= 1
        if not self.quotes:
            self.out.append("</blockquote>")
        self.fresh = False
