"""Telegram's MarkdownV2 to Telegram's HTML, once, when content is compiled.

Posts written for other bots are in it. Telegram refuses a text in which one sign is not escaped;
here a sign that opens nothing, or that nothing closes, is that sign: `Only 5.99!` needs no
backslashes, and with them it reads the same. Liquid passes through untouched, and its values are
escaped as HTML's, so that no value can break a text.
"""

import re
from typing import Final

from dripline.content.markdown import LIQUID, Converted, put_back
from dripline.content.telegram_html import escape

# Longest first: `__` is underlined, `_` is italic.
_MARKS: Final = (("__", "u"), ("||", "tg-spoiler"), ("*", "b"), ("_", "i"), ("~", "s"))
_FENCE: Final = re.compile(r"```(?:([A-Za-z0-9_+#-]+)(?=\n))?\n?(.*?)\n?```", re.DOTALL)
_CODE: Final = re.compile(r"`((?:\\.|[^`\\])+)`", re.DOTALL)
_LINK: Final = re.compile(r"\]\(((?:\\.|[^)\\\n])*)\)")
_EMOJI: Final = re.compile(r"!\[((?:\\.|[^\]\\])*)\]\(tg://emoji\?id=(\d+)\)")
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_DEEPEST: Final = 16


def to_html(source: str) -> Converted:
    """Convert a message."""
    return put_back(source, lambda held: _Reader(held).whole(), LIQUID)


class _Reader:
    """Reads one text; remembers which marks are closed nowhere, so that no text takes long."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._unclosed: dict[str, int] = {}

    def whole(self) -> str:
        """Return the HTML: quotes are lines that begin with >, one after another."""
        out: list[str] = []
        at, text = 0, self._text
        for quote in re.finditer(r"(?:^>[^\n]*(?:\n|\Z))+", text, re.MULTILINE):
            if self._in_fence(quote.start()):
                continue
            out.append(self._run(at, quote.start()))
            out.append(_quote(quote[0]))
            at = quote.end()
        out.append(self._run(at, len(text)))
        return "".join(out).strip("\n")

    def marks(self) -> str:
        """Return the HTML of what has no quotes in it: a quote, for Telegram nests none."""
        return self._run(0, len(self._text))

    def _in_fence(self, place: int) -> bool:
        return any(one.start() < place < one.end() for one in _FENCE.finditer(self._text))

    def _run(self, at: int, stop: int, depth: int = 0) -> str:
        out: list[str] = []
        text = self._text
        while at < stop:
            char = text[at]
            if char == "\\" and (escaped := _ESCAPED.match(text, at, stop)):
                out.append(escape(escaped[1]))
                at = escaped.end()
            elif char in "`!*_~|[" and (found := self._mark(at, stop, depth)):
                html, at = found
                out.append(html)
            else:
                out.append(escape(char))
                at += 1
        return "".join(out)

    def _mark(self, at: int, stop: int, depth: int) -> tuple[str, int] | None:
        text = self._text
        if fence := _FENCE.match(text, at, stop):
            return _fenced(fence), fence.end()
        if code := _CODE.match(text, at, stop):
            return f"<code>{escape(_unescaped(code[1]))}</code>", code.end()
        if emoji := _EMOJI.match(text, at, stop):
            words = escape(_unescaped(emoji[1]))
            return f'<tg-emoji emoji-id="{emoji[2]}">{words}</tg-emoji>', emoji.end()
        if depth >= _DEEPEST:
            return None
        if text[at] == "[":
            return self._link(at, stop, depth)
        for mark, tag in _MARKS:
            if text.startswith(mark, at):
                end = self._closer(mark, at + len(mark), stop)
                if end is None:
                    return None
                inner = self._run(at + len(mark), end, depth + 1)
                return f"<{tag}>{inner}</{tag}>", end + len(mark)
        return None

    def _link(self, at: int, stop: int, depth: int) -> tuple[str, int] | None:
        end = self._closer("]", at + 1, stop)
        found = _LINK.match(self._text, end, stop) if end is not None else None
        if found is None or end is None:
            return None
        url = escape(_unescaped(found[1]))
        return f'<a href="{url}">{self._run(at + 1, end, depth + 1)}</a>', found.end()

    def _closer(self, mark: str, start: int, stop: int) -> int | None:
        """Return where a mark is closed, with something in between; None when it is nowhere."""
        if self._unclosed.get(mark, stop + 1) <= start:
            return None
        text, at = self._text, start
        while at < stop:
            if text[at] == "\\":
                at += 2
            elif text[at] == "`" and (code := _FENCE.match(text, at) or _CODE.match(text, at)):
                at = code.end()
            elif text.startswith(mark, at) and at > start and not _is_longer(text, at, mark):
                return at
            elif mark == "_" and text.startswith("__", at):
                at += 2
            else:
                at += 1
        self._unclosed[mark] = min(start, self._unclosed.get(mark, start))
        return None


def _is_longer(text: str, at: int, mark: str) -> bool:
    """Whether a `_` is one of a `__`: that is another mark."""
    return mark == "_" and text.startswith("__", at)


def _quote(lines: str) -> str:
    text = "\n".join(line[1:] for line in lines.rstrip("\n").split("\n"))
    expandable = text.endswith("||") and text.count("||") % 2 == 1
    inner = _Reader(text.removesuffix("||") if expandable else text).marks()
    tag = "blockquote expandable" if expandable else "blockquote"
    return f"<{tag}>{inner}</blockquote>" + ("\n" if lines.endswith("\n") else "")


def _fenced(found: re.Match[str]) -> str:
    text = escape(_unescaped(found[2]))
    if not found[1]:
        return f"<pre>{text}</pre>"
    return f'<pre><code class="language-{escape(found[1])}">{text}</code></pre>'


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
