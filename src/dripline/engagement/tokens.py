"""The signed token of a tracked link or pixel: everything that a redirect has to know.

    byte 0     version (high nibble), kind (low nibble)
    then       whom it is for: delivery and contact (16 bytes each), or the number of a post
    then       the label: its length in a byte, then UTF-8
    then       where it leads: the url, or the hash under which a long one is stored
    last 12    HMAC-SHA256 of all that, cut to 96 bits

It is written in base64url. Who cannot sign cannot make us lead anywhere, so there is no open
redirect; and no database is asked where a link leads.
"""

import hmac
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from dripline.keyed import Mac

VERSION: Final = 1
LONGEST_TOKEN: Final = 4096
LABEL_BYTES: Final = 48
POST_LIMIT: Final = 2**40

Kind = Literal["link", "pixel", "trap"]
_MAC: Final = 12
_ID: Final = 16
_POST: Final = 5
_KINDS: Final[tuple[Kind, ...]] = ("link", "pixel", "trap")
_OF_POST: Final = 4  # flags of the low nibble, beside the kind
_STORED: Final = 8
_NOBODY: Final = uuid.UUID(int=0)


class Mark(NamedTuple):
    """What a token says: of which message or post it is a link, and where it leads.

    A link has a `url`, or `stored`, the name under which a long url is kept.
    """

    kind: Kind
    delivery_id: uuid.UUID | None = None
    contact_id: uuid.UUID | None = None
    post: int | None = None
    label: str = ""
    url: str = ""
    stored: uuid.UUID | None = None


class Seal:
    """Signs tokens, and reads those that it signed; made of the installation's key."""

    def __init__(self, signing_key: bytes) -> None:
        self._all = Mac(Mac(signing_key).sign(b"dripline/tracked-links/1"))

    def sign(self, mark: Mark) -> str:
        """Return the token of a mark; its label is cut to `LABEL_BYTES`."""
        body = _packed(mark)
        return _text(body + self._mac(body))

    def read(self, token: str) -> Mark | None:
        """Return what a token says, or None for one that is not ours, whatever is wrong with it."""
        if len(token) > LONGEST_TOKEN:
            return None
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (NotBase64, ValueError):
            return None
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(body)) or _text(raw) != token:
            return None  # the last character has spare bits: only one spelling is ours
        return _unpacked(body)

    def digest(self, text: str) -> str:
        """Return 32 characters that stand for a text, and tell nothing about it."""
        return self._all.sign(b"\0" + text.encode("utf-8", "replace"))[:16].hex()

    def _mac(self, body: bytes) -> bytes:
        return self._all.sign(body)[:_MAC]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _packed(mark: Mark) -> bytes:
    kind, delivery_id, contact_id, post, label, url, stored = mark
    flags = _KINDS.index(kind) | (VERSION << 4)
    if post is not None:
        head = bytes((flags | _OF_POST,)) + post.to_bytes(_POST, "big")
        return head + _target(label, url) if stored is None else _stored(head, label, stored)
    head = bytes((flags,)) + (delivery_id or _NOBODY).bytes + (contact_id or _NOBODY).bytes
    return head + _target(label, url) if stored is None else _stored(head, label, stored)


@lru_cache(maxsize=1024)
def _target(label: str, url: str) -> bytes:
    """Return what a link says and where it leads: for everybody the same."""
    words = cut_label(label).encode()
    return bytes((len(words),)) + words + url.encode()


def _stored(head: bytes, label: str, name: uuid.UUID) -> bytes:
    return bytes((head[0] | _STORED,)) + head[1:] + _target(label, "") + name.bytes


def _unpacked(body: bytes) -> Mark | None:
    """Read a body that we signed; one of another version, or of a kind unknown here, is None."""
    if not body or body[0] >> 4 != VERSION or body[0] & 3 >= len(_KINDS):
        return None
    of_post, is_stored = body[0] & _OF_POST, body[0] & _STORED
    at = 1 + (_POST if of_post else 2 * _ID)
    whose, rest = body[1:at], body[at:]
    label, target = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    return Mark(
        _KINDS[body[0] & 3],
        None if of_post else _id(whose[:_ID]),
        None if of_post else _id(whose[_ID:]),
        int.from_bytes(whose, "big") if of_post else None,
        label.decode(),
        "" if is_stored else target.decode(),
        uuid.UUID(bytes=target) if is_stored else None,
    )


def _id(raw: bytes) -> uuid.UUID | None:
    found = uuid.UUID(bytes=raw)
    return None if found == _NOBODY else found


def cut_label(label: str) -> str:
    """Return a label as a token carries it: one line, and no more than its bytes."""
    line = " ".join(label.split()).encode("utf-8", "ignore")
    return line[:LABEL_BYTES].decode("utf-8", "ignore")
