"""MarkdownV2 into words and entities, strictly."""

from __future__ import annotations

from dataclasses import dataclass

from dripline.sandbox.formatting.entities import (
    Entity,
    FormattingError,
    byte_offset,
    entity,
    in_order,
    utf16_length,
)
from dripline.sandbox.formatting.linking import link_entity
from dripline.sandbox.formatting.markdown import fence_language

_RESERVED = frozenset("_*[]()~`>#+-=|{}.!\n")
_VERBATIM = ("code", "pre")
_NAMES = {  # as Telegram's errors call them
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}
_CLOSING = {
    "bold": "*",
    "strikethrough": "~",
    "code": "`",
    "pre": "```",
    "text_link": "]",
    "custom_emoji": "]",
    "underline": "__",
    "spoiler": "||",
}


def parse_markdown_v2(text: str) -> tuple[str, list[Entity]]:
    """The words and their entities. Raises FormattingError with Telegram's text."""
    return _Reader(text).read()


@dataclass(slots=True)
class _Open:
    kind: str
    argument: str
    offset: int
    position: int
    written: int


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\0", " ") + "\0\0\0"  # so that looking ahead never fails
        self._stop = len(text)
        self._at = 0
        self._out: list[str] = []
        self._offset = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []
        self._in_quote = False
        self._line_begins = True

    def read(self) -> tuple[str, list[Entity]]:
        while self._at < self._stop:
            self._step(self._text[self._at])
        self._finish_quote()
        if self._open:
            self._fail_open(self._open[-1])
        return "".join(self._out), in_order(self._entities)

    def _step(self, char: str) -> None:
        following = self._text[self._at + 1]
        if char == "\\" and "\0" < following <= "~":
            self._write(following)
            self._at += 2
            return
        verbatim = bool(self._open) and self._open[-1].kind in _VERBATIM
        if (char != "`") if verbatim else (char not in _RESERVED):
            self._write(char)
            self._at += 1
        elif self._closes(char):
            self._close(char)
        else:
            self._begin(char)

    def _write(self, char: str) -> None:
        self._out.append(char)
        self._offset += utf16_length(char)
        if char != "\r":
            self._line_begins = char == "\n"

    def _closes(self, char: str) -> bool:
        if not self._open:
            return False
        if self._in_quote and char == "\n":
            return self._at + 1 == self._stop or self._text[self._at + 1] != ">"
        kind = self._open[-1].kind
        if kind == "italic":
            return char == "_" and self._text[self._at + 1] != "_"
        mark = _CLOSING.get(kind)
        return mark is not None and self._text.startswith(mark, self._at)

    # what begins here

    def _begin(self, char: str) -> None:
        position = self._at
        if char == "\n":
            self._write(char)
            self._at += 1
            return
        if char == ">" and self._line_begins:
            self._at += 1
            if not self._in_quote:
                self._in_quote = True
                self._push("blockquote", "", position)
            return
        kind, argument = self._opening(char)
        self._push(kind, argument, position)

    def _push(self, kind: str, argument: str, position: int) -> None:
        self._open.append(_Open(kind, argument, self._offset, position, len(self._out)))

    def _opening(self, char: str) -> tuple[str, str]:
        text, at = self._text, self._at
        for mark, kind in (("__", "underline"), ("||", "spoiler"), ("![", "custom_emoji")):
            if text.startswith(mark, at):
                self._at += 2
                return kind, ""
        if text.startswith("```", at):
            language, self._at = fence_language(text, at + 3)
            return "pre", language
        self._at += 1
        single = {"_": "italic", "*": "bold", "~": "strikethrough", "[": "text_link", "`": "code"}
        if char in single:
            return single[char], ""
        raise FormattingError(
            f"Character '{char}' is reserved and must be escaped with the preceding '\\'"
        )

    # what ends here

    def _close(self, char: str) -> None:
        if char == "\n" and self._in_quote:
            self._close_quote()
            return
        opened = self._open[-1]
        if opened.kind == "italic":
            self._at += 1
        else:
            self._at += len(_CLOSING[opened.kind])
        if opened.kind == "text_link":
            self._close_link(opened)
        elif opened.kind == "custom_emoji":
            self._close_emoji(opened)
        elif self._offset > opened.offset:
            more = {"language": opened.argument} if opened.argument else {}
            self._add(opened.kind, opened, **more)
        self._open.pop()

    def _close_quote(self) -> None:
        """A line that does not go on with > ends the quote; `||` before it makes it expandable."""
        kind, opened = self._quote_at_end(self._at)
        self._write("\n")
        self._at += 1
        self._add(kind, opened)
        self._open.pop()
        self._in_quote = False

    def _quote_at_end(self, stop: int) -> tuple[str, _Open]:
        opened = self._open[-1]
        if opened.kind == "blockquote":
            return "blockquote", opened
        expandable = opened.kind == "spoiler" and opened.position in (stop - 2, stop - 3)
        if not expandable or self._open[-2].kind != "blockquote":
            self._fail_open(opened)
        self._open.pop()
        return "expandable_blockquote", self._open[-1]

    def _finish_quote(self) -> None:
        if not self._in_quote:
            return
        kind, opened = self._quote_at_end(self._stop)
        if self._offset > opened.offset:
            self._add(kind, opened)
        self._open.pop()

    def _close_link(self, opened: _Open) -> None:
        words = "".join(self._out[opened.written :])
        url = self._url() if self._text[self._at] == "(" else words
        if self._offset > opened.offset:
            length = self._offset - opened.offset
            self._entities.extend(link_entity(url, opened.offset, length))

    def _close_emoji(self, opened: _Open) -> None:
        if self._text[self._at] != "(":
            raise FormattingError("The entity must contain a tg://emoji or tg://time URL")
        url = self._url()
        number = url.removeprefix("tg://emoji?id=")
        if number == url or not number.isdigit():
            raise FormattingError("Invalid tg://emoji or tg://time URL specified")
        if self._offset > opened.offset:
            self._add("custom_emoji", opened, custom_emoji_id=number)

    def _url(self) -> str:
        self._at += 1
        begin, url = self._at, []
        while self._at < self._stop and self._text[self._at] != ")":
            if self._text[self._at] == "\\" and "\0" < self._text[self._at + 1] <= "~":
                self._at += 1
            url.append(self._text[self._at])
            self._at += 1
        if self._at >= self._stop:
            where = byte_offset(self._text, begin)
            raise FormattingError(f"Can't find end of a URL at byte offset {where}")
        self._at += 1
        return "".join(url)

    def _add(self, kind: str, opened: _Open, **more: str) -> None:
        length = self._offset - opened.offset
        self._entities.append(entity(kind, opened.offset, length, **more))

    def _fail_open(self, opened: _Open) -> None:
        where = byte_offset(self._text, opened.position)
        name = "PreCode" if opened.kind == "pre" and opened.argument else _NAMES[opened.kind]
        raise FormattingError(f"Can't find end of {name} entity at byte offset {where}")
