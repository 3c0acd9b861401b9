"""**Where a message's fate is decided.** Pure functions over values: no database, no network.

`decide` is asked when an enrollment's next step is due, and answers with one of

    Send       this message, now
    Wait       until a moment (too early, or an action is awaited)
    Park       without a moment: the contact cannot be reached, or the scenario is paused
    Complete   nothing is left
    Drop       the step is a leftover of an earlier plan

and with what it skipped on the way. `after_sent` says what follows once a message has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dripline.contacts.models import REACHABLE
from dripline.content.document import URGENT, Message, Scenario
from dripline.deliveries.cap import CAPPED, Counted, Spent
from dripline.deliveries.choice import Choice
from dripline.deliveries.routing import Route
from dripline.deliveries.timing import at_once, days_apart, due_at
from dripline.deliveries.windows import NO_HABITS, Habits, Hold, hold, on_its_day
from dripline.scenarios.state import (
    HOLD_ACTION,
    HOLD_PAUSED,
    HOLD_UNREACHABLE,
    EnrollmentState,
)

# What follows within this time without a delay of its own is part of what was sent before it.
_SAME_BREATH = timedelta(minutes=10)


@dataclass(slots=True)
class Facts:
    """What the edge found out for a decision, in batches.

    Without a `route` there is one channel, and one address that reaches the contact or does not.
    `spent` is there when contacts get so many messages a day and no more.
    """

    reachability: str = "reachable"
    habits: Habits = NO_HABITS
    sent: frozenset[str] = frozenset()
    conditions: Mapping[str, bool] = field(default_factory=dict)
    on_its_way: bool = False
    hurry: bool = False
    prompted: bool = False
    route: Route | None = None
    spent: Spent | None = None
    held_out: frozenset[str] = frozenset()  # messages that an experiment keeps from the contact


@dataclass(frozen=True, slots=True)
class Skipped:
    """A message that is passed over, and why."""

    message_id: str
    reason: str


@dataclass(slots=True)
class Send:
    """Send this message now."""

    message: Message
    reason: str
    skipped: tuple[Skipped, ...] = ()
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back at `until`."""

    until: datetime
    reason: str
    message_id: str | None
    base_at: datetime
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Park:
    """Stand still until something changes."""

    hold: str
    reason: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """The scenario is at its end."""

    reason: str
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing to do: the plan has changed since this step was queued."""

    reason: str


Verdict = Send | Wait | Park | Complete | Drop


def decide(
    state: EnrollmentState, scenario: Scenario | None, facts: Facts, now: datetime
) -> Verdict:
    """Return the fate of an enrollment's next message at `now`."""
    if not state.is_active:
        return Drop("not_active")
    if scenario is None or not scenario.is_active:
        return Park(HOLD_PAUSED, "scenario_off")
    if scenario.paused:
        return Park(HOLD_PAUSED, "scenario_paused")
    unreachable = _unreachable(scenario, facts)
    if unreachable is not None:
        return Park(HOLD_UNREACHABLE, unreachable)
    base = state.base_at
    if state.waiting_for is not None:
        if state.wait_until is None:
            return Park(HOLD_ACTION, state.waiting_for)
        if now < state.wait_until:
            return Wait(state.wait_until, "awaiting_action", None, base)
        base = state.wait_until
    return _next_message(state, scenario, facts, base, now)


def _next_message(
    state: EnrollmentState, scenario: Scenario, facts: Facts, base: datetime, now: datetime
) -> Verdict:
    skipped: list[Skipped] = []
    for message in scenario.messages[scenario.next_after(state.last_message_id) :]:
        if message.id in facts.sent:
            skipped.append(Skipped(message.id, "already_sent"))
            continue
        due = _due(message, state, base, facts.habits)
        if due > now and not facts.hurry:
            early = "not_due_yet" if state.waiting_for is None else "wait_timed_out"
            return Wait(due, early, message.id, base, tuple(skipped))
        if facts.on_its_way:
            # A message of an earlier plan is in flight: let it land, then look again.
            return Wait(now, "on_its_way", message.id, base, tuple(skipped))
        held = _held(message, state, scenario, facts, now)
        if held is not None:
            return Wait(held.until, held.reason, message.id, base, tuple(skipped))
        if not facts.conditions.get(message.id, True):
            skipped.append(Skipped(message.id, "condition_not_met"))
            base = now
            continue
        if message.id in facts.held_out:
            skipped.append(Skipped(message.id, "held_out"))
            base = now
            continue
        choice = _choice(message, scenario, facts)
        if choice is not None and not choice.ways:
            skipped.append(Skipped(message.id, "failed_everywhere"))
            base = now
            continue
        full = _full(message, state, facts, now)
        if full is not None:
            return Wait(full, CAPPED, message.id, base, tuple(skipped))
        reason = "advanced_by_hand" if facts.hurry else _reason(state)
        return Send(message, reason, tuple(skipped), choice)
    return Complete("no_messages_left", tuple(skipped))


def _unreachable(scenario: Scenario, facts: Facts) -> str | None:
    """Return why nothing reaches the contact, or None when something does."""
    if facts.route is None:
        return None if facts.reachability == REACHABLE else facts.reachability
    choice = facts.route.anywhere(scenario.channels)
    return None if choice.ways else choice.reason


def _held(
    message: Message, state: EnrollmentState, scenario: Scenario, facts: Facts, now: datetime
) -> Hold | None:
    """Return until when the contact's hours, or the scenario's days, keep a message back."""
    if not scenario.weekdays and facts.habits is NO_HABITS:
        return None
    if _cannot_wait(message, state, facts, now):
        return None
    apart = days_apart(message.timing)
    return hold(now, facts.habits, days_apart=apart, weekdays=scenario.weekdays)


def _full(message: Message, state: EnrollmentState, facts: Facts, now: datetime) -> datetime | None:
    """Return when there is room for a message, or None when there is now."""
    if facts.spent is None or _cannot_wait(message, state, facts, now):
        return None
    this = Counted(state.id, state.run, message.id)
    return facts.spent.room_at(now, this, facts.habits.timezone)


def _cannot_wait(message: Message, state: EnrollmentState, facts: Facts, now: datetime) -> bool:
    """Return whether a message goes out at any hour, however many there were.

    Such are answers to what the contact has just done and what follows on them at once, what is
    urgent, what was asked for by hand, and what has failed on one channel a moment ago.
    """
    return (
        facts.prompted
        or facts.hurry
        or message.priority <= URGENT
        or (facts.route is not None and bool(facts.route.trail.failures))
        or (
            at_once(message.timing)
            and state.last_sent_at is not None
            and now - state.last_sent_at < _SAME_BREATH
        )
    )


def _choice(message: Message, scenario: Scenario, facts: Facts) -> Choice | None:
    if facts.route is None:
        return None
    return facts.route.choose(message.id, message.channel, scenario.channels)


def _reason(state: EnrollmentState) -> str:
    if state.waiting_for is not None:
        return "wait_timed_out"
    return "first_message" if state.last_message_id is None else "due"


def _due(message: Message, state: EnrollmentState, base: datetime, habits: Habits) -> datetime:
    origin = state.started_at if message.timing.origin == "start" else base
    due = due_at(message.timing, origin, habits.timezone)
    if habits is NO_HABITS or not days_apart(message.timing):
        return due
    return on_its_day(due, habits)


def next_due(
    state: EnrollmentState, scenario: Scenario, now: datetime, habits: Habits
) -> tuple[datetime, Message] | None:
    """Return when the next message is due and which, not before `now`; None at the end."""
    index = scenario.next_after(state.last_message_id)
    if index >= len(scenario.messages):
        return None
    message = scenario.messages[index]
    return max(now, _due(message, state, state.base_at, habits)), message


@dataclass(frozen=True, slots=True)
class AwaitAction:
    """The message asks for an action; `until` None: for as long as it takes."""

    action: str
    until: datetime | None


@dataclass(slots=True)
class GoOn:
    """The next message is due at `due`; `at_once` when an action that came early prompts it."""

    due: datetime
    prompted: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """It was the last message."""


def after_message(
    state: EnrollmentState,
    scenario: Scenario | None,
    message_id: str,
    *,
    sent: bool,
    now: datetime,
    habits: Habits = NO_HABITS,
) -> AwaitAction | GoOn | Finished:
    """Note on `state` that a message has ended, and return what follows.

    A message that failed for good is passed over, its wait with it: nobody can press what they
    never got. The next delay counts from now.
    """
    state.last_message_id = message_id
    state.base_at = now
    state.waiting_for = state.wait_until = None
    early, state.early_action = state.early_action, None
    if sent:
        state.last_sent_at = now
    if scenario is None:
        return GoOn(now)  # the next decision parks it, and says why
    state.position = scenario.next_after(message_id)
    index = scenario.index_of(message_id)
    wait = scenario.messages[index].wait if index is not None and sent else None
    if wait is not None and f"{wait.kind}:{wait.name}" != early:
        until = due_at(wait.timeout, now, habits.timezone) if wait.timeout is not None else None
        return AwaitAction(f"{wait.kind}:{wait.name}", until)
    following = next_due(state, scenario, now, habits)
    return Finished() if following is None else GoOn(following[0], prompted=wait is not None)
