"""What this room itself sends: menus, gifts, warnings. An origin of its own.

A row names a message of the rules; it is rendered when it is sent, with what is true then.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts import queries as contacts
from dripline.contacts.context import OWN_VARIABLES, user_scope
from dripline.contacts.models import REACHABLE, Address, Contact
from dripline.content.document import Message
from dripline.content.email.letter import as_letter
from dripline.content.rendered import Rendered
from dripline.content.store import ContentStore, Library
from dripline.content.telegram_html import escape
from dripline.database import dump_json, load_json
from dripline.deliveries import queue
from dripline.deliveries.models import PROMPTED
from dripline.deliveries.protocols import AddressRef, Claimed, Ready, Result, Source
from dripline.ids import new_id
from dripline.lifecycle import queries
from dripline.lifecycle.document import rules_of
from dripline.lifecycle.rules import Rules

ORIGIN: Final = "lifecycle"
TELEGRAM: Final = "telegram"
EMAIL: Final = "email"
_BEFORE: Final = timedelta(milliseconds=1)  # ahead of what a program sends at the same moment
Filler = Callable[
    [AsyncSession, Iterable[uuid.UUID]], Awaitable[Mapping[uuid.UUID, Mapping[str, Any]]]
]


async def address_of(session: AsyncSession, contact_id: uuid.UUID) -> Address | None:
    """Return the chat a contact is told things in: the first that can be reached, or None."""
    for address in await contacts.addresses_of(session, contact_id):
        if address.channel == TELEGRAM and address.reachability == REACHABLE:
            return address
    return None


async def send(
    session: AsyncSession, address: Address, message_id: str, now: datetime, text: str = ""
) -> None:
    """Queue a message of the rules to an address; a plain `text` takes the place of its own."""
    key = queue.Key(
        queue.pace_key(address.channel, address.bot), PROMPTED, to_us(now - _BEFORE), new_id()
    )
    detail = {"message": message_id, "text": escape(text)} if text else {"message": message_id}
    entry = queue.Entry(key, ORIGIN, address.id, detail=dump_json(detail))
    await queue.push(session, [entry], now_us=to_us(now))


def message_of(rules: Rules, message_id: str) -> Message | None:
    """Return a message of the rules by the id it is queued under, or None."""
    return rules.messages.get(message_id) or next(
        (menu for menu in rules.menus.values() if menu.id == message_id), None
    )


class LifecycleOrigin:
    """Sends what was queued here; nothing follows from it."""

    def __init__(
        self,
        store: ContentStore,
        default_language: str,
        fillers: Mapping[frozenset[str], Filler] | None = None,
    ) -> None:
        self._store = store
        self._default_language = default_language
        self._fillers = dict(fillers or {})

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Return the messages for addresses that can be reached."""
        library = await self._store.current(session)
        rules = rules_of(library)
        people = await queries.addresses(session, {row.ref for row in claimed})
        wanted: list[tuple[Claimed, Address, Contact, Message, str]] = []
        for row in claimed:
            if row.ref not in people:
                continue
            address, contact = people[row.ref]
            detail = load_json(row.detail or "{}")
            message = message_of(rules, detail.get("message", ""))
            if message is not None and address.reachability == REACHABLE:
                wanted.append((row, address, contact, message, detail.get("text", "")))
        more = await self._more(session, library, [(one[2].id, one[3]) for one in wanted])
        return [
            self._ready(row, address, contact, message, text, more.get(contact.id, {}), rules)
            for row, address, contact, message, text in wanted
        ]

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Nothing follows."""

    def _ready(
        self,
        row: Claimed,
        address: Address,
        contact: Contact,
        message: Message,
        text: str,
        more: Mapping[str, Any],
        rules: Rules,
    ) -> Ready:
        user = user_scope(
            username=contact.username,
            first_name=contact.first_name,
            last_name=contact.last_name,
            language=contact.language,
            state=contact.state,
            registered_at=contact.registered_at,
            created_at=contact.created_at,
        )
        language = contact.language or self._default_language
        return Ready(
            row,
            contact.id,
            AddressRef(
                address.id,
                contact.id,
                address.channel,
                address.bot,
                address.value,
                address.next_send_at,
            ),
            partial(
                _render,
                message,
                {"user": {**user, **more}},
                language,
                text,
                address.channel,
                reply=rules.reply_menus and message.id not in rules.messages,
            ),
            Source(row.id, 1, None, message.id[:64]),
            {"reason": ORIGIN},
        )

    async def _more(
        self,
        session: AsyncSession,
        library: Library,
        wanted: Sequence[tuple[uuid.UUID, Message]],
    ) -> dict[uuid.UUID, dict[str, Any]]:
        """Return what these messages ask for beyond the contact's own row."""
        asked: dict[str, set[uuid.UUID]] = {}
        for contact_id, message in wanted:
            for variable in message.variables:
                scope, _, name = variable.partition(".")
                if scope == "user" and name not in OWN_VARIABLES:
                    asked.setdefault(name, set()).add(contact_id)
        everyone = set().union(*asked.values())
        if not everyone:
            return {}
        found = {contact_id: dict(library.attribute_defaults) for contact_id in everyone}
        for contact_id, values in (await contacts.attributes_of(session, everyone)).items():
            found[contact_id].update(values)
        for names, fill in self._fillers.items():
            people = set().union(*(asked[name] for name in names if name in asked))
            for contact_id, filled in (await fill(session, people)).items() if people else ():
                found[contact_id].update(filled)
        return found


def _render(
    message: Message,
    context: Mapping[str, Mapping[str, Any]],
    language: str,
    text: str,
    channel: str,
    *,
    reply: bool = False,
) -> Rendered:
    if channel == EMAIL and not text:
        return message.as_email(context, language)
    rendered = message.render(context, language)
    if channel == EMAIL:
        return as_letter(replace(rendered, text=text), language)
    return replace(rendered, text=text or rendered.text, reply=reply)
