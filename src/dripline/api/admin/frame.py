"""The frame around the dashboard's pages: one style sheet, nothing else is loaded or run."""

import base64
from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi.responses import HTMLResponse

from dripline.api.pages.html import Html, html

_STYLE: Final = Html(files("dripline.api.admin").joinpath("dashboard.css").read_text("utf-8"))
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
<title>{title} · dripline</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def frame(title: str, body: Html, language: str, status: int = 200) -> HTMLResponse:
    """Return a whole page."""
    text = html(_FRAME, title=title, body=body, language=language, style=_STYLE)
    return HTMLResponse(text, status_code=status, headers=_HEADERS)
