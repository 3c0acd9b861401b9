"""From safe HTML with line breaks, as templates have it, to the HTML of an email's text.

Line breaks count as in Telegram: one is a new line, two a new paragraph. Tags that are open where
a paragraph ends are closed there and opened again in the next one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from typing import Final

from dripline.content.email.dialect import BLOCKS
from dripline.content.links import TEXT_SCHEMES, safe_link
from dripline.content.slots import SLOT, slot
from dripline.content.telegram_html import escape

_TOKEN: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>|([^<]+)|(<)")
_HREF: Final = re.compile(r'href="([^"]*)"')
_TELEGRAM: Final = re.compile(r"tg://resolve\?domain=(\w{3,64})(?:&start=([\w-]{1,64}))?")
_INLINE: Final = {
    "b": "<b>", "strong": "<b>", "i": "<i>", "em": "<i>", "u": "<u>", "ins": "<u>",
    "s": "<s>", "strike": "<s>", "del": "<s>", "code": "<code>",
    "tg-spoiler": '<span class="spoiler">', "span": '<span class="spoiler">', "tg-emoji": "",
}  # fmt: skip
_SPECIAL: Final = re.compile('[&<>"\r\n]')
_NEWLINE: Final = re.compile("\r\n?|\n")
_LINES: Final = frozenset({"li", "h1", "h2", "h3"})  # hold a line or a few, no paragraphs


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the text; both may have slots of values in them."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Body:
    """An email's text, and where its links lead: the slot `l0` stands for the first one."""

    html: str
    links: tuple[Link, ...]


def to_body(html: str, refused: Sequence[int] = ()) -> Body:
    """Return a text as an email has it; the links numbered in `refused` leave only words."""
    writer = _Writer(frozenset(refused))
    for match in _TOKEN.finditer(html):
        if match[4] or match[5]:
            writer.text(match[4] or "&lt;")
        elif match[1]:
            writer.close(match[2].lower())
        else:
            writer.open(match[2].lower(), match[3], match[0])
    writer.end_paragraph()
    return Body("".join(writer.out), tuple(writer.links))


@lru_cache(maxsize=4096)
def web_link(url: str) -> str | None:
    """Return a link as a mail program can follow it, or None: it knows nothing of tg://."""
    found = _TELEGRAM.fullmatch(url)
    if found:
        return f"https://t.me/{found[1]}" + (f"?start={found[2]}" if found[2] else "")
    return safe_link(url, TEXT_SCHEMES - {"tg"})


@dataclass(slots=True)
class _Writer:
    """Writes paragraphs and blocks; keeps what is open."""

    refused: frozenset[int]
    out: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    inline: list[tuple[str, str]] = field(default_factory=list)  # name, opening tag
    blocks: list[str] = field(default_factory=list)
    is_open: bool = False  # a paragraph, or a block that holds lines, has begun
    breaks: int = 0  # line breaks not written yet
    seen: int = 0  # links, the refused ones too
    label: list[str] | None = None  # the words of the link we are in

    def text(self, text: str) -> None:
        """Write what stands between tags."""
        if "pre" in self.blocks:
            self.out.append(text)
            return
        for number, line in enumerate(text.split("\n")):
            self.breaks += number > 0
            if not line.strip() and not (self.is_open and line and not self.breaks):
                continue
            self._ready()
            self.out.append(line if self.out[-1:] != ["<br>"] else line.lstrip())
            if self.label is not None:
                self.label.append(line)

    def open(self, name: str, attributes: str, source: str) -> None:
        """Open a tag."""
        if name == "br":
            self.breaks += 1
        elif name == "img":
            self._ready()
            self.out.append(source)
        elif name == "a":
            self._open_link(attributes)
        elif name in BLOCKS:
            self._open_block(name)
        else:
            self._open_inline(name, _INLINE.get(name, ""))

    def close(self, name: str) -> None:
        """Close a tag."""
        if name in BLOCKS:
            self._close_block(name)
            return
        if name == "a":
            self._end_link()
        for at in range(len(self.inline) - 1, -1, -1):
            if self.inline[at][0] == name:
                _, tag = self.inline.pop(at)
                if tag and self.is_open:
                    self.out.append(_closing(tag))
                return

    def end_paragraph(self) -> None:
        """End the paragraph that is open, if there is one."""
        self.breaks = 0
        if not self.is_open:
            return
        self.out += [_closing(tag) for _, tag in reversed(self.inline) if tag]
        if not self.blocks or self.blocks[-1] not in _LINES:
            self.out.append("</p>")
        self.is_open = False

    def _ready(self) -> None:
        """Be where text can be written."""
        lines = bool(self.blocks) and self.blocks[-1] in _LINES
        if self.is_open and self.breaks > 1 and not lines:
            self.end_paragraph()
        if self.is_open:
            self.out += ["<br>"] * min(self.breaks, 2)
        else:
            self.out.append("" if lines else "<p>")
            self.out += [tag for _, tag in self.inline if tag]
            self.is_open = True
        self.breaks = 0

    def _open_inline(self, name: str, tag: str) -> None:
        if self.is_open and self.breaks:
            self._ready()
        if self.is_open and tag:
            self.out.append(tag)
        self.inline.append((name, tag))

    def _open_link(self, attributes: str) -> None:
        found = _HREF.search(attributes)
        url = unescape(found[1]) if found else ""
        number, self.seen = self.seen, self.seen + 1
        link = url if SLOT.search(url) else web_link(url)
        if link is None or number in self.refused:
            self.links.append(Link("", ""))
            self._open_inline("a", "")
            return
        self.label = []
        self.links.append(Link(link, ""))
        self._open_inline("a", f'<a href="{slot(f"l{number}")}" target="_blank">')

    def _end_link(self) -> None:
        if self.label is not None:
            label = unescape("".join(self.label)).strip()
            self.links[-1] = Link(self.links[-1].url, label)
            self.label = None

    def _open_block(self, name: str) -> None:
        self.end_paragraph()
        if name == "hr":
            self.out.append("<hr>")
        elif name != "p":
            self.out.append(f"<{name}>")
            self.blocks.append(name)

    def _close_block(self, name: str) -> None:
        self.end_paragraph()
        if name in self.blocks:
            while self.blocks and (last := self.blocks.pop()):
                self.out.append(f"</{last}>")
                if last == name:
                    break


def _closing(tag: str) -> str:
    return f"</{tag[1:-1].partition(' ')[0]}>"


def needs_escape(value: str) -> bool:
    """Whether a value stands in an email's HTML other than it is."""
    return _SPECIAL.search(value) is not None


def escaped(value: str) -> str:
    """Return a value as it stands in an email's HTML; its line breaks are kept."""
    if not _SPECIAL.search(value):
        return value
    return _NEWLINE.sub("<br>", escape(value))
