"""Telegram's old Markdown into words and entities: no nesting, few escapes."""

from __future__ import annotations

from dripline.sandbox.formatting.entities import (
    Entity,
    FormattingError,
    byte_offset,
    entity,
    utf16_length,
)
from dripline.sandbox.formatting.linking import link_entity

_MARKS = frozenset("_*`[")
_STYLES = {"_": "italic", "*": "bold", "`": "code"}
_SPACE = " \t\r\n\0\v"


def parse_markdown(text: str) -> tuple[str, list[Entity]]:
    """The words and their entities. Raises FormattingError with Telegram's text."""
    return _Reader(text).read()


def fence_language(text: str, at: int) -> tuple[str, int]:
    """The language after three backticks, and where the code begins (a line break is skipped)."""
    stop = at
    while text[stop] not in _SPACE and text[stop] != "`":
        stop += 1
    language = ""
    if stop != at and stop < len(text) - 3 and text[stop] != "`":
        language, at = text[at:stop], stop
    if text[at] in "\r\n":
        at += 2 if text[at + 1] in "\r\n" and text[at + 1] != text[at] else 1
    return language, at


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\0", " ") + "\0\0\0"  # so that looking ahead never fails
        self._stop = len(text)
        self._at = 0
        self._out: list[str] = []
        self._offset = 0
        self._entities: list[Entity] = []

    def read(self) -> tuple[str, list[Entity]]:
        while self._at < self._stop:
            char = self._text[self._at]
            if char == "\\" and self._text[self._at + 1] in _MARKS:
                self._write(self._text[self._at + 1])
                self._at += 2
            elif char in _MARKS:
                self._entity(char)
            else:
                self._write(char)
                self._at += 1
        return "".join(self._out), self._entities

    def _write(self, words: str) -> None:
        self._out.append(words)
        self._offset += utf16_length(words)

    def _entity(self, mark: str) -> None:
        begin, offset = self._at, self._offset
        self._at += 1
        fenced = mark == "`" and self._text.startswith("``", self._at)
        language = ""
        if fenced:
            language, self._at = fence_language(self._text, self._at + 2)
        close = "```" if fenced else "]" if mark == "[" else mark
        stop = self._text.find(close, self._at, self._stop)
        if stop < 0:
            where = byte_offset(self._text, begin)
            raise FormattingError(f"Can't find end of the entity starting at byte offset {where}")
        words = self._text[self._at : stop]
        self._write(words)
        self._at = stop + len(close)
        url = self._url(words) if mark == "[" else ""
        if words:
            self._add(mark, offset, url, language, fenced=fenced)

    def _url(self, words: str) -> str:
        if self._text[self._at] != "(":
            return words
        stop = self._text.find(")", self._at, self._stop)
        url = self._text[self._at + 1 : stop if stop >= 0 else self._stop]
        self._at = stop + 1 if stop >= 0 else self._stop
        return url

    def _add(self, mark: str, offset: int, url: str, language: str, *, fenced: bool) -> None:
        length = self._offset - offset
        if mark == "[":
            self._entities.extend(link_entity(url, offset, length))
        elif fenced:
            more = {"language": language} if language else {}
            self._entities.append(entity("pre", offset, length, **more))
        else:
            self._entities.append(entity(_STYLES[mark], offset, length))
