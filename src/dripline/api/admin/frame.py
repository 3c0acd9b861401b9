"""The frame around the dashboard's pages: one style sheet, nothing else is loaded or run."""

from typing import Final

from dripline.api.pages.html import Frame, style_of

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


frame: Final = Frame(_FRAME, style_of("dripline.api.admin", "dashboard.css")).page
