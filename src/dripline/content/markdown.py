"""Markdown to Telegram's HTML, once, when content is compiled; Liquid passes through untouched."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import unescape
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
_LINK: Final = re.compile(r'<a href="([^"]+)"')
_TAG: Final = re.compile(r"</?[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Converted:
    """The HTML of a source, and where its pieces of Liquid stand: (offset here, offset there)."""

    html: str
    anchors: tuple[tuple[int, int], ...]
    source: str

    def source_offset(self, offset: int) -> int:
        """Return where in the source a place in the HTML comes from, as far as it can be told.

        A link is found by its address, a tag by its name; anything else by the Liquid before it.
        """
        here, there = max((one for one in self.anchors if one[0] <= offset), default=(0, 0))
        if link := _LINK.match(self.html, offset):
            found = self.source.find(unescape(link[1]), there)
            return there if found < 0 else found
        if tag := _TAG.match(self.html, offset):
            return self._same_tag(tag[0], there, self.html.count(tag[0], here, offset))
        return there

    def _same_tag(self, tag: str, start: int, before: int) -> int:
        """Return where the source has this tag for the time after `before` others."""
        places = [found.start() for found in re.finditer(re.escape(tag), self.source[start:])]
        # Markdown's own signs become tags as well, so there may be fewer.
        return start + places[min(before, len(places) - 1)] if places else start


Blocks = Callable[[Sequence[Token]], str]


def to_html(source: str, blocks: Blocks | None = None) -> Converted:
    """Convert a message; tags that Markdown has no sign for may be written as HTML.

    Without `blocks`, headings become bold, lists lines with bullets, images links: Telegram has
    none of them.
    """
    write = blocks or _Writer().blocks
    return put_back(source, lambda held: write(_PARSER.parse(held)), LIQUID)


def put_back(source: str, convert: Callable[[str], str], pattern: re.Pattern[str]) -> Converted:
    """Convert a text without the pieces that match a pattern, which come back unchanged."""
    marks = list(pattern.finditer(source))
    nonce = 7
    while f"lq{nonce}x" in source:
        nonce += 1
    numbers = iter(range(len(marks)))
    held = pattern.sub(lambda _: f"lq{nonce}x{next(numbers)}z", source)
    html, anchors = _put_back(convert(held), nonce, marks)
    return Converted(html, anchors, source)


def _put_back(
    html: str, nonce: int, marks: Sequence[re.Match[str]]
) -> tuple[str, tuple[tuple[int, int], ...]]:
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
    return "".join([*out, html[at:]]), tuple(anchors)


@dataclass(slots=True)
class _Writer:
    """Writes blocks one after another; keeps what surrounds them."""

    out: list[str] = field(default_factory=list)
    lists: list[tuple[int | None, bool]] = field(default_factory=list)  # next number, at its first
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
                self.lists.append((None, True))
            case "ordered_list_open":
                self.lists.append((int(token.attrs.get("start", 1)), True))
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
        depth, (number, first) = len(self.lists) - 1, self.lists[-1]
        if not first or depth:
            self.out.append("\n")
        else:
            self._separate()
        mark = _BULLETS[min(depth, 2)] if number is None else f"{number}."
        self.lists[-1] = (None if number is None else number + 1, False)
        self.out.append("\u2003" * depth + mark + " ")
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


def inline(tokens: Sequence[Token], *, images: bool = False) -> str:
    """Return the HTML of a run of text; images become links where there are none."""
    out: list[str] = []
    for token in tokens:
        match token.type:
            case "text" | "text_special":
                out.append(escape(token.content))
            case "code_inline":
                out.append(f"<code>{escape(token.content)}</code>")
            case "link_open":
                out.append(f'<a href="{escape(str(token.attrs.get("href", "")))}">')
            case "html_inline":
                out.append(token.content)
            case "image":
                link, words = escape(str(token.attrs.get("src", ""))), token.content
                out.append(
                    f'<img src="{link}" alt="{escape(words)}">'
                    if images
                    else f'<a href="{link}">{inline(token.children or [])}</a>'
                )
            case name:
                out.append(_INLINE.get(name, ""))
    return "".join(out)


def _code(text: str, language: str) -> str:
    if not language:
        return f"<pre>{escape(text)}</pre>"
    return f'<pre><code class="language-{escape(language.split()[0])}">{escape(text)}</code></pre>'
