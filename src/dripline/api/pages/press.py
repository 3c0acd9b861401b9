"""`/b/…`: press a button of an email, as one presses it in the chat."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.pages.base import ContactPages
from dripline.api.pages.html import html, page
from dripline.api.pages.kind import card, dead_end
from dripline.api.pages.visitor import language_of
from dripline.contacts import queries as contacts
from dripline.contacts.models import Contact
from dripline.contacts.tokens import TOKEN_INVALID, Press
from dripline.errors import DriplineError, NotFound
from dripline.events import NewEvent, append
from dripline.texts import gettext as _


class Pressing(ContactPages):
    """Takes the press of a callback button; the same button of the same email counts once."""

    def router(self) -> APIRouter:
        """Return the routes of buttons; they are no part of the API."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/b/{token}", self.ask, methods=["GET"])
        routes.add_api_route("/b/{token}", self.press, methods=["POST"])
        return routes

    async def ask(self, token: str, request: Request) -> HTMLResponse:
        """Show the button: a scanner that follows the link presses nothing."""
        try:
            pressed = self._pages.tokens.read_press(token)
            async with self._database.reading() as session:
                contact = await _whose(session, pressed)
        except DriplineError as error:
            return dead_end(request, error, self._default)
        language = language_of(request, contact.language, self._default)
        body = html(
            '<section class="card"><p>{text}</p><form method="post" action="/b/{token}">'
            "<button>{label}</button></form></section>",
            text=_("One more tap, and we go on.", language),
            token=token,
            label=pressed.label or _("Go on", language),
        )
        return page(_("Go on", language), body, language)

    async def press(self, token: str, request: Request) -> HTMLResponse:
        """Tell by an event what was pressed; whoever waits for it hears it."""
        try:
            pressed = self._pages.tokens.read_press(token)
            async with self._database.transaction() as session:
                contact = await _whose(session, pressed)
                source_id = f"{pressed.delivery_id.hex}:{pressed.data}"
                data = {
                    "data": pressed.data,
                    "delivery_id": pressed.delivery_id.hex,
                    "channel": "email",
                }
                now = self._clock.now()
                await append(
                    session,
                    NewEvent("callback.pressed", contact.id, "email.button", source_id, now, data),
                )
        except DriplineError as error:
            return dead_end(request, error, self._default)
        language = language_of(request, contact.language, self._default)
        text = _("Thank you! We have noted it; what comes next is on its way.", language)
        return page(_("Done", language), card(text), language)


async def _whose(session: AsyncSession, pressed: Press) -> Contact:
    contact = await contacts.contact(session, pressed.contact_id)
    if contact is None:
        raise NotFound("There is no such contact.", code=TOKEN_INVALID)
    return contact
