"""Messages outside the flow: a scenario's last message again, its summary, its paid content."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.content.document import Message, Scenario
from dripline.content.store import ContentStore, Library
from dripline.database import dump_json, load_json
from dripline.deliveries import queue
from dripline.deliveries.models import PROMPTED
from dripline.deliveries.protocols import Claimed, Ready, Result, Source
from dripline.ids import new_id
from dripline.scenarios import queries
from dripline.scenarios.render import Renderer
from dripline.scenarios.state import EnrollmentState

ORIGIN = "direct"
SUMMARY = "summary"
PAID = "paid_content"
_REASONS = {SUMMARY: "summary", PAID: "paid"}


async def send_again(
    session: AsyncSession, scenario: Scenario, state: EnrollmentState, now: datetime
) -> bool:
    """Queue an enrollment's last message once more; False when none was sent or it is gone."""
    if state.last_message_id is None or scenario.index_of(state.last_message_id) is None:
        return False
    await _queue(session, state, state.last_message_id, now)
    return True


async def send_summary(
    session: AsyncSession, scenario: Scenario, state: EnrollmentState, now: datetime
) -> bool:
    """Queue a scenario's summary; False when it has none."""
    if scenario.summary is None:
        return False
    await _queue(session, state, SUMMARY, now)
    return True


async def send_paid(
    session: AsyncSession, scenario: Scenario, state: EnrollmentState, now: datetime
) -> bool:
    """Queue what a scenario gives to those who have paid; False when that is nothing."""
    if scenario.paid is None:
        return False
    await _queue(session, state, PAID, now)
    return True


async def _queue(
    session: AsyncSession, state: EnrollmentState, message_id: str, now: datetime
) -> None:
    state.resends += 1
    await queries.save(session, [state])
    key = queue.Key(state.pace_key, PROMPTED, to_us(now), new_id())
    detail = dump_json({"message": message_id, "resend": state.resends})
    entry = queue.Entry(key, ORIGIN, state.id, detail=detail)
    await queue.push(session, [entry], now_us=to_us(now))


class DirectOrigin:
    """Sends what was queued here; nothing follows from it."""

    def __init__(self, store: ContentStore, renderer: Renderer) -> None:
        self._store = store
        self._renderer = renderer

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Return the messages for contacts who can be reached."""
        library = await self._store.current(session)
        people = await queries.people(session, {row.ref for row in claimed})
        ready: list[tuple[queries.Person, Message, Claimed, Source]] = []
        for row in claimed:
            person = people.get(row.ref)
            if person is None or person.reachability != "reachable":
                continue
            detail = load_json(row.detail or "{}")
            message = _message(library, person.state.scenario_id, detail["message"])
            if message is not None:
                source = Source(
                    person.state.id,
                    person.state.run,
                    person.state.scenario_id,
                    detail["message"],
                    detail["resend"],
                )
                ready.append((person, message, row, source))
        renders = await self._renderer.calls(
            session, library, [(person, message) for person, message, _row, _source in ready]
        )
        return [
            Ready(
                row,
                person.state.contact_id,
                person.address,
                render,
                source,
                {"reason": _REASONS.get(source.message_id, "asked_again")},
            )
            for (person, _message, row, source), render in zip(ready, renders, strict=True)
        ]

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Nothing follows: the flow goes its own way."""


def _message(library: Library, scenario_id: str, message_id: str) -> Message | None:
    scenario = library.scenario(scenario_id)
    if scenario is None:
        return None
    if message_id == SUMMARY:
        return scenario.summary
    if message_id == PAID:
        return scenario.paid
    index = scenario.index_of(message_id)
    return None if index is None else scenario.messages[index]
