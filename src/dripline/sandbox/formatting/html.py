"""Telegram's HTML into words and entities, strictly."""

from __future__ import annotations

import re
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

_SPECIAL = re.compile(r"[<&]")
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]*)|#([0-9]*)|([a-zA-Z]*))(;?)")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SPACE = " \t\r\n\0\v"
_NAME_END = frozenset(_SPACE + "=>/\"'")
_STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "u": "underline",
    "ins": "underline",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
_TAGS = frozenset(_STYLES) | {"a", "tg-emoji", "tg-time", "pre", "code", "blockquote"}


def parse_html(text: str) -> tuple[str, list[Entity]]:
    """The words and their entities. Raises FormattingError with Telegram's text."""
    return _Reader(text).read()


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    offset: int
    written: int


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\0", " ") + "\0"  # the end reads as NUL, which is a space
        self._at = 0
        self._out: list[str] = []
        self._offset = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []

    def read(self) -> tuple[str, list[Entity]]:
        while match := _SPECIAL.search(self._text, self._at):
            self._write(self._text[self._at : match.start()])
            self._at = match.start()
            if self._text[self._at] == "&":
                self._reference()
            elif self._text[self._at + 1] == "/":
                self._end_tag()
            else:
                self._start_tag()
        self._write(self._text[self._at : -1])
        if self._open:
            raise FormattingError(
                f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"'
            )
        return self._words(), in_order(self._entities)

    def _words(self) -> str:
        words = "".join(self._out)
        if any("\ud800" <= char <= "\udfff" for char in words):
            raise FormattingError(
                "Text contains invalid Unicode characters after decoding HTML entities, check for"
                " unmatched surrogate code units"
            )
        for item in self._entities:
            item.pop("mark", None)
        return words

    def _write(self, words: str) -> None:
        if words:
            self._out.append(words)
            self._offset += utf16_length(words)

    def _reference(self) -> None:
        char, self._at = _decode(self._text, self._at)
        self._write(char)

    def _skip_spaces(self) -> None:
        while self._text[self._at] != "\0" and self._text[self._at] in _SPACE:
            self._at += 1

    def _byte(self, position: int) -> int:
        return byte_offset(self._text, position)

    def _start_tag(self) -> None:
        begin = self._at
        self._at += 1
        while self._text[self._at] not in _SPACE and self._text[self._at] != ">":
            self._at += 1
        if self._text[self._at] == "\0":
            raise FormattingError(f"Unclosed start tag at byte offset {self._byte(begin)}")
        tag = self._text[begin + 1 : self._at].lower()
        if tag not in _TAGS:
            where = self._byte(begin)
            raise FormattingError(f'Unsupported start tag "{tag}" at byte offset {where}')
        argument = self._attributes(tag, begin)
        if tag == "span" and argument != "spoiler":
            where = self._byte(begin)
            raise FormattingError(f'Tag "span" must have class "tg-spoiler" at byte offset {where}')
        self._open.append(_Open(tag, argument, self._offset, len(self._out)))
        self._at += 1

    def _attributes(self, tag: str, begin: int) -> str:
        argument = ""
        while self._text[self._at] != ">":
            self._skip_spaces()
            if self._text[self._at] == ">":
                break
            name, value = self._attribute(tag, begin)
            argument = _argument(tag, name, value) or argument
        return argument

    def _attribute(self, tag: str, begin: int) -> tuple[str, str | None]:
        at = self._at
        while self._text[self._at] not in _NAME_END:
            self._at += 1
        name = self._text[at : self._at]
        if not name:
            where = self._byte(begin)
            raise FormattingError(f'Empty attribute name in the tag "{tag}" at byte offset {where}')
        self._skip_spaces()
        if self._text[self._at] != "=":
            self._must_go_on(tag, begin)
            return name, None
        self._at += 1
        self._skip_spaces()
        self._must_go_on(tag, begin)
        value = self._quoted() if self._text[self._at] in "'\"" else self._token()
        if self._text[self._at] == "\0":
            raise FormattingError(f"Unclosed start tag at byte offset {self._byte(begin)}")
        return name, value

    def _must_go_on(self, tag: str, begin: int) -> None:
        if self._text[self._at] == "\0":
            raise FormattingError(f'Unclosed start tag "{tag}" at byte offset {self._byte(begin)}')

    def _token(self) -> str:
        at = self._at
        while (char := self._text[self._at]).isascii() and (char.isalnum() or char in ".-"):
            self._at += 1
        if self._text[self._at] not in _SPACE and self._text[self._at] != ">":
            raise FormattingError(f"Unexpected end of name token at byte offset {self._byte(at)}")
        return self._text[at : self._at].lower()

    def _quoted(self) -> str:
        quote = self._text[self._at]
        self._at += 1
        value = []
        while self._text[self._at] not in (quote, "\0"):
            char, self._at = _decode(self._text, self._at)
            value.append(char)
        if self._text[self._at] == quote:
            self._at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self._at
        if not self._open:
            raise FormattingError(f"Unexpected end tag at byte offset {self._byte(begin)}")
        while self._text[self._at] not in _SPACE and self._text[self._at] != ">":
            self._at += 1
        found = self._text[begin + 2 : self._at].lower()
        self._skip_spaces()
        if self._text[self._at] != ">":
            raise FormattingError(f"Unclosed end tag at byte offset {self._byte(begin)}")
        opened = self._open.pop()
        if found and found != opened.tag:
            where = self._byte(begin)
            raise FormattingError(
                f"Unmatched end tag at byte offset {where},"
                f' expected "</{opened.tag}>", found "</{found}>"'
            )
        self._at += 1
        if self._offset > opened.offset:
            self._close(opened, opened.offset, self._offset - opened.offset)

    def _close(self, opened: _Open, offset: int, length: int) -> None:
        if opened.tag in _STYLES:
            self._entities.append(entity(_STYLES[opened.tag], offset, length))
        elif opened.tag == "a":
            url = opened.argument or "".join(self._out[opened.written :])
            self._entities.extend(link_entity(url, offset, length))
        elif opened.tag == "blockquote":
            kind = "expandable_blockquote" if opened.argument else "blockquote"
            self._entities.append(entity(kind, offset, length))
        elif opened.tag == "tg-emoji":
            self._emoji(opened.argument, offset, length)
        elif opened.tag in ("pre", "code"):
            self._verbatim(opened, offset, length)

    def _emoji(self, argument: str, offset: int, length: int) -> None:
        if not (argument.isascii() and argument.isdigit() and int(argument)):
            raise FormattingError("Invalid custom emoji identifier specified")
        self._entities.append(entity("custom_emoji", offset, length, custom_emoji_id=argument))

    def _verbatim(self, opened: _Open, offset: int, length: int) -> None:
        """`<pre>` and `<code class="language-x">` around the same words are one entity."""
        last = self._entities[-1] if self._entities else {}
        same = (last.get("offset"), last.get("length")) == (offset, length)
        if opened.tag == "pre" and same and last["type"] == "code" and last.get("mark"):
            last.update(type="pre", language=last.pop("mark"))
        elif opened.tag == "code" and same and last["type"] == "pre" and opened.argument:
            last["language"] = opened.argument
        elif opened.tag == "code" and opened.argument:
            self._entities.append(entity("code", offset, length, mark=opened.argument))
        else:
            self._entities.append(entity(opened.tag, offset, length))


def _argument(tag: str, name: str, value: str | None) -> str:
    if tag == "blockquote" and name == "expandable":
        return "1"
    if value is None:
        return ""
    if (tag, name) in (("a", "href"), ("tg-emoji", "emoji-id"), ("tg-time", "format")):
        return value
    if (tag, name) == ("code", "class") and value.startswith("language-"):
        return value[9:]
    if (tag, name) == ("span", "class") and value.startswith("tg-"):
        return value[3:]
    return ""


def _decode(text: str, at: int) -> tuple[str, int]:
    """The character at a position, an HTML reference decoded, and where the next one begins."""
    if text[at] != "&":
        return text[at], at + 1
    match = _REFERENCE.match(text, at)
    if match is None:
        return "&", at + 1
    hexadecimal, decimal, name, semicolon = match.groups()
    if name is not None:
        char = _NAMED.get(name)
        return (char, match.end()) if char else ("&", at + 1)
    digits = hexadecimal if hexadecimal is not None else decimal
    too_long = match.end() - len(semicolon) - at >= 10
    code = 0 if too_long or not digits else int(digits, 16 if hexadecimal is not None else 10)
    return (chr(code), match.end()) if 0 < code < 0x10FFFF else ("&", at + 1)
