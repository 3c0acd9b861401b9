"""Codes of posts: what stands behind `?start=` in a deep link, and in a post's callback button.

`p_` and eighteen characters: the post's number, which of its buttons, and a signature. Telegram
takes up to 64 characters of A-Z, a-z, 0-9, _ and -; a callback button up to 64 bytes.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Final, NamedTuple

PREFIX: Final = "p_"
LENGTH: Final = 20
_MAC: Final = 8
_POSTS: Final = 2**32
_BUTTONS: Final = 2**8


class PostCode(NamedTuple):
    """A post's number, and which of its buttons, counted from 0."""

    post: int
    button: int = 0


class Codes:
    """Makes codes and reads them; made of the installation's key."""

    def __init__(self, signing_key: bytes) -> None:
        self._key = hmac.digest(signing_key, b"dripline/post-codes/1", "sha256")

    def code(self, post: int, button: int = 0) -> str:
        """Return the code of a post's button. Raises ValueError for numbers no code can hold."""
        if not 0 < post < _POSTS or not 0 <= button < _BUTTONS:
            raise ValueError(f"no code is made for button {button} of post {post}")
        body = post.to_bytes(4, "big") + bytes((button,))
        return PREFIX + urlsafe_b64encode(body + self._mac(body)).decode().rstrip("=")

    def read(self, code: str) -> PostCode | None:
        """Return what a code says, or None for one that is not ours."""
        if len(code) != LENGTH or not code.startswith(PREFIX) or not code.isascii():
            return None
        try:
            raw = urlsafe_b64decode(code[len(PREFIX) :] + "==")
        except (NotBase64, ValueError):
            return None
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        found = PostCode(int.from_bytes(body[:4], "big"), body[4])
        # The last character has spare bits: only one spelling is ours.
        return found if found.post and self.code(*found) == code else None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC]


def deep_link(username: str, code: str) -> str:
    """Return the address that opens a bot with a code."""
    return f"https://t.me/{username}?start={code}"
