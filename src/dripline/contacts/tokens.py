"""Signed tokens: what a link in a letter proves, for one purpose and one contact only.

A token is a purpose's signature over an id and the minute it was made: a token for one purpose is
worthless for another, and nobody can make or change one without the key.
"""

import base64
import binascii
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from itsdangerous import BadSignature, Signer

from dripline.clock import from_us, to_us
from dripline.errors import Invalid
from dripline.keyed import Mac

TOKEN_INVALID: Final = "TOKEN_INVALID"  # noqa: S105 - an error's code
TOKEN_EXPIRED: Final = "TOKEN_EXPIRED"  # noqa: S105 - an error's code
_LONGEST = 200
_MINUTE_US = 60_000_000
_LENGTHS = {20, 36}
_LONGEST_PRESS: Final = 600
_LABEL_BYTES: Final = 120


class Purpose(StrEnum):
    """What a token is for."""

    VERIFY = "verify"
    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"


# A page of one's own wishes may lie in forwarded mail; a way out has to work for good.
_LASTS: Final[dict[Purpose, timedelta | None]] = {
    Purpose.VERIFY: timedelta(hours=48),
    Purpose.PREFERENCES: timedelta(days=180),
    Purpose.UNSUBSCRIBE: None,
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token says: of whom (a contact, or a verification), since when, of which delivery."""

    subject: uuid.UUID
    made_at: datetime
    delivery_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """A callback button of an email: whose, of which delivery, what it carries and says."""

    contact_id: uuid.UUID
    delivery_id: uuid.UUID
    data: str
    label: str


class QuickSigner(Signer):
    """Signs as `Signer` does, under a key that is derived and prepared once."""

    def __init__(self, key: bytes, salt: str) -> None:
        super().__init__(key, salt=salt, digest_method=sha256)
        self._mac = Mac(self.derive_key())

    def signed(self, value: bytes) -> str:
        """Return a value with its signature behind it."""
        mac = base64.urlsafe_b64encode(self._mac.sign(value)).rstrip(b"=")
        return (value + b"." + mac).decode()


class Tokens:
    """Makes and reads tokens under the installation's key."""

    def __init__(self, key: bytes) -> None:
        self._signers = {purpose: QuickSigner(key, f"dripline.{purpose}") for purpose in Purpose}
        self._presses = QuickSigner(key, "dripline.press")

    def make(
        self,
        purpose: Purpose,
        subject: uuid.UUID,
        now: datetime,
        delivery_id: uuid.UUID | None = None,
    ) -> str:
        """Return a token; `delivery_id` says which message carried it."""
        body = subject.bytes + (to_us(now) // _MINUTE_US).to_bytes(4, "big")
        body += delivery_id.bytes if delivery_id else b""
        text = base64.urlsafe_b64encode(body).rstrip(b"=")
        return self._signers[purpose].signed(text)

    def read(self, purpose: Purpose, token: str, now: datetime) -> Proof:
        """Return what a token proves. Raises Invalid (TOKEN_INVALID, TOKEN_EXPIRED)."""
        proof = self._read(purpose, token)
        lasts = _LASTS[purpose]
        if lasts is not None and now - proof.made_at > lasts + timedelta(minutes=1):
            raise Invalid("This link is too old; ask for a new one.", code=TOKEN_EXPIRED)
        return proof

    def make_press(self, press: "Press") -> str:
        """Return a token that presses a button of an email on its owner's behalf."""
        data = press.data.encode()
        label = press.label.encode()[:_LABEL_BYTES].decode(errors="ignore").encode()
        body = press.contact_id.bytes + press.delivery_id.bytes + bytes((len(data),)) + data + label
        return self._presses.signed(base64.urlsafe_b64encode(body).rstrip(b"="))

    def read_press(self, token: str) -> "Press":
        """Return which button a token presses. Raises Invalid (TOKEN_INVALID)."""
        try:
            if len(token) > _LONGEST_PRESS or not token.isascii():
                raise BadSignature("no token of ours")
            text = self._presses.unsign(token)
            body = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
            length = body[32]
            data, label = body[33 : 33 + length].decode(), body[33 + length :].decode()
        except (BadSignature, binascii.Error, ValueError, IndexError):
            raise _not_ours() from None
        return Press(uuid.UUID(bytes=body[:16]), uuid.UUID(bytes=body[16:32]), data, label)

    def _read(self, purpose: Purpose, token: str) -> Proof:
        try:
            if len(token) > _LONGEST or not token.isascii():
                raise BadSignature("no token of ours")
            text = self._signers[purpose].unsign(token)
            body = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        except (BadSignature, binascii.Error, ValueError):
            body = b""
        if len(body) not in _LENGTHS:
            raise _not_ours()
        made_at = from_us(int.from_bytes(body[16:20], "big") * _MINUTE_US)
        about = uuid.UUID(bytes=body[20:]) if len(body) > 20 else None
        return Proof(uuid.UUID(bytes=body[:16]), made_at, about)


def _not_ours() -> Invalid:
    return Invalid("This link is damaged or not ours.", code=TOKEN_INVALID)
