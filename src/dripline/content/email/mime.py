"""The bytes of an email, as a mail server takes them (RFC 5322, 2045–2047, 8058).

    message = mime(parts, envelope)

Both texts are quoted-printable, which a prepared email has at hand; lines end with CRLF. No value
reaches a header with a line break in it.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from mimetypes import guess_type
from typing import Final
from uuid import UUID

from dripline.content.email.form import content_id
from dripline.content.rendered import EmailParts, Media
from dripline.errors import Invalid

_LINE: Final = 76
_WORD_BYTES: Final = 42  # of UTF-8 in one encoded word: base64 of it and the frame are 68
_ATEXT: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\- ]*")
_PLAIN_HEADER: Final = re.compile(r"[\x20-\x7e]*")
_HEADER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_ADDRESS: Final = re.compile(r"[^\s<>(),;:\\\"\[\]\x00-\x1f\x7f]+@[^\s<>(),;:\\\"@\x00-\x1f\x7f]+")
_QUOTED_LOCAL: Final = re.compile(r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"@[^\s<>@]+')
_LABEL_DOTS: Final = re.compile("[\u3002\uff0e\uff61]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address, and who it belongs to."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands on an email: all that is not its text.

    `unsubscribe` is the address of List-Unsubscribe; an https one is marked as one-click
    (RFC 8058). `headers` are further ones.
    """

    sender: Mailbox
    to: Mailbox
    delivery_id: UUID
    date: datetime
    unsubscribe: str | None = None
    reply_to: Mailbox | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def message_id(self) -> str:
        """The id of the email, which a bounce or a reply brings back; one for each delivery."""
        return f"<{self.delivery_id.hex}@{_domain(self.sender.address)}>"

    @property
    def needs_utf8(self) -> bool:
        """Whether a server must know SMTPUTF8: a part before an @ has letters beyond ASCII."""
        boxes = (self.sender, self.to, *([self.reply_to] if self.reply_to else []))
        return not all(wire_address(one.address).isascii() for one in boxes)


class WireMessage(bytes):
    """A message as DATA takes it: all of its lines end with CRLF, and none begins with a dot.

    So nothing in it can pretend to end the message, and a sender need not look through it.
    """

    __slots__ = ()


def mime(parts: EmailParts, envelope: Envelope, files: Mapping[str, bytes] | None = None) -> bytes:
    """Return the email as a `WireMessage`.

    `files` are the bytes of `parts.attached`, by their SHA-256; a file that is missing there is
    left out. Raises Invalid for an address or a header that would not stay one line.
    """
    boundary = f"=_{envelope.delivery_id.hex}"
    html, plain = parts.html_text.quoted, parts.plain_text.quoted
    body = b"".join(
        (
            *_part(boundary, "plain", html=plain),
            *_part(boundary, "html", html=html),
            f"--{boundary}--\r\n".encode(),
        )
    )
    kind = f'multipart/alternative; boundary="{boundary}"'
    given = [one for one in parts.attached if files and one.sha256 in files]
    if files and given:
        kind, body = _with_files(kind, body, boundary, given, files)
    lines = [*_headers(parts.subject, envelope), f"Content-Type: {kind}", "", ""]
    return WireMessage(b"".join(("\r\n".join(lines).encode(), body)))


def _part(boundary: str, subtype: str, *, html: bytes) -> tuple[bytes, bytes, bytes]:
    head = (
        f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode(), html, b"\r\n"


def _with_files(
    kind: str, body: bytes, boundary: str, given: list[Media], files: Mapping[str, bytes]
) -> tuple[str, bytes]:
    """Return the texts with pictures (multipart/related), and those with other files (mixed)."""
    shown = [one for one in given if one.kind == "photo"]
    others = [one for one in given if one.kind != "photo"]
    for subtype, some in (("related", shown), ("mixed", others)):
        if not some:
            continue
        outer = f"{boundary}{subtype}"
        inner = f"--{outer}\r\nContent-Type: {kind}\r\n\r\n".encode() + body + b"\r\n"
        parts = [_file(outer, one, files[one.sha256]) for one in some]
        body = b"".join((inner, *parts, f"--{outer}--\r\n".encode()))
        kind = f'multipart/{subtype}; boundary="{outer}"'
    return kind, body


def _file(boundary: str, media: Media, data: bytes) -> bytes:
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", media.filename)[-80:] or "file"
    place = "inline" if media.kind == "photo" else "attachment"
    kind = guess_type(name)[0] or "application/octet-stream"
    head = (
        f'--{boundary}\r\nContent-Type: {kind}; name="{name}"\r\n'
        f'Content-Disposition: {place}; filename="{name}"\r\n'
        f"Content-ID: <{content_id(media)}>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    encoded = b64encode(data)
    lines = (encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE))
    return head.encode() + b"\r\n".join(lines) + b"\r\n"


def _headers(subject: str, envelope: Envelope) -> Iterator[str]:
    yield f"From: {_mailbox(envelope.sender)}"
    yield f"To: {_mailbox(envelope.to)}"
    if envelope.reply_to:
        yield f"Reply-To: {_mailbox(envelope.reply_to)}"
    yield f"Subject: {header_text(subject)}"
    yield f"Date: {_date(envelope.date)}"
    yield f"Message-ID: {envelope.message_id}"
    if envelope.unsubscribe:
        yield f"List-Unsubscribe: <{_one_line(envelope.unsubscribe, 'List-Unsubscribe')}>"
        if envelope.unsubscribe.startswith("https://"):
            yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    for name, value in envelope.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise Invalid(f"{name!r} is not the name of a header.")
        yield f"{name}: {header_text(value)}"
    yield "MIME-Version: 1.0"


def _one_line(value: str, name: str) -> str:
    if not re.fullmatch(r"[!-;=?-~]{1,900}", value):
        raise Invalid(f"{name} holds an address without blanks, at most 900 characters long.")
    return value


def _date(moment: datetime) -> str:
    return _second(moment.replace(microsecond=0))


@lru_cache(maxsize=64)
def _second(moment: datetime) -> str:
    return format_datetime(moment)


@lru_cache(maxsize=4096)
def header_text(text: str) -> str:
    """Return a text as a header has it: as it is, or in encoded words (RFC 2047), folded."""
    text = " ".join(text.split())
    if _PLAIN_HEADER.fullmatch(text) and "=?" not in text and len(text) <= _LINE - 10:
        return text
    return "\r\n ".join(_words(text))


def _words(text: str) -> Iterator[str]:
    if 3 * len(text) <= _WORD_BYTES or len(text.encode("utf-8", "replace")) <= _WORD_BYTES:
        yield _word(text)
        return
    chunk, size = "", 0
    for character in text:
        length = len(character.encode("utf-8", "replace"))
        if size + length > _WORD_BYTES:
            yield _word(chunk)
            chunk, size = "", 0
        chunk, size = chunk + character, size + length
    if chunk:
        yield _word(chunk)


def _word(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode('utf-8', 'replace')).decode()}?="


def _mailbox(box: Mailbox) -> str:
    return _named(box) if box.name else wire_address(box.address)


@lru_cache(maxsize=1024)
def _named(box: Mailbox) -> str:
    address = wire_address(box.address)
    name = " ".join(box.name.split())
    if not name:
        return address
    if _ATEXT.fullmatch(name) and "." not in name and "=?" not in name and len(name) <= 200:
        return f"{name} <{address}>"
    if _PLAIN_HEADER.fullmatch(name) and "=?" not in name and len(name) <= 200:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{header_text(name) if not name.isascii() else _forced(name)}\r\n <{address}>"


def _forced(name: str) -> str:
    return "\r\n ".join(_words(name))


@lru_cache(maxsize=64)
def _domain(address: str) -> str:
    return wire_address(address).rpartition("@")[2]


def wire_address(address: str) -> str:
    """Return an address as it travels: its domain in ASCII (IDNA), what is before it as it is.

    Raises Invalid for what is no address, or would not stay in its header.
    """
    if len(address) > 320 or not (_ADDRESS.fullmatch(address) or _QUOTED_LOCAL.fullmatch(address)):
        raise Invalid(f"{address[:80]!r} is not an email address.")
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{_LABEL_DOTS.sub('.', domain).encode('idna').decode()}"
    except UnicodeError:
        raise Invalid(f"{address[:80]!r} is not an email address.") from None
