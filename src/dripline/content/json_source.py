"""JSON that knows where everything stands, so that a mistake can be shown in its line.

Stricter than the standard: a key may stand once, numbers are what every database keeps exactly.
"""

import json.decoder
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from dripline.content import limits

Path = tuple[str | int, ...]

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_EXACT: Final = 2**53
_scan = json.decoder.scanstring  # type: ignore[attr-defined]


class JsonError(Exception):
    """The text is no JSON; `offset` is where it stops being some."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(slots=True)
class Parsed:
    """A value, and the offset of each part of it by its path."""

    value: Any
    offsets: dict[Path, int] = field(default_factory=dict)

    def offset(self, path: Path) -> int:
        """Return where a part stands; for one that is missing, where its parent does."""
        while path and path not in self.offsets:
            path = path[:-1]
        return self.offsets.get(path, 0)


def parse(text: str) -> Parsed:
    """Return the value of a JSON text with its places. Raises JsonError."""
    reader = _Reader(text, Parsed(None))
    at = reader.space(0)
    reader.parsed.value, at = reader.value(at, ())
    at = reader.space(at)
    if at < len(text):
        raise JsonError("something stands after the end; a file holds one value", at)
    return reader.parsed


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return where an offset is, both counted from 1; a column counts characters."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


@dataclass(slots=True)
class _Reader:
    text: str
    parsed: Parsed

    def space(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def value(self, at: int, path: Path) -> tuple[Any, int]:
        if len(path) > limits.JSON_DEPTH:
            raise JsonError(f"nested more than {limits.JSON_DEPTH} deep", at)
        self.parsed.offsets[path] = at
        match self.text[at : at + 1]:
            case "{":
                return self._object(at, path)
            case "[":
                return self._array(at, path)
            case '"':
                return self._string(at)
            case "":
                raise JsonError("the file ends too early; a value is missing", at)
            case _:
                return self._word(at)

    def _word(self, at: int) -> tuple[Any, int]:
        for word, value in _WORDS.items():
            if self.text.startswith(word, at):
                return value, at + len(word)
        match = _NUMBER.match(self.text, at)
        if match is None:
            raise JsonError(f"a value cannot begin with {self.text[at]!r}", at)
        if match[1] or match[2]:
            number = float(match[0])
            if number in (float("inf"), float("-inf")):
                raise JsonError("this number is too big", at)
            return number, match.end()
        if len(match[0]) > 17 or abs(int(match[0])) > _EXACT:
            raise JsonError('this number is too big; write it as text, in "quotes"', at)
        return int(match[0]), match.end()

    def _string(self, at: int) -> tuple[str, int]:
        try:
            found, end = _scan(self.text, at + 1, True)  # noqa: FBT003
        except json.JSONDecodeError as error:
            raise JsonError(_about_string(error), error.pos) from None
        if "\x00" in found or any("\ud800" <= character <= "\udfff" for character in found):
            raise JsonError("this text holds a character that cannot be stored", at)
        return found, end

    def _object(self, at: int, path: Path) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        for start in self._members(at, "}"):
            if self.text[start : start + 1] != '"':
                raise JsonError('a key in "quotes" is missing here', start)
            key, after = self._string(start)
            if key in made:
                raise JsonError(f'the key "{key}" stands here a second time', start)
            colon = self.space(after)
            if self.text[colon : colon + 1] != ":":
                raise JsonError(f'a colon is missing after "{key}"', colon)
            made[key], self._at = self.value(self.space(colon + 1), (*path, key))
        return made, self._at

    def _array(self, at: int, path: Path) -> tuple[list[Any], int]:
        made: list[Any] = []
        for start in self._members(at, "]"):
            value, self._at = self.value(start, (*path, len(made)))
            made.append(value)
        return made, self._at

    _at: int = 0

    def _members(self, at: int, closing: str) -> Iterator[int]:
        """Yield where each member begins; `_at` is where it ended, and in the end the whole."""
        here = self.space(at + 1)
        if self.text[here : here + 1] == closing:
            self._at = here + 1
            return
        while True:
            yield here
            here = self.space(self._at)
            found = self.text[here : here + 1]
            if found == closing:
                self._at = here + 1
                return
            if found != ",":
                what = "a comma" if found else f"the closing {closing}"
                raise JsonError(f"{what} is missing here", here)
            comma, here = here, self.space(here + 1)
            if self.text[here : here + 1] == closing:
                raise JsonError("a comma before the closing bracket: delete it", comma)


def _about_string(error: json.JSONDecodeError) -> str:
    if error.msg.startswith("Unterminated"):
        return "this text has no closing quote"
    if error.msg.startswith("Invalid control"):
        return "a line break in a text is written \\n"
    return error.msg[:1].lower() + error.msg[1:]
