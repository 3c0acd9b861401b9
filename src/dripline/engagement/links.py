"""Make the links of a message tracked: `PUBLIC_URL/r/TOKEN`, and `PUBLIC_URL/o/TOKEN.gif`.

Left as they are: what is no http link (tel:, mailto:, tg:), links into our own bots (their `/start`
tells us more than a click), and our own pages, such as a contact's preferences.
"""

import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from dripline.content.links import safe_link
from dripline.engagement.tokens import Mark, Seal

REDIRECT: Final = "/r/"
PIXEL: Final = "/o/"
# Longer addresses of buttons are refused by Telegram and cut by mail programs; a longer target is
# kept in the database, and its link carries only the name of that.
LONGEST: Final = 1800
_TARGETS_KEPT: Final = 4096  # a message has the same few links for everybody
_TELEGRAM: Final = frozenset({"t.me", "telegram.me", "telegram.dog"})
_WEB: Final = frozenset({"http", "https"})

# Keeps urls by their names; `links` writes them before the message goes out.
Keep = Callable[[Mapping[uuid.UUID, str]], Awaitable[None]]


class Links:
    """A `LinkTracker`: signs links for messages and posts.

    Without a `public_url` nothing is tracked.
    """

    def __init__(
        self,
        signing_key: bytes,
        public_url: str | None,
        *,
        keep: Keep | None = None,
    ) -> None:
        self.seal = Seal(signing_key)
        self._own_bots: set[str] = set()
        self._base = public_url.rstrip("/") if public_url else ""
        self._keep = keep
        self._unkept: dict[uuid.UUID, str] = {}
        self._target = lru_cache(_TARGETS_KEPT)(self._target_of)

    def own(self, username: str) -> None:
        """Know a bot of ours by its username: links into it stay as they are."""
        self._own_bots.add(username.lower())
        self._target.cache_clear()

    def link(
        self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None, url: str, label: str
    ) -> str:
        """Return the tracked form of a message's link, or the link as it is."""
        return self._tracked(Mark("link", delivery_id, contact_id, label=label, url=url))

    def post_link(self, post: int, url: str, label: str) -> str:
        """Return the tracked form of a link in a channel's post, by the post's number."""
        return self._tracked(Mark("link", post=post, label=label, url=url))

    def pixel(self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None = None) -> str | None:
        """Return the address of a message's open pixel, if there can be one."""
        if not self._base:
            return None
        token = self.seal.sign(Mark("pixel", delivery_id=delivery_id, contact_id=contact_id))
        return f"{self._base}{PIXEL}{token}.gif"

    def trap(self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None = None) -> str | None:
        """Return a link that no person sees: who follows it follows every link of the message."""
        if not self._base:
            return None
        token = self.seal.sign(Mark("trap", delivery_id=delivery_id, contact_id=contact_id))
        return f"{self._base}{REDIRECT}{token}"

    async def keep(self) -> None:
        """Store what is too long for a token; to be awaited before the message goes out."""
        if self._unkept and self._keep is not None:
            unkept = dict(self._unkept)
            await self._keep(unkept)
            for name in unkept:
                self._unkept.pop(name, None)

    def _tracked(self, mark: Mark) -> str:
        target = self._target(mark.url)
        if target is None:
            return mark.url
        link = self._signed(mark if target is mark.url else mark._replace(url=target))
        if len(link) <= LONGEST:
            return link
        if self._keep is None:
            return mark.url
        name = name_of(target)
        self._unkept[name] = target
        return self._signed(mark._replace(url="", stored=name))

    def _signed(self, mark: Mark) -> str:
        return f"{self._base}{REDIRECT}{self.seal.sign(mark)}"

    def _target_of(self, url: str) -> str | None:
        """Return where a tracked link leads, as a header may say it; None: leave it alone."""
        if not self._base:
            return None
        link = safe_link(url, _WEB)
        if link is None or link == self._base or link.startswith(f"{self._base}/"):
            return None
        try:
            parts = urlsplit(link)
            host = (parts.hostname or "").lower()
            if host.removeprefix("www.") in _TELEGRAM and self._is_own(parts.path):
                return None
            return link if link.isascii() else _ascii(link)
        except ValueError:  # no browser would follow it either
            return None

    def _is_own(self, path: str) -> bool:
        return path.strip("/").partition("/")[0].lower() in self._own_bots


def name_of(url: str) -> uuid.UUID:
    """Return the name under which a long url is kept: the same url, the same name."""
    return uuid.UUID(bytes=hashlib.sha256(url.encode()).digest()[:16])


def _ascii(link: str) -> str:
    """Return an address with other letters in it as browsers send it. Raises ValueError."""
    parts = urlsplit(link)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, port = host.partition(":")
    netloc = user + at + name.encode("idna").decode() + colon + port
    kept = "%/:=&?~#+!$,;'@()*[]"
    rest = (quote(part, safe=kept) for part in (parts.path, parts.query, parts.fragment))
    found = urlunsplit((parts.scheme, netloc, *rest))
    if not found.isascii():
        raise ValueError("letters where none may be")
    return found
