"""Messages outside the flow: a scenario's last message again, its summary, its paid content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.content.document import Message, Scenario
from dripline.content.store import ContentStore, Library
from dripline.database import dump_json, load_json
from dripline.deliveries import late, queue
from dripline.deliveries.choice import BOTH, Choice, Way, choose
from dripline.deliveries.models import NORMAL, PROMPTED
from dripline.deliveries.protocols import Claimed, Ready, RenderCall, Result, Source
from dripline.deliveries.routing import Kind, Reach, Route, Routing, on_another_channel, trail_of
from dripline.deliveries.windows import NO_HABITS
from dripline.errors import MESSAGE_NOT_FOUND, NotFound
from dripline.events import Happened
from dripline.ids import new_id
from dripline.scenarios import queries, variants
from dripline.scenarios.render import Renderer
from dripline.scenarios.rows import Person
from dripline.scenarios.state import ORIGIN as ENROLLMENT
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


async def send_message(
    session: AsyncSession,
    scenario: Scenario,
    state: EnrollmentState,
    message_id: str,
    now: datetime,
) -> None:
    """Queue one message of an enrollment once more. Raises NotFound (MESSAGE_NOT_FOUND)."""
    if scenario.index_of(message_id) is None:
        raise NotFound(f"{scenario.id} has no message {message_id}.", code=MESSAGE_NOT_FOUND)
    await _queue(session, state, message_id, now)


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
    home = await queries.address_ref(session, state.address_id)
    pace_key = queue.pace_key(home.channel, home.bot) if home else state.pace_key
    key = queue.Key(pace_key, PROMPTED, to_us(now), new_id())
    detail = dump_json({"message": message_id, "resend": state.resends})
    entry = queue.Entry(key, ORIGIN, state.id, detail=detail)
    await queue.push(session, [entry], now_us=to_us(now))


def copy_beside(state: EnrollmentState, result: Result, now: datetime) -> queue.Entry | None:
    """Return the second copy of a message that goes out on both channels, to be queued."""
    ready = result.ready
    way = ready.next_way
    if way is None or ready.choice is None or not ready.choice.both:
        return None
    key = queue.Key(
        queue.pace_key(way.channel, way.bot), ready.claimed.priority, to_us(now), new_id()
    )
    detail = {
        "message": ready.source.message_id,
        "to": way.channel,
        "beside": result.delivery_id.hex,
        "why": BOTH,
    }
    return queue.Entry(key, ORIGIN, state.id, detail=dump_json(detail))


async def send_after_bounce(session: AsyncSession, event: Happened, now: datetime) -> bool:
    """Queue a message whose email came back for another channel; False when nothing is owed."""
    lost = await late.owed(session, event, (ENROLLMENT, ORIGIN))
    if lost is None:
        return False
    state = (await queries.states(session, [lost.origin_id])).get(lost.origin_id)
    if state is None:
        return False
    address = await late.other_way(session, lost, state.address_id)
    if address is None or not await late.falls_back(session, lost, address, now):
        return False
    key = queue.Key(queue.pace_key(address.channel, address.bot), NORMAL, to_us(now), new_id())
    detail = {"message": lost.message_id, "resend": lost.resend, **late.copied(lost, address)}
    entry = queue.Entry(key, ORIGIN, state.id, detail=dump_json(detail))
    await queue.push(session, [entry], now_us=to_us(now))
    return True


class DirectOrigin:
    """Sends what was queued here; nothing follows from it."""

    def __init__(
        self, store: ContentStore, renderer: Renderer, routing: Routing | None = None
    ) -> None:
        self._store = store
        self._renderer = renderer
        self._routing = routing or Routing()

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Return the messages for contacts who can be reached."""
        library = await self._store.current(session)
        people = await queries.people(session, {row.ref for row in claimed})
        reaches = await self._routing.reaches(session, {p.contact_id for p in people.values()})
        found: list[_Found] = []
        elsewhere: list[queue.Entry] = []
        for row in claimed:
            person = people.get(row.ref)
            if person is None:
                continue
            detail = load_json(row.detail or "{}")
            message = _message(library, person.state.scenario_id, detail["message"])
            choice = _choice(row, person, reaches.get(person.contact_id), detail)
            if message is None or not choice.ways:
                continue
            address = choice.ways[0]
            key = queue.pace_key(address.channel, address.bot)
            if key == row.pace_key:
                found.append(_Found(row, person._replace(address=address), message, choice, detail))
            else:
                elsewhere.append(on_another_channel(row, key, attempt=row.attempt))
        await queue.push(session, elsewhere, now_us=to_us(now))
        found = await _as_shown(session, library, found)
        renders = await self._renderer.calls(
            session, library, [(one.person, one.message) for one in found]
        )
        return [one.ready(render) for one, render in zip(found, renders, strict=True)]

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Nothing follows: the flow goes its own way."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A message that can go out now."""

    row: Claimed
    person: Person
    message: Message
    choice: Choice
    detail: Mapping[str, Any]
    variant: tuple[str, str] | None = None

    def ready(self, render: RenderCall) -> Ready:
        """Return it as the engine sends it."""
        state, trail = self.person.state, trail_of(self.row)
        why = {"reason": _reason(self.detail), **trail.told}
        if "beside" in self.detail:
            why["beside"] = self.detail["beside"]
        if self.variant is not None:
            why["experiment"], why["variant"] = self.variant
        return Ready(
            self.row,
            state.contact_id,
            self.person.address,
            render,
            Source(
                state.id,
                state.run,
                state.scenario_id,
                self.detail["message"],
                self.detail.get("resend", 0),
            ),
            why,
            NO_HABITS,
            self.choice,
            trail,
            counts="beside" not in self.detail,
        )


async def _as_shown(session: AsyncSession, library: Library, found: list[_Found]) -> list[_Found]:
    """Let a repeat, and a second copy, be what the contact was shown in an experiment."""
    asked = [(one.person.state.scenario_id, one.person.contact_id, one.message) for one in found]
    told = await variants.shown_again(session, library, asked)
    return [
        replace(one, message=message, variant=variant)
        for one, (message, variant) in zip(found, told, strict=True)
    ]


def _reason(detail: Mapping[str, Any]) -> str:
    if "beside" in detail:
        return str(detail.get("why", BOTH))
    return _REASONS.get(detail["message"], "asked_again")


def _choice(row: Claimed, person: Person, reach: Reach | None, detail: Mapping[str, Any]) -> Choice:
    """Return where it goes: a copy to its channel, what was paid for wherever it arrives.

    All else answers the contact, where they asked.
    """
    home = Way(person.address, person.reachability)
    if reach is None:
        return choose([home])
    kind: Kind = "service" if detail["message"] == PAID else "sequences"
    route = Route(reach, home, kind, trail_of(row))
    if "to" in detail:
        return route.choose(detail["message"], detail["to"], (detail["to"],))
    if detail["message"] == PAID:
        return route.choose(PAID)
    return choose([home])


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
