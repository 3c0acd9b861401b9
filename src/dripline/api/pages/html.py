"""HTML with everything escaped that is not HTML already, and the frame around each page."""

import base64
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from fastapi.responses import HTMLResponse


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


NOTHING: Final = Html("")


def html(template: str, /, **values: object) -> Html:
    """Return a template with its `{name}`s filled in, escaped unless they are HTML."""
    return Html(
        template.format_map(
            {
                name: value if isinstance(value, Html) else escape(str(value))
                for name, value in values.items()
            }
        )
    )


def joined(parts: Iterable[Html]) -> Html:
    """Return pieces of HTML one after another."""
    return Html("".join(parts))


class Frame:
    """What stands around a page: its template and its one style sheet; nothing else is loaded.

    The headers say so: the style sheet by its hash, forms only to ourselves, no scripts.
    """

    def __init__(self, template: str, style: Html) -> None:
        self._template, self._style = template, style
        digest = base64.b64encode(sha256(style.encode()).digest()).decode()
        self._headers = {
            "content-security-policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            "x-robots-tag": "noindex, nofollow",
        }

    def page(self, title: str, body: Html, language: str, status: int = 200) -> HTMLResponse:
        """Return a whole page."""
        text = html(self._template, title=title, body=body, language=language, style=self._style)
        return HTMLResponse(text, status_code=status, headers=self._headers)


def style_of(package: str, name: str) -> Html:
    """Return a style sheet that lies in a package."""
    return Html(files(package).joinpath(name).read_text("utf-8"))


_FRAME: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


_OF_CONTACTS: Final = Frame(_FRAME, style_of("dripline.api.pages", "page.css"))
page: Final = _OF_CONTACTS.page
