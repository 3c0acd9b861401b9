"""Make render calls for a batch: every room fills its variables with one query a batch."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.context import OWN_VARIABLES, user_scope
from dripline.content.document import Message
from dripline.content.rendered import Rendered
from dripline.content.store import Library
from dripline.deliveries.protocols import RenderCall
from dripline.scenarios import access_queries
from dripline.scenarios.rows import Person

# Fills variables of the `user` scope: contact ids in, values by contact out.
Filler = Callable[
    [AsyncSession, Iterable[uuid.UUID]], Awaitable[Mapping[uuid.UUID, Mapping[str, Any]]]
]

EMAIL = "email"
_OF_ACCESS = frozenset(
    {"user.payment_date", "user.payment_link", "user.invite_link", "user.joined_date"}
)


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
        access = await _access(session, wanted)
        return [
            partial(
                self._render,
                person,
                message,
                _joined(more.get(person.state.contact_id), access.get(n)),
            )
            for n, (person, message) in enumerate(wanted)
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
        language = person.language or self._default_language
        if person.address.channel == EMAIL:
            return message.as_email(context, language)
        return message.render(context, language)

    async def _more(
        self, session: AsyncSession, library: Library, wanted: Sequence[tuple[Person, Message]]
    ) -> dict[uuid.UUID, dict[str, Any]]:
        """Return what the contact's own row does not hold, for those whose message asks for it."""
        asking: dict[str, set[uuid.UUID]] = {}
        for person, message in wanted:
            for name in _of_others(message.variables):
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


@lru_cache(maxsize=1024)
def _of_others(variables: frozenset[str]) -> tuple[str, ...]:
    """Return those names under `user` that the contact's own row does not hold."""
    own = {f"user.{name}" for name in OWN_VARIABLES}
    return tuple(
        variable.removeprefix("user.")
        for variable in sorted(variables - own)
        if variable.startswith("user.")
    )


async def _access(
    session: AsyncSession, wanted: Sequence[tuple[Person, Message]]
) -> dict[int, dict[str, Any]]:
    """Return what people have of their scenario's product, where a message asks for it."""
    asking = [
        n for n, (_, message) in enumerate(wanted) if not message.variables.isdisjoint(_OF_ACCESS)
    ]
    if not asking:
        return {}
    contact_ids = {wanted[n][0].state.contact_id for n in asking}
    rows = await access_queries.of_contacts(session, contact_ids)
    known = {(row.contact_id, row.scenario_id): row for row in rows}
    found = {}
    for n in asking:
        state = wanted[n][0].state
        row = known.get((state.contact_id, state.scenario_id))
        if row is not None:
            values = {
                "payment_date": f"{row.paid_at:%Y-%m-%d}" if row.paid_at else "",
                "payment_link": row.payment_link or "",
                "invite_link": row.invite_link or "",
                "joined_date": f"{row.joined_at:%Y-%m-%d}" if row.joined_at else "",
            }
            found[n] = {name: value for name, value in values.items() if value}
    return found


def _joined(
    more: Mapping[str, Any] | None, access: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    return {**(more or {}), **access} if access else more
