"""Kind words for a link that leads nowhere, with the right status."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from dripline.api.pages.html import Html, html, page
from dripline.api.pages.visitor import language_of
from dripline.contacts.tokens import TOKEN_EXPIRED
from dripline.errors import DriplineError
from dripline.texts import gettext as _


def dead_end(request: Request, why: DriplineError, default: str) -> HTMLResponse:
    """Return the page for a link that is damaged (404), or was good once (410)."""
    language = language_of(request, None, default)
    if why.code in {TOKEN_EXPIRED, "VERIFICATION_GONE"}:
        text = _(
            "This link was used already, or is too old. Ask for a new one: in the bot send /email "
            "or /settings, or open the link in our latest email.",
            language,
        )
        return page(_("This link has expired", language), card(text), language, 410)
    text = _(
        "Perhaps it was cut off on its way. Copy it whole, open it from our latest email, or send "
        "/settings in the bot.",
        language,
    )
    return page(_("This link does not work", language), card(text), language, 404)


def card(*paragraphs: str) -> Html:
    """Return paragraphs in a box."""
    texts = "".join(html("<p>{text}</p>", text=text) for text in paragraphs)
    return html('<section class="card">{texts}</section>', texts=Html(texts))


def masked(address: str) -> str:
    """Return an email address that its owner knows again, and nobody else learns."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
