"""The page for a link that leads nowhere: kind, small, in the reader's language."""

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Final

from dripline.texts import gettext as _

_POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
)
_PAGE: Final = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem }}
</style>
<h1>{title}</h1>
<p>{text}</p>
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Page:
    """A page and the headers that go with it."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def dead_link(accepted: str) -> Page:
    """Return the page in the first language that a browser accepts and that we speak."""
    return _dead_link("ru" if accepted.strip().lower().startswith("ru") else "en")


@lru_cache(4)
def _dead_link(language: str) -> Page:
    title = _("This link leads nowhere", language)
    text = _(
        "It may have been cut off on its way. Open it once more from the message it came in.",
        language,
    )
    body = _PAGE.format(language=language, title=escape(title), text=escape(text)).encode()
    headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", _POLICY),
        (b"content-language", language.encode()),
        (b"vary", b"accept-language"),
    )
    return Page(body, headers)
