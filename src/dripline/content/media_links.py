"""Addresses of files that emails show: signed, so that only what was sent can be asked for."""

import hashlib
import hmac
import re
from typing import Final
from urllib.parse import quote

from dripline.content.rendered import Media

PATH: Final = "/media"
_TOKEN: Final = re.compile(r"([0-9a-f]{64})([0-9a-f]{16})")
_NAME: Final = re.compile(r"[^\w.-]+")


class MediaLinks:
    """Makes the address of a file under `base`, and reads it again."""

    def __init__(self, base: str, key: bytes) -> None:
        self._base = base
        self._key = hmac.digest(key, b"media", "sha256")

    def __call__(self, media: Media) -> str:
        """Return where a file is; its name stands at the end, for whoever saves it."""
        name = _NAME.sub("_", media.filename)[-80:] or "file"
        return f"{self._base}{PATH}/{media.sha256}{self._mark(media.sha256)}/{quote(name)}"

    def sha256_of(self, token: str) -> str | None:
        """Return which file an address asks for; None for one that we have not made."""
        match = _TOKEN.fullmatch(token)
        if match is None or not hmac.compare_digest(match[2], self._mark(match[1])):
            return None
        return match[1]

    def _mark(self, sha256: str) -> str:
        return hmac.new(self._key, sha256.encode(), hashlib.sha256).hexdigest()[:16]
