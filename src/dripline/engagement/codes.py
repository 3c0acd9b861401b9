"""Codes of posts in deep links, `t.me/BOT?start=p_…`: short, and nobody else can make one.

The post's number in five bytes, then HMAC-SHA256 of it cut to 80 bits, in base64url: 22 characters
with the `p_`, of the 64 that Telegram allows. The number stands for chat, rotation and slot.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Final

PREFIX: Final = "p_"
_NUMBER: Final = 5
_MAC: Final = 10
_LENGTH: Final = 20


class Codes:
    """Signs and reads codes; made of the installation's key."""

    def __init__(self, signing_key: bytes) -> None:
        self._key = hmac.digest(signing_key, b"dripline/post-codes/1", "sha256")

    def code(self, post: int) -> str:
        """Return the payload of a deep link that says which post it stood in."""
        number = post.to_bytes(_NUMBER, "big")
        return PREFIX + urlsafe_b64encode(number + self._mac(number)).decode()

    def read(self, payload: str) -> int | None:
        """Return the post that a payload names, or None for one that is not ours."""
        text = payload.removeprefix(PREFIX)
        if len(text) != _LENGTH or not payload.startswith(PREFIX):
            return None
        try:
            raw = urlsafe_b64decode(text)
        except (NotBase64, ValueError):
            return None
        number, mac = raw[:_NUMBER], raw[_NUMBER:]
        if not hmac.compare_digest(mac, self._mac(number)):
            return None
        return int.from_bytes(number, "big")

    def _mac(self, number: bytes) -> bytes:
        return hmac.digest(self._key, number, "sha256")[:_MAC]
