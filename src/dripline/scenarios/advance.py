"""The enrollment origin: decide about a claimed batch, and go on when its messages have ended.

`prepare` runs in the claim's transaction, `settled` in the settle's. What is decided stands in
`decide.py`; here facts are gathered and consequences written, each with one statement a batch.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.clock import to_us
from dripline.content.document import Scenario
from dripline.content.store import ContentStore, Library
from dripline.deliveries import queries as deliveries
from dripline.deliveries import queue
from dripline.deliveries.decisions import decision
from dripline.deliveries.models import NORMAL, PROMPTED, Decision
from dripline.deliveries.protocols import Claimed, Ready, RenderCall, Result, Source
from dripline.deliveries.routing import Routing, on_another_channel, trail_of
from dripline.events import NewEvent, append_many
from dripline.scenarios import queries, variants
from dripline.scenarios.decide import (
    AwaitAction,
    Complete,
    Drop,
    Finished,
    Park,
    Send,
    Skipped,
    Verdict,
    Wait,
    after_message,
    decide,
)
from dripline.scenarios.direct import copy_beside
from dripline.scenarios.enroll import complete
from dripline.scenarios.facts import gather
from dripline.scenarios.render import Renderer
from dripline.scenarios.rows import Person
from dripline.scenarios.state import (
    HOLD_ACTION,
    HOLD_UNREACHABLE,
    EnrollmentState,
)
from dripline.scenarios.variants import Decided

# A message in flight lands within seconds, or its worker is dead and its lease ends: until then
# there is little use in looking.
_LANDING = timedelta(seconds=10)
_NO_CONDITIONS: Mapping[str, bool] = {}


class Changes:
    """What a batch writes: saved in one go at its end."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.states: list[EnrollmentState] = []
        self.entries: list[queue.Entry] = []
        self.decisions: list[Decision] = []
        self.events: list[tuple[uuid.UUID, NewEvent]] = []

    def note(
        self,
        state: EnrollmentState,
        kind: str,
        reason: str,
        message_id: str | None = None,
        until: datetime | None = None,
    ) -> None:
        """Note a decision about an enrollment."""
        self.decisions.append(
            decision(
                contact_id=state.contact_id,
                origin_id=state.id,
                scenario_id=state.scenario_id,
                message_id=message_id,
                kind=kind,
                reason=reason,
                now=self.now,
                until=until,
            )
        )

    def skipped(self, state: EnrollmentState, skipped: Iterable[Skipped]) -> None:
        """Note what was passed over."""
        for item in skipped:
            self.note(state, "skip", item.reason, item.message_id)

    def completed(self, state: EnrollmentState, reason: str) -> None:
        """Complete an enrollment."""
        complete(state, self.now)
        self.states.append(state)
        self.note(state, "completed", reason, state.last_message_id)
        event = NewEvent(
            "scenario.completed",
            state.contact_id,
            "scenarios",
            f"{state.id.hex}:{state.turn}:scenario.completed",
            self.now,
            {"scenario_id": state.scenario_id, "run": state.run, "reason": reason},
        )
        self.events.append((state.id, event))

    async def write(self, session: AsyncSession) -> None:
        """Write everything."""
        await queries.save(session, self.states)
        await self._write_consequences(session)

    async def write_unchanged(self, session: AsyncSession) -> set[uuid.UUID]:
        """Write everything but what concerns enrollments that were changed since they were read.

        Returns the ids of the latter.
        """
        changed = await queries.save_unchanged(session, self.states)
        if changed:
            self.entries = [entry for entry in self.entries if entry.ref not in changed]
            self.decisions = [row for row in self.decisions if row.origin_id not in changed]
            self.events = [(ref, event) for ref, event in self.events if ref not in changed]
        await self._write_consequences(session)
        return changed

    async def _write_consequences(self, session: AsyncSession) -> None:
        await queue.push(session, self.entries, now_us=to_us(self.now))
        if self.decisions:
            for kind, number in Counter(row.kind for row in self.decisions).items():
                metrics.DECISIONS.labels(kind).inc(number)
            await deliveries.insert_decisions(session, self.decisions)
        if self.events:
            metrics.ENROLLMENTS.labels("completed").inc(len(self.events))
            await append_many(session, [event for _ref, event in self.events])


class EnrollmentOrigin:
    """Decides about enrollments' next steps."""

    def __init__(
        self, store: ContentStore, renderer: Renderer, routing: Routing | None = None
    ) -> None:
        self._store = store
        self._renderer = renderer
        self._routing = routing or Routing()

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Decide about claimed steps; return what is to be sent now."""
        library = await self._store.current(session)
        people = await queries.people(session, {row.ref for row in claimed})
        facts = await gather(session, self._routing, library, claimed, people, now)
        changes = Changes(now)
        decided: list[Decided] = []
        for row in claimed:
            person = people.get(row.ref)
            if person is None or person.state.turn != row.turn:
                continue  # a leftover of an earlier plan
            state = person.state
            known = facts[state.id]
            verdict = decide(state, library.scenario(state.scenario_id), known, now)
            decided.append(Decided(row, person, known, verdict))
        await variants.apply(session, library, decided, now)
        sending: list[tuple[Decided, Send]] = []
        for one in decided:
            if isinstance(one.verdict, Send):
                to_send = _on_its_way(changes, one.row, one.person, one.verdict)
                if to_send is not None:
                    one.person = to_send
                    sending.append((one, one.verdict))
            else:
                _apply(changes, one.row, one.person.state, one.verdict)
        await changes.write(session)
        metrics.DECISIONS.labels("send").inc(len(sending))
        renders = await self._renderer.calls(
            session, library, [(one.person, one.shown or send.message) for one, send in sending]
        )
        ready = [
            _ready(one, send, render) for (one, send), render in zip(sending, renders, strict=True)
        ]
        await self._routing.count(session, ready, now)
        return ready

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Go on with enrollments whose message has ended.

        Hardly ever has anybody changed one while its message was on its way. So we go on from what
        the decision knew, and read again only what turns out to be changed.
        """
        library = await self._store.current(session)
        changes, decided = Changes(now), _as_decided(results)
        for result, state in decided.values():
            _go_on(changes, state, library.scenario(state.scenario_id), result)
        changed = await changes.write_unchanged(session)
        if len(decided) == len(results) and not changed:
            return
        done = {result.delivery_id for ref, (result, _) in decided.items() if ref not in changed}
        left = [result for result in results if result.delivery_id not in done]
        await _go_on_anew(session, library, left, now)


def _as_decided(
    results: Sequence[Result],
) -> dict[uuid.UUID, tuple[Result, EnrollmentState]]:
    """Return results with the enrollment as it was when they were decided, one an enrollment.

    It is for one use: it changes as we go on, and should this transaction fail, the next attempt
    has to read it again.
    """
    decided: dict[uuid.UUID, tuple[Result, EnrollmentState]] = {}
    for result in results:
        state, result.ready.kept = result.ready.kept, None
        if state is not None and state.id not in decided:
            decided[state.id] = result, state
    return decided


async def _go_on_anew(
    session: AsyncSession, library: Library, results: Sequence[Result], now: datetime
) -> None:
    """Go on with enrollments as they stand now."""
    states = await queries.states(session, {r.ready.claimed.ref for r in results})
    changes = Changes(now)
    for result in results:
        state = states.get(result.ready.claimed.ref)
        if state is None:
            continue
        scenario = library.scenario(state.scenario_id)
        if state.turn != result.ready.claimed.turn:
            _note_leftover(changes, state, scenario, result)
        else:
            _go_on(changes, state, scenario, result)
    await changes.write(session)


def _on_its_way(changes: Changes, row: Claimed, person: Person, verdict: Send) -> Person | None:
    """Return the person at the chosen address; None when the row waits under another key first."""
    if verdict.choice is None or verdict.choice.ways[0].id == person.address.id:
        address = person.address
    else:
        address = verdict.choice.ways[0]
        person = person._replace(address=address)
    key = queue.pace_key(address.channel, address.bot)
    if key == row.pace_key or verdict.choice is None:
        return person
    person.state.pace_key = key
    changes.entries.append(on_another_channel(row, key, attempt=row.attempt))
    changes.states.append(person.state)
    return None


def _ready(decided: Decided, verdict: Send, render: RenderCall) -> Ready:
    person, state = decided.person, decided.person.state
    trail = trail_of(decided.row)
    why: dict[str, object] = {"reason": verdict.reason, **trail.told}
    if verdict.choice is not None:
        why["channel"] = verdict.choice.reason
    if verdict.skipped:
        why["skipped"] = [[item.message_id, item.reason] for item in verdict.skipped]
    if decided.variant is not None:
        why["experiment"], why["variant"] = decided.variant
    return Ready(
        decided.row,
        state.contact_id,
        person.address,
        render,
        Source(state.id, state.run, state.scenario_id, verdict.message.id),
        why,
        decided.facts.habits,
        verdict.choice,
        trail,
        kept=state,
    )


def _apply(changes: Changes, row: Claimed, state: EnrollmentState, verdict: Verdict) -> None:
    match verdict:
        case Wait():
            _wait(changes, row, state, verdict)
        case Park():
            state.hold = verdict.hold
            state.unplan()
            changes.states.append(state)
            changes.note(state, "park", verdict.reason, verdict.message_id)
        case Complete():
            changes.skipped(state, verdict.skipped)
            changes.completed(state, verdict.reason)
        case Drop() | Send():
            return


def _wait(changes: Changes, row: Claimed, state: EnrollmentState, verdict: Wait) -> None:
    changes.skipped(state, verdict.skipped)
    if verdict.skipped:
        state.last_message_id = verdict.skipped[-1].message_id
    if verdict.reason != "awaiting_action":
        state.waiting_for = state.wait_until = state.hold = None
        state.base_at = verdict.base_at
    until = verdict.until
    if verdict.reason == "on_its_way":
        until = changes.now + _LANDING
    else:
        changes.note(state, "wait", verdict.reason, verdict.message_id, until)
    changes.entries.append(state.plan(until, row.priority))
    changes.states.append(state)


def _go_on(
    changes: Changes, state: EnrollmentState, scenario: Scenario | None, result: Result
) -> None:
    now = changes.now
    if result.waits_for_contact:
        state.hold = HOLD_UNREACHABLE
        state.unplan()
        changes.states.append(state)
        changes.note(
            state, "park", result.reachability or "unreachable", result.ready.source.message_id
        )
        return
    state.hold = None
    state.recheck = 0
    # Where it went, the next one waits: most likely it goes there as well.
    state.pace_key = result.ready.claimed.pace_key
    if result.status == "sent" and (beside := copy_beside(state, result, now)):
        changes.entries.append(beside)
    following = after_message(
        state,
        scenario,
        result.ready.source.message_id,
        sent=result.status == "sent",
        now=now,
        habits=result.ready.habits,
    )
    if result.status != "sent":
        changes.note(state, "skip", result.failure_code or "failed", result.ready.source.message_id)
    if isinstance(following, Finished):
        changes.completed(state, "last_message_sent")
        return
    if isinstance(following, AwaitAction):
        _await(state, following, changes)
    else:
        priority = (
            PROMPTED if following.prompted and following.due <= now else _priority(scenario, state)
        )
        changes.entries.append(state.plan(following.due, priority))
    changes.states.append(state)


def _await(state: EnrollmentState, following: AwaitAction, changes: Changes) -> None:
    state.hold = HOLD_ACTION
    state.waiting_for, state.wait_until = following.action, following.until
    if following.until is None:
        state.unplan()
    else:
        changes.entries.append(state.plan(following.until, NORMAL))


def _priority(scenario: Scenario | None, state: EnrollmentState) -> int:
    if scenario is None:
        return NORMAL
    index = scenario.next_after(state.last_message_id)
    return scenario.messages[index].priority if index < len(scenario.messages) else NORMAL


def _note_leftover(
    changes: Changes, state: EnrollmentState, scenario: Scenario | None, result: Result
) -> None:
    """A message landed under an earlier plan (stopped, switched, edited): it was sent all the same.

    If it is the one that would come next, it counts, and the present plan finds it so.
    """
    if result.status != "sent" or scenario is None:
        return
    index = scenario.next_after(state.last_message_id)
    if scenario.index_of(result.ready.source.message_id) != index:
        return
    turn = state.turn
    following = after_message(
        state,
        scenario,
        result.ready.source.message_id,
        sent=True,
        now=changes.now,
        habits=result.ready.habits,
    )
    if isinstance(following, AwaitAction):
        state.waiting_for, state.wait_until = following.action, following.until
    state.turn = turn
    changes.states.append(state)
