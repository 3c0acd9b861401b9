"""Texts of the engine itself, such as "I do not know this link": an origin of its own."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts import queries as contacts
from dripline.content.rendered import Rendered
from dripline.database import dump_json, load_json
from dripline.deliveries import queue
from dripline.deliveries.models import PROMPTED
from dripline.deliveries.protocols import AddressRef, Claimed, Ready, Result, Source
from dripline.ids import new_id

ORIGIN = "system"


async def say(session: AsyncSession, address: AddressRef, text: str, now: datetime) -> None:
    """Queue a text (Telegram's HTML) to an address, before anything that is not prompted."""
    key = queue.Key(queue.pace_key(address.channel, address.bot), PROMPTED, to_us(now), new_id())
    entry = queue.Entry(key, ORIGIN, address.id, detail=dump_json({"text": text}))
    await queue.push(session, [entry], now_us=to_us(now))


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
            text = load_json(row.detail or "{}").get("text", "")
            ready.append(
                Ready(
                    row,
                    address.contact_id,
                    ref,
                    partial(Rendered, text),
                    Source(row.id, 1, None, "system"),
                    {"reason": "system"},
                )
            )
        return ready

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Nothing follows from a system text."""
