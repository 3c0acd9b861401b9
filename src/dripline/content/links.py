"""Which links may leave the house: no `javascript:`, nothing that hides a control character."""

import re
from collections.abc import Collection
from typing import Final

TEXT_SCHEMES: Final = frozenset({"http", "https", "tg", "mailto", "tel"})
BUTTON_SCHEMES: Final = frozenset({"http", "https", "tg"})
APP_SCHEMES: Final = frozenset({"https"})

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL)
_BARE = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?([/?#].*)?", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}\u2028\u2029]")
# Telegram refuses a whole message for a button without a host like this, or with a wrong port.
_HOST = re.compile(
    r"https?://(?:[^/?#@]*@)?(?:\[[0-9a-f:.]+\]|(?=[^/?#:]*\.[^/?#:])(?:[^/?#@:\[\]%]|%[0-9a-f]{2})+)"
    r"(?::(\d{1,5}))?(?=[/?#]|$)",
    re.IGNORECASE,
)
_LAST_PORT: Final = 65_535
LONGEST_LINK: Final = 2048


def safe_link(link: str, schemes: Collection[str] = TEXT_SCHEMES) -> str | None:
    """Return a link as it may be sent, or None when it may not.

    A bare address such as `example.com/page` becomes `https://example.com/page`.
    """
    link = link.strip()
    if not link or len(link) > LONGEST_LINK or _FORBIDDEN.search(link):
        return None
    if _BARE.fullmatch(link) and "https" in schemes:
        return f"https://{link}"
    match = _SCHEME.fullmatch(link)
    if match is None or match[1].lower() not in schemes:
        return None
    return link if _says_something(match[1].lower(), match[2]) else None


def button_link(link: str, schemes: Collection[str] = BUTTON_SCHEMES) -> str | None:
    """Return a link as a button may have it, or None when it may not.

    A text may link to `https://localhost`: there Telegram only leaves the link out.
    """
    found = safe_link(link, schemes)
    if found is None or found[:4].lower() != "http":
        return found
    host = _HOST.match(found)
    return found if host and (host[1] is None or 0 < int(host[1]) <= _LAST_PORT) else None


def _says_something(scheme: str, rest: str) -> bool:
    if scheme in {"http", "https"}:
        host = rest.removeprefix("//") if rest.startswith("//") else ""
        return bool(re.match(r"[^/?#:@]", host))
    return bool(rest.strip("/"))
