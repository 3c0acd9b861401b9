"""`/p/…`: what a contact gets, where and when; shown, and changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.pages import preferences_form as form
from dripline.api.pages.base import ContactPages
from dripline.api.pages.html import NOTHING, Html, html, joined, page
from dripline.api.pages.kind import dead_end
from dripline.api.pages.preferences_form import Standing
from dripline.api.pages.visitor import evidence, form_of, language_of
from dripline.contacts import consent, consent_queries, email
from dripline.contacts import queries as contacts
from dripline.contacts.consent import Difference
from dripline.contacts.models import REACHABLE
from dripline.contacts.tokens import TOKEN_INVALID, Proof, Purpose
from dripline.contacts.wishes import checked
from dripline.errors import DriplineError, Invalid, NotFound
from dripline.texts import gettext as _


class PreferencePages(ContactPages):
    """Shows a contact their wishes, and stores what they change."""

    def router(self) -> APIRouter:
        """Return the routes of the page; they are no part of the API."""
        routes = APIRouter(include_in_schema=False)
        routes.add_api_route("/p/{token}", self.show, methods=["GET"])
        routes.add_api_route("/p/{token}", self.save, methods=["POST"])
        return routes

    async def show(self, token: str, request: Request) -> HTMLResponse:
        """Show what is stored."""
        try:
            proof = self._pages.tokens.read(Purpose.PREFERENCES, token, self._clock.now())
            async with self._database.reading() as session:
                standing = await _standing(session, proof)
        except DriplineError as error:
            return dead_end(request, error, self._default)
        return self._page(request, token, standing)

    async def save(self, token: str, request: Request) -> HTMLResponse:
        """Store what is different, and show what that was."""
        now = self._clock.now()
        fields = await form_of(request)
        try:
            proof = self._pages.tokens.read(Purpose.PREFERENCES, token, now)
        except DriplineError as error:
            return dead_end(request, error, self._default)
        try:
            async with self._database.transaction() as session:
                standing = await _standing(session, proof)
                done = await self._act(session, request, standing, fields, now)
                await session.flush()
                after = await _standing(session, proof)
        except Invalid as error:
            async with self._database.reading() as session:
                return self._page(
                    request, token, await _standing(session, proof), wrong=error.message
                )
        except DriplineError as error:
            return dead_end(request, error, self._default)
        language = language_of(request, after.contact.language, self._default)
        return self._page(request, token, after, notice=form.saved(done, language))

    async def _act(
        self,
        session: AsyncSession,
        request: Request,
        standing: Standing,
        fields: Mapping[str, list[str]],
        now: datetime,
    ) -> Sequence[Difference]:
        language = language_of(request, standing.contact.language, self._default)
        contact_id = standing.contact.id
        match (fields.get("action") or ["save"])[0]:
            case "leave":
                said = evidence(request, "page", _("Stop all emails", language))
                await email.leave(session, contact_id, said, now)
                return []
            case "back":
                said = evidence(request, "page", _("Get emails again", language))
                await email.come_back(session, contact_id, said, now)
                return []
            case "save" if fields:
                said = evidence(request, "page", form.wording(language))
                wishes = checked(form.read(fields, standing.contact.language))
                return await consent.change(session, contact_id, wishes, said, now)
            case _:
                raise Invalid(_("Nothing was saved: the form came incomplete. Try once more.",
                                language))  # fmt: skip

    def _page(
        self,
        request: Request,
        token: str,
        standing: Standing,
        *,
        notice: Html = NOTHING,
        wrong: str | None = None,
    ) -> HTMLResponse:
        language = language_of(request, standing.contact.language, self._default)
        told = notice
        if wrong is not None:
            told = html('<div class="notice bad" role="alert">{text}</div>',
                        text=_(wrong, language))  # fmt: skip
        body = joined([told, form.email_box(standing, token, language),
                       form.whole(standing, token, language)])  # fmt: skip
        status = 422 if wrong is not None else 200
        return page(_("What you get from us", language), body, language, status)


async def _standing(session: AsyncSession, proof: Proof) -> Standing:
    contact = await contacts.contact(session, proof.subject)
    if contact is None:
        raise NotFound("There is no such contact.", code=TOKEN_INVALID)
    wants = await consent.preferences(session, contact.id)
    address = await consent_queries.email_of(session, contact.id)
    mine = await contacts.addresses_of(session, contact.id)
    channels = {one.channel for one in mine if one.channel != "email"}
    if address is not None and address.reachability == REACHABLE:
        channels.add("email")
    values: dict[str, Any] = {
        "sequences": wants.sequences,
        "announcements": wants.announcements,
        "preferred_channel": wants.preferred_channel,
        "preferred_time": wants.preferred_time,
        "quiet_from": wants.quiet_from,
        "quiet_to": wants.quiet_to,
        "weekdays": wants.weekdays,
        "timezone": contact.timezone,
    }
    return Standing(contact, values, address, frozenset(channels))
