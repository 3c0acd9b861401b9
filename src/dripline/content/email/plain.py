"""The plain text of an email, made from its HTML: for mail programs without, and for filters."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Final

from dripline.content.slots import slot

_LINK: Final = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_QUOTE: Final = re.compile(r"<blockquote>((?:(?!<blockquote>).)*?)</blockquote>", re.DOTALL)
_PRE: Final = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)
_ORDERED: Final = re.compile(r"<ol>((?:(?!<ol>).)*?)</ol>", re.DOTALL)
_IMAGE: Final = re.compile(r'<img\b[^>]*?alt="([^"]*)"[^>]*>')
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_SPACES: Final = re.compile(r"[ \t]+\n")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_HIDDEN: Final = re.compile(r'<div style="display:none;.*?</div>', re.DOTALL)
_HEAD: Final = re.compile(r"<head\b.*?</head>", re.DOTALL)
_RUNS: Final = re.compile(r"[ \t\r\n]+")
_UNREAD: Final = frozenset({"style", "script", "title"})
_BLOCKS: Final = frozenset(
    {"p", "div", "td", "th", "tr", "table", "h1", "h2", "h3", "h4", "ul", "ol", "li", "blockquote"}
)


def of_body(html: str, bare: frozenset[str] = frozenset()) -> str:
    """Return the text of a body: what stands in its paragraphs, lists, quotes and links.

    `bare` are the addresses whose words are the address itself.
    """
    text = _PRE.sub(lambda match: f"<p>{match[1]}</p>", html)
    text = _LINK.sub(
        lambda found: found[1] if found[1] in bare else _with_url(found[2], found[1]), text
    )
    text = _ORDERED.sub(_numbered, text)
    text = _IMAGE.sub(lambda match: f"[{match[1]}]" if match[1] else "", text)
    while _QUOTE.search(text):
        text = _QUOTE.sub(_quote, text)
    return _settled(unescape(_tagless(text)))


def of_layout(html: str) -> str:
    """Return the text of a layout, with a slot for the body's."""
    reader = _Layout()
    reader.feed(_HIDDEN.sub("", _HEAD.sub("", html)))
    reader.close()
    text = "".join(reader.out)
    return _settled(text.replace(slot("body"), f"\n\n{slot('body')}\n\n"))


class _Layout(HTMLParser):
    """Reads a page of nested tables: a cell with words is a paragraph, a link has its address."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a paragraph, or a link."""
        if tag in _UNREAD:
            self._unread += 1
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.out)))
        elif tag == "br":
            self.out.append("\n")
        elif tag in _BLOCKS:
            self.out.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        """End a paragraph; put a link's address behind its words."""
        if tag in _UNREAD:
            self._unread = max(self._unread - 1, 0)
        elif tag == "a" and self._links:
            url, begun = self._links.pop()
            words = "".join(self.out[begun:])
            self.out[begun:] = [_with_url(words, url) if url else words]
        elif tag in _BLOCKS:
            self.out.append("\n\n")

    def handle_data(self, data: str) -> None:
        """Keep what is read; how the source is broken into lines means nothing."""
        if not self._unread:
            self.out.append(_RUNS.sub(" ", data))


def _tagless(text: str) -> str:
    text = text.replace("<br>", "\n").replace("<hr>", "\n\n———\n\n")
    text = text.replace("<li>", "\n• ").replace("<p>", "\n\n").replace("</ul>", "\n\n")
    text = re.sub(r"</(p|pre|h\d)>|<h\d>", "\n\n", text)
    return _TAG.sub("", text)


def _with_url(words: str, url: str) -> str:
    words = words.strip()
    return url if not words or words == url else f"{words} ({url})"


def _numbered(match: re.Match[str]) -> str:
    numbers = iter(range(1, 1_000_000))
    items = re.sub("<li>", lambda _: f"\n{next(numbers)}. ", match[1])
    return f"\n\n{items}\n\n"


def _quote(match: re.Match[str]) -> str:
    lines = _settled(_tagless(match[1])).split("\n")
    return "\n\n" + "\n".join(f"&gt; {line}".rstrip() for line in lines) + "\n\n"


def _settled(text: str) -> str:
    text = _SPACES.sub("\n", text.replace("\u00a0", " "))
    return _EMPTY_LINES.sub("\n\n", text).strip()
