"""Texts with slots: laid out once, filled for each contact.

A slot is a word that stands where a value will be. It goes through MJML, inlining and the making
of plain text like any other word, and no author can write it: a part of it is made up anew by
each process. What is filled in is never searched for slots again.
"""

import re
import secrets
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MARK: Final = f"q{secrets.token_hex(5)}Z"
SLOT: Final = re.compile(rf"{_MARK}([a-z]+\d*)Z")
_SOFT: Final = b"=\r\n"
_NEWLINE: Final = re.compile(r"\r\n?|\n")
_PLAIN: Final = re.compile(r"[!-<>-~]+(?: +[!-<>-~]+)*")  # most values: as they are
_DOT: Final = re.compile(rb"(?m)^\.(?=([^\r\n]*))")
_LONGEST_PLAIN: Final = 73  # a dot at its beginning becomes three characters
_LONGEST_LINE: Final = 75  # and one more for the = of a soft line break (RFC 2045, 6.7)


def slot(name: str) -> str:
    """Return the word that stands for a value; names are letters, then digits."""
    return f"{_MARK}{name}Z"


def named(text: str) -> tuple[str, ...]:
    """Return the names of the slots of a text, in order."""
    return tuple(match[1] for match in SLOT.finditer(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its slots filled; long texts are better cut into `Pieces`."""
    return text if _MARK not in text else SLOT.sub(lambda match: values[match[1]], text)


def quoted(text: str) -> bytes:
    """Return a text as quoted-printable, its lines ended by CRLF, each with room for one more =."""
    if _PLAIN.fullmatch(text):
        encoded = text.encode()
        if len(encoded) > _LONGEST_PLAIN:
            lines = range(0, len(encoded), _LONGEST_PLAIN)
            encoded = _SOFT.join([encoded[at : at + _LONGEST_PLAIN] for at in lines])
        return _undotted(encoded)
    if "\n" in text or "\r" in text:
        text = _NEWLINE.sub("\r\n", text)
    encoded = b2a_qp(text.encode())
    if b"\r\n" not in encoded:
        encoded = encoded.replace(b"\n", b"\r\n")
    encoded = _undotted(encoded)
    if len(encoded) - encoded.rfind(b"\n") - 1 > _LONGEST_LINE:
        at = -3 if encoded[-3:-2] == b"=" else -1
        encoded = encoded[:at] + _SOFT + encoded[at:]
    return encoded


def soft(*encoded: bytes) -> bytes:
    """Return what is quoted-printable as one text, each part on lines of its own."""
    return _SOFT.join(encoded)


def _undotted(encoded: bytes) -> bytes:
    """Return lines of which none begins with a dot: SMTP would have to double it each time."""
    found = b"\n." in encoded or encoded.startswith(b".")
    while found:
        encoded, number = _DOT.subn(_dot, encoded)
        found = number > 0
    return encoded


def _dot(match: re.Match[bytes]) -> bytes:
    return b"=2E" if len(match[1]) <= _LONGEST_LINE - 3 else b"=2E=\r\n"


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text cut at its slots: what stands before, between and behind them, encoded too."""

    texts: tuple[str, ...]
    slots: tuple[str, ...]
    names: tuple[str, ...]  # of the slots, each once
    quoted: tuple[bytes, ...]

    @classmethod
    def of(cls, text: str) -> "Pieces":
        """Return a text cut and encoded."""
        cut = SLOT.split(text)
        texts = tuple(cut[::2])
        return cls(
            texts, tuple(cut[1::2]), tuple(dict.fromkeys(cut[1::2])), tuple(map(quoted, texts))
        )

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with its slots filled."""
        out = [""] * (len(self.texts) + len(self.slots))
        out[::2] = self.texts
        out[1::2] = [values[name] for name in self.slots]
        return "".join(out)

    def fill_quoted(self, values: Mapping[str, bytes]) -> bytes:
        """Return the text as quoted-printable; `values` are encoded already.

        A value stands on lines of its own, so that no line grows with it.
        """
        out = [b""] * (len(self.texts) + len(self.slots))
        out[::2] = self.quoted
        out[1::2] = [values[name] for name in self.slots]
        return _SOFT.join(out)


@dataclass(frozen=True, slots=True)
class Given:
    """A text that is whole already."""

    text: str

    @property
    def quoted(self) -> bytes:
        """It as quoted-printable."""
        return quoted(self.text)
