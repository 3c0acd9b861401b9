"""`/u/…`: leave in one click, and come back; `/v/…`: confirm an address."""

import uuid
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.pages.base import ContactPages
from dripline.api.pages.html import NOTHING, Html, html, page
from dripline.api.pages.kind import card, dead_end, masked
from dripline.api.pages.visitor import evidence, language_of
from dripline.contacts import consent_queries, email
from dripline.contacts import queries as contacts
from dripline.contacts.models import REACHABLE, Address, Contact
from dripline.contacts.pages import Pages
from dripline.contacts.tokens import TOKEN_INVALID, Proof, Purpose
from dripline.errors import DriplineError, NotFound
from dripline.texts import gettext as _


class Leaving(ContactPages):
    """Lets a contact out of email, and in again."""

    def router(self) -> APIRouter:
        """Return the routes of the way out; they are no part of the API."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/u/{token}", self.ask, methods=["GET"])
        routes.add_api_route("/u/{token}", self.leave, methods=["POST"])
        routes.add_api_route("/u/{token}/back", self.come_back, methods=["POST"])
        return routes

    async def ask(self, token: str, request: Request) -> HTMLResponse:
        """Ask; a scanner that follows the link unsubscribes nobody."""
        now = self._clock.now()
        try:
            proof = self._pages.tokens.read(Purpose.UNSUBSCRIBE, token, now)
            async with self._database.reading() as session:
                contact, address = await _whose(session, proof)
        except DriplineError as error:
            return dead_end(request, error, self._default)
        language = language_of(request, contact.language, self._default)
        if address is None or address.reachability not in {REACHABLE, email.UNVERIFIED}:
            return self._left(contact, address, token, language, now)
        question = _("Send no more emails to {address}?", language, address=masked(address.value))
        body = html(
            '<section class="card"><p>{question}</p><form method="post" action="/u/{token}">'
            "<button>{yes}</button></form></section>{more}",
            question=question,
            token=token,
            yes=_("Unsubscribe", language),
            more=self._wishes(contact.id, language, now),
        )
        return page(_("Unsubscribe", language), body, language)

    async def leave(self, token: str, request: Request) -> HTMLResponse:
        """Unsubscribe at once, whoever posts: mail programs do (RFC 8058)."""
        now = self._clock.now()
        try:
            proof = self._pages.tokens.read(Purpose.UNSUBSCRIBE, token, now)
            async with self._database.transaction() as session:
                contact, _address = await _whose(session, proof)
                language = language_of(request, contact.language, self._default)
                said = evidence(request, "link", _("Unsubscribe", language))
                await email.leave(session, contact.id, said, now, delivery_id=proof.delivery_id)
                address = await consent_queries.email_of(session, contact.id)
        except DriplineError as error:
            return dead_end(request, error, self._default)
        return self._left(contact, address, token, language, now)

    async def come_back(self, token: str, request: Request) -> HTMLResponse:
        """Subscribe again somebody who left by themselves."""
        now = self._clock.now()
        try:
            proof = self._pages.tokens.read(Purpose.UNSUBSCRIBE, token, now)
            async with self._database.transaction() as session:
                contact, _address = await _whose(session, proof)
                language = language_of(request, contact.language, self._default)
                said = evidence(request, "page", _("Subscribe again", language))
                await email.come_back(session, contact.id, said, now)
                address = await consent_queries.email_of(session, contact.id)
        except DriplineError as error:
            return dead_end(request, error, self._default)
        if address is None or address.reachability != REACHABLE:
            return self._left(contact, address, token, language, now)
        text = _("Our emails come to {address} again.", language, address=masked(address.value))
        body = html("{card}{more}", card=card(text), more=self._wishes(contact.id, language, now))
        return page(_("Welcome back", language), body, language)

    def _left(
        self, contact: Contact, address: Address | None, token: str, language: str, now: datetime
    ) -> HTMLResponse:
        if address is None:
            body = card(_("We have no email address of yours.", language))
            return page(_("No emails go to you", language), body, language)
        text = _("No more emails go to {address}.", language, address=masked(address.value))
        back = NOTHING
        if address.reachability == email.UNSUBSCRIBED:
            back = html(
                '<form method="post" action="/u/{token}/back"><button class="quiet">{again}'
                "</button></form>",
                token=token,
                again=_("Subscribe again", language),
            )
        body = html(
            "{card}{back}{more}",
            card=card(text),
            back=back,
            more=self._wishes(contact.id, language, now),
        )
        return page(_("You are unsubscribed", language), body, language)

    def _wishes(self, contact_id: uuid.UUID, language: str, now: datetime) -> Html:
        return wishes_link(self._pages, contact_id, language, now)


def wishes_link(pages: Pages, contact_id: uuid.UUID, language: str, now: datetime) -> Html:
    """Return the way to a contact's preferences."""
    return html(
        '<p class="hint"><a href="{url}">{text}</a></p>',
        url=pages.preferences(contact_id, now).removeprefix(pages.public_url),
        text=_("Choose what you get, when and where", language),
    )


async def _whose(session: AsyncSession, proof: Proof) -> tuple[Contact, Address | None]:
    contact = await contacts.contact(session, proof.subject)
    if contact is None:
        raise NotFound("There is no such contact.", code=TOKEN_INVALID)
    return contact, await consent_queries.email_of(session, contact.id)
