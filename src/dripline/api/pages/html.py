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


_STYLE: Final = Html(files("dripline.api.pages").joinpath("page.css").read_text("utf-8"))
_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-robots-tag": "noindex, nofollow",
}
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


def page(title: str, body: Html, language: str, status: int = 200) -> HTMLResponse:
    """Return a whole page; its headers let it load nothing, and send forms nowhere else."""
    text = html(_FRAME, title=title, body=body, language=language, style=_STYLE)
    return HTMLResponse(text, status_code=status, headers=_HEADERS)
