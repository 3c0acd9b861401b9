"""Telegram's HTML: which tags there are, how long a text counts, and how to split a long one.

Telegram counts UTF-16 units of what is left when tags are gone and entities decoded (Bot API,
"Formatting options"). Line breaks count; it does not fold white space as a browser does.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from html import unescape
from itertools import accumulate
from typing import Final

PLAIN_TAGS: Final = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "tg-spoiler", "pre"}
)
TAGS: Final = PLAIN_TAGS | {"span", "a", "code", "blockquote", "tg-emoji"}

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*)>")
_PIECE = re.compile(f"{_TAG.pattern}|(&(?:#\\d+|#[xX][0-9a-fA-F]+|lt|gt|amp|quot);)|(.)", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?…。！？][)\"'»”’]*\s+")
_WORD_END = re.compile(r"\s+")
# Marks that belong to the character before them: a cut between would change what is seen.
_GLUED = re.compile(r"[\u0300-\u036f\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")


def escape(value: str) -> str:
    """Return text that means itself in Telegram's HTML, inside an attribute too."""
    return (
        value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


def utf16_length(text: str) -> int:
    """Return how many UTF-16 units a text takes: what Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain_text(html: str) -> str:
    """Return what a contact reads: tags gone, entities decoded."""
    return unescape(_TAG.sub("", html)) if "<" in html or "&" in html else html


def measured_length(html: str) -> int:
    """Return a text's length as Telegram counts it: UTF-16 units after entities are parsed."""
    return utf16_length(plain_text(html))


def split_text(html: str, limit: int) -> list[str]:
    """Return a text in valid parts of at most `limit` units, cut where a reader would pause.

    Paragraphs first, then lines, sentences, words, and in the end anywhere. Tags that are open at
    a cut are closed there and opened again in the next part. White space at a cut is dropped.
    Raises ValueError for a limit below 2: a character may take two units.
    """
    if limit < 2:
        raise ValueError("a part holds at least two units")
    laid = _lay_out(html)
    parts: list[str] = []
    stack: list[tuple[str, str]] = []
    for start, end in _spans(laid, limit):
        part = laid.cut(start, end, stack)
        if plain_text(part).strip():
            parts.append(part)
    return parts


@dataclass(slots=True)
class _Laid:
    """A text as characters, each with its source, and the tags that stand before each."""

    plain: str
    sources: list[str]
    tags: dict[int, list[tuple[bool, str, str]]]
    units: list[int]  # units before each character, and in all

    def cut(self, start: int, end: int, stack: list[tuple[str, str]]) -> str:
        """Return the source of a span; `stack` is what is open before, and after."""
        out = [source for _, source in stack]
        for at in range(start, end):
            for tag in self.tags.pop(at, ()):
                _apply(tag, stack, out)
            out.append(self.sources[at])
        waiting = self.tags.get(end, [])
        while waiting and (waiting[0][0] or end == len(self.sources)):
            _apply(waiting.pop(0), stack, out)
        out += [f"</{name}>" for name, _ in reversed(stack)]
        return "".join(out)

    def pass_over(self, start: int, end: int) -> None:
        """Drop white space, and let its tags stand before what follows."""
        moved = [tag for at in range(start, end) for tag in self.tags.pop(at, ())]
        if moved:
            self.tags[end] = moved + self.tags.get(end, [])


def _apply(tag: tuple[bool, str, str], stack: list[tuple[str, str]], out: list[str]) -> None:
    closing, name, source = tag
    if not closing:
        stack.append((name, source))
    elif stack and stack[-1][0] == name:
        stack.pop()
    else:
        return  # a closing tag without its opening one says nothing
    out.append(source)


def _lay_out(html: str) -> _Laid:
    plain: list[str] = []
    sources: list[str] = []
    tags: dict[int, list[tuple[bool, str, str]]] = {}
    for match in _PIECE.finditer(html):
        if match[2]:
            name = match[2].lower()
            tags.setdefault(len(plain), []).append((bool(match[1]), name, match[0]))
            continue
        plain.append(unescape(match[4]) if match[4] else match[5])
        sources.append(match[0])
    units = [0, *accumulate(utf16_length(character) for character in plain)]
    # An entity may decode to nothing or to two characters; positions must stay one to one.
    text = "".join(character if len(character) == 1 else "\ufffd" for character in plain)
    return _Laid(text, sources, tags, units)


def _spans(laid: _Laid, limit: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start, size = 0, len(laid.plain)
    while start < size:
        furthest = bisect_right(laid.units, laid.units[start] + limit) - 1
        end = size if furthest >= size else _best_cut(laid.plain, start, furthest)
        spans.append((start, end))
        start = end
        while start < size and laid.plain[start].isspace():
            start += 1
        laid.pass_over(end, start)
    return spans


def _best_cut(plain: str, start: int, furthest: int) -> int:
    """Return where to cut before or at `furthest`; not so early that parts become crumbs."""
    window = plain[start : furthest + 1]
    least = len(window) // 4
    for mark in ("\n\n", "\n"):
        at = window.rfind(mark)
        if at > least:
            return start + at
    for pattern in (_SENTENCE_END, _WORD_END):
        ends = [match for match in pattern.finditer(window) if match.start() > least]
        if ends:
            return start + ends[-1].start() + len(ends[-1][0].rstrip())
    return _between_characters(plain, start, furthest)


def _between_characters(plain: str, start: int, furthest: int) -> int:
    at = furthest
    while at > start and (_GLUED.match(plain[at]) or plain[at - 1] == "\u200d"):
        at -= 1
    return at if at > start else furthest
