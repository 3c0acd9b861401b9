"""Make a broadcast's message for a batch of people: a query a room, none for a plain text."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.broadcasts.pinned import Pinned
from dripline.contacts import queries as contacts
from dripline.contacts.context import OWN_VARIABLES, user_scope
from dripline.contacts.models import Contact
from dripline.content.rendered import Rendered
from dripline.deliveries.protocols import RenderCall

EMAIL = "email"

# Fills variables of the `user` scope: contact ids in, values by contact out.
Filler = Callable[
    [AsyncSession, Iterable[uuid.UUID]], Awaitable[Mapping[uuid.UUID, Mapping[str, Any]]]
]


class Renderer:
    """Renders for people who need not be in any scenario."""

    def __init__(
        self, default_language: str, fillers: Mapping[frozenset[str], Filler] | None = None
    ) -> None:
        self._language = default_language
        self._fillers = dict(fillers or {})

    async def calls(
        self,
        session: AsyncSession,
        pinned: Pinned,
        people: Sequence[Contact],
        channels: Sequence[str] = (),
    ) -> list[RenderCall]:
        """Return a call for each of these people that renders the message for them.

        `channels` are where it goes to each, Telegram if nothing is said.
        """
        more = await self._more(session, pinned, [person.id for person in people])
        return [
            partial(self._render, pinned, one, more.get(one.id, {}), channel)
            for one, channel in zip_longest(people, channels)
        ]

    def _render(
        self, pinned: Pinned, person: Contact, more: Mapping[str, Any], channel: str | None
    ) -> Rendered:
        user = user_scope(
            username=person.username,
            first_name=person.first_name,
            last_name=person.last_name,
            language=person.language,
            state=person.state,
            registered_at=person.registered_at,
            created_at=person.created_at,
        )
        user.update(more)
        language = person.language or self._language
        context: dict[str, Mapping[str, Any]] = {"user": user, "context": {}}
        if channel == EMAIL:
            return pinned.message.as_email(context, language)
        return pinned.message.render(context, language)

    async def _more(
        self, session: AsyncSession, pinned: Pinned, ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, dict[str, Any]]:
        asked = {
            name
            for scope, _, name in (one.partition(".") for one in pinned.message.variables)
            if scope == "user" and name not in OWN_VARIABLES
        }
        if not asked or not ids:
            return {}
        found = {contact_id: dict(pinned.defaults) for contact_id in ids}
        for contact_id, values in (await contacts.attributes_of(session, ids)).items():
            found[contact_id].update(values)
        for names, fill in self._fillers.items():
            if names & asked:
                for contact_id, filled in (await fill(session, ids)).items():
                    found[contact_id].update(filled)
        return found
