"""`/v/…`: the owner of a mailbox says that it is theirs."""

import uuid

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.pages.base import ContactPages
from dripline.api.pages.html import html, page
from dripline.api.pages.kind import card, dead_end
from dripline.api.pages.leave import wishes_link
from dripline.api.pages.visitor import evidence, language_of
from dripline.contacts import consent_queries, email
from dripline.contacts import queries as contacts
from dripline.contacts.models import REACHABLE, Contact, Verification
from dripline.contacts.tokens import TOKEN_INVALID, Purpose
from dripline.errors import DriplineError, NotFound
from dripline.texts import gettext as _


class Verifying(ContactPages):
    """Takes the answer to the letter that asked."""

    def router(self) -> APIRouter:
        """Return the routes of verification; they are no part of the API."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/v/{token}", self.ask, methods=["GET"])
        routes.add_api_route("/v/{token}", self.confirm, methods=["POST"])
        return routes

    async def ask(self, token: str, request: Request) -> HTMLResponse:
        """Show a button: a scanner that follows the link confirms nothing."""
        now = self._clock.now()
        try:
            proof = self._pages.tokens.read(Purpose.VERIFY, token, now)
            async with self._database.reading() as session:
                asked, contact = await _asked(session, proof.subject)
                if await _is_confirmed(session, asked):
                    return self._confirmed(request, contact, asked)
                if asked.used_at is not None or asked.expires_at <= now:
                    raise email.gone()
        except DriplineError as error:
            return dead_end(request, error, self._default)
        language = language_of(request, contact.language, self._default)
        body = html(
            '<section class="card"><p>{question}</p><form method="post" action="/v/{token}">'
            "<button>{yes}</button></form></section>",
            question=_("Is {address} your address?", language, address=asked.value),
            token=token,
            yes=_("Yes, this is my address", language),
        )
        return page(_("Confirm your email address", language), body, language)

    async def confirm(self, token: str, request: Request) -> HTMLResponse:
        """Confirm, once."""
        now = self._clock.now()
        try:
            proof = self._pages.tokens.read(Purpose.VERIFY, token, now)
            async with self._database.transaction() as session:
                asked, contact = await _asked(session, proof.subject)
                if not await _is_confirmed(session, asked):
                    language = language_of(request, contact.language, self._default)
                    said = evidence(request, "link", _("Yes, this is my address", language))
                    await email.confirm(session, asked.id, said, now)
        except DriplineError as error:
            return dead_end(request, error, self._default)
        return self._confirmed(request, contact, asked)

    def _confirmed(self, request: Request, contact: Contact, asked: Verification) -> HTMLResponse:
        language = language_of(request, contact.language, self._default)
        text = _("Thank you! Our emails come to {address} from now on.", language,
                 address=asked.value)  # fmt: skip
        wishes = wishes_link(self._pages, contact.id, language, self._clock.now())
        body = html("{card}{wishes}", card=card(text), wishes=wishes)
        return page(_("Your address is confirmed", language), body, language)


async def _asked(session: AsyncSession, asked_id: uuid.UUID) -> tuple[Verification, Contact]:
    asked = await consent_queries.verification(session, asked_id)
    contact = await contacts.contact(session, asked.contact_id) if asked else None
    if asked is None or contact is None:
        raise NotFound("There is no such verification.", code=TOKEN_INVALID)
    return asked, contact


async def _is_confirmed(session: AsyncSession, asked: Verification) -> bool:
    """Whether the answer was given before: people tap twice."""
    if asked.used_at is None:
        return False
    mine = await consent_queries.emails_of(session, asked.contact_id)
    return any(one.value == asked.value and one.reachability == REACHABLE for one in mine)
