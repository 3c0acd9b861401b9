"""Make render calls for a batch: every room fills its variables with one query a batch."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.context import OWN_VARIABLES, user_scope
from dripline.content.document import Message
from dripline.content.rendered import Rendered
from dripline.content.store import Library
from dripline.deliveries.protocols import RenderCall
from dripline.scenarios.queries import Person

# Fills variables of the `user` scope: contact ids in, values by contact out.
Filler = Callable[
    [AsyncSession, Iterable[uuid.UUID]], Awaitable[Mapping[uuid.UUID, Mapping[str, Any]]]
]


class Renderer:
    """Knows who fills which variables. `fillers` maps variable names of `user` to their room."""

    def __init__(
        self, default_language: str, fillers: Mapping[frozenset[str], Filler] | None = None
    ) -> None:
        self._default_language = default_language
        self._fillers = dict(fillers or {})

    async def calls(
        self, session: AsyncSession, library: Library, wanted: Sequence[tuple[Person, Message]]
    ) -> list[RenderCall]:
        """Return a call for each pair that renders the message for that person."""
        more = await self._more(session, library, wanted)
        return [
            partial(self._render, person, message, more.get(person.state.contact_id))
            for person, message in wanted
        ]

    def _render(self, person: Person, message: Message, more: Mapping[str, Any] | None) -> Rendered:
        user = user_scope(
            username=person.username,
            first_name=person.first_name,
            last_name=person.last_name,
            language=person.language,
            state=person.contact_state,
            registered_at=person.registered_at,
            created_at=person.created_at,
        )
        if more:
            user.update(more)
        user["program_day"] = person.state.position
        context = {"user": user, "context": person.state.context or {}}
        return message.render(context, person.language or self._default_language)

    async def _more(
        self, session: AsyncSession, library: Library, wanted: Sequence[tuple[Person, Message]]
    ) -> dict[uuid.UUID, dict[str, Any]]:
        """Return what the contact's own row does not hold, for those whose message asks for it."""
        asking: dict[str, set[uuid.UUID]] = {}
        for person, message in wanted:
            for variable in message.variables:
                scope, _, name = variable.partition(".")
                if scope == "user" and name not in OWN_VARIABLES:
                    asking.setdefault(name, set()).add(person.state.contact_id)
        if not asking:
            return {}
        found: dict[uuid.UUID, dict[str, Any]] = {}
        everyone = set().union(*asking.values())
        for contact_id in everyone:
            found[contact_id] = dict(library.attribute_defaults)
        for contact_id, values in (await contacts.attributes_of(session, everyone)).items():
            found[contact_id].update(values)
        for names, fill in self._fillers.items():
            people = set().union(*(asking[name] for name in names if name in asking))
            if people:
                for contact_id, filled in (await fill(session, people)).items():
                    found[contact_id].update(filled)
        return found
