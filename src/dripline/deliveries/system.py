"""What the engine itself says, such as "I do not know this link": an origin of its own."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts import queries as contacts
from dripline.content.email.letter import as_letter
from dripline.content.rendered import Button, Media, Rendered
from dripline.database import dump_json, load_json
from dripline.deliveries import queue
from dripline.deliveries.models import PROMPTED
from dripline.deliveries.protocols import AddressRef, Claimed, Ready, Result, Source
from dripline.ids import new_id

ORIGIN = "system"


async def say(session: AsyncSession, address: AddressRef, text: str, now: datetime) -> None:
    """Queue a text (Telegram's HTML) to an address, before anything that is not prompted."""
    await show(session, address, Rendered(text), now)


async def show(
    session: AsyncSession, address: AddressRef, message: Rendered, now: datetime
) -> queue.Key:
    """Queue a whole message, likewise; return its key, by which it can be taken back."""
    key = queue.Key(queue.pace_key(address.channel, address.bot), PROMPTED, to_us(now), new_id())
    entry = queue.Entry(key, ORIGIN, address.id, detail=dump_json(_packed(message)))
    await queue.push(session, [entry], now_us=to_us(now))
    return key


class SystemOrigin:
    """Sends what `say` queued."""

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Return the texts for addresses that can be reached."""
        ready = []
        for row in claimed:
            address = await contacts.address(session, row.ref)
            if address is None or address.reachability != "reachable":
                continue
            ref = AddressRef(
                address.id,
                address.contact_id,
                address.channel,
                address.bot,
                address.value,
                address.next_send_at,
            )
            message = _unpacked(load_json(row.detail or "{}"))
            make = as_letter if address.channel == "email" else _as_it_is
            ready.append(
                Ready(
                    row,
                    address.contact_id,
                    ref,
                    partial(make, message),
                    Source(row.id, 1, None, "system"),
                    {"reason": "system"},
                )
            )
        return ready

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Nothing follows from a system text."""


def _packed(message: Rendered) -> dict[str, Any]:
    """Return a message as a queue row keeps it; what it has not is left out."""
    packed: dict[str, Any] = {"text": message.text}
    if message.media:
        packed["media"] = [[one.sha256, one.kind, one.filename] for one in message.media]
    if message.keyboard:
        packed["keyboard"] = [[[b.kind, b.text, b.value] for b in row] for row in message.keyboard]
    return packed


def _unpacked(packed: dict[str, Any]) -> Rendered:
    return Rendered(
        packed.get("text", ""),
        tuple(Media(*one) for one in packed.get("media", ())),
        tuple(tuple(Button(*one) for one in row) for row in packed.get("keyboard", ())),
    )


def _as_it_is(message: Rendered) -> Rendered:
    return message
