"""What `lifecycle.json` says, as values; and the pure questions that are asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from dripline.content.document import Message

VISITOR, REGISTERED, VIP, SUPER_VIP = "VISITOR", "REGISTERED", "VIP", "SUPER_VIP"
LEGACY, ADVOCATE, CHURNED = "LEGACY", "ADVOCATE", "CHURNED"
BESIDE: Final = (LEGACY, ADVOCATE, CHURNED)  # known states that are no step of the ladder
FIRST_START: Final = "first_start"
LEADERBOARD: Final = "leaderboard"


@dataclass(frozen=True, slots=True)
class Entry:
    """The program a state enters; `force` puts it in the place of a lower one."""

    program: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """One step of the ladder: who reaches it, what it unlocks, what it enters."""

    id: str
    names: Mapping[str, str] = field(default_factory=dict)  # by language; "" is the default
    badge: str = ""
    registered: bool = False
    referrals: int = 0
    enters: Entry | None = None
    unlocks: frozenset[str] = frozenset()
    message: str | None = None

    def name(self, language: str | None) -> str:
        """Return what people call it."""
        return in_language(self.names, language) or self.id


@dataclass(frozen=True, slots=True)
class Velocity:
    """More than `most` people by one link within a time is more than usual."""

    most: int = 10
    within: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Referrals:
    """When a referral counts, and what makes it suspicious."""

    hold: timedelta = timedelta()
    velocity: Velocity = Velocity()
    never_active_after: timedelta | None = None
    tell: bool = True

    @property
    def must_act_within(self) -> timedelta | None:
        """How long somebody may do nothing after registering; by default, as long as the hold."""
        return self.never_active_after or (self.hold or None)


@dataclass(frozen=True, slots=True)
class Tier:
    """A standing on the leaderboard, by the number of referrals."""

    least: int
    badge: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Board:
    """How many the leaderboard shows, and its tiers, highest first."""

    size: int = 10
    tiers: tuple[Tier, ...] = ()

    def tier(self, count: int) -> Tier | None:
        """Return the tier that so many referrals reach."""
        return next((tier for tier in self.tiers if count >= tier.least), None)


@dataclass(frozen=True, slots=True)
class Decay:
    """What happens to idle contacts of these states: a warning, then hidden and reactivated."""

    states: frozenset[str]
    warn_after: timedelta
    hide_after: timedelta
    program: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Churn:
    """After so long without a sign, a contact's state is CHURNED."""

    after: timedelta
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything. Without a `lifecycle.json` nothing moves by itself."""

    configured: bool = False
    registration: frozenset[str] = frozenset()
    states: tuple[State, ...] = ()
    referrals: Referrals = Referrals()
    board: Board = Board()
    decay: Decay | None = None
    churn: Churn | None = None
    menus: Mapping[str, Message] = field(default_factory=dict)
    reply_menus: bool = False  # menus take the place of Telegram's keyboard
    messages: Mapping[str, Message] = field(default_factory=dict)
    fingerprint: str = ""

    def state(self, state_id: str) -> State | None:
        """Return a step of the ladder by its id, or None."""
        return next((state for state in self.states if state.id == state_id), None)

    def place(self, state_id: str | None) -> int:
        """Return how high a state stands; -1 for none of the ladder."""
        return next((n for n, state in enumerate(self.states) if state.id == state_id), -1)

    def reached(self, *, registered: bool, referrals: int) -> int:
        """Return the highest place whose demands, and all below it, are met; -1 for none."""
        place = -1
        for number, state in enumerate(self.states):
            if (state.registered and not registered) or referrals < state.referrals:
                break
            place = number
        return place

    def unlocked(self, state_id: str) -> frozenset[str]:
        """Return what a state unlocks; what lower steps have unlocked stays so."""
        place = self.place(state_id)
        return frozenset().union(*(state.unlocks for state in self.states[: place + 1]))

    def next_after(self, state_id: str) -> State | None:
        """Return the next step of the ladder, or None at the top."""
        place = self.place(state_id)
        return self.states[place + 1] if place + 1 < len(self.states) else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides a contact's state."""

    state: str
    registered: bool
    referrals: int
    given: str | None = None


def state_for(rules: Rules, facts: Facts, *, down: bool = False, back: bool = False) -> str:
    """Return the state these facts lead to.

    Up always; `down` only when a count has fallen; `back` from CHURNED only when the contact is.
    What an operator gave is never taken away, and states beside the ladder stay.
    """
    if not rules.states or (facts.state == CHURNED and not back):
        return facts.state
    present = rules.place(facts.state)
    if present < 0 and facts.state not in {LEGACY, CHURNED}:
        return facts.state
    earned = rules.reached(registered=facts.registered, referrals=facts.referrals)
    place = max(earned, rules.place(facts.given))
    if facts.state == CHURNED and facts.given and rules.place(facts.given) < 0:
        return facts.given
    if not down:
        place = max(place, present)
    return rules.states[max(place, 0)].id


@dataclass(frozen=True, slots=True)
class Idle:
    """What inactivity is judged by."""

    state: str
    last_active_at: datetime
    warned: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What inactivity leads to now, and when to look again (None: never by itself)."""

    action: str | None
    again_at: datetime | None


WARN, HIDE, CHURN = "warn", "hide", "churn"


def judge_idle(rules: Rules, idle: Idle, now: datetime) -> Verdict:
    """Return the next thing inactivity leads to: a warning, hiding, churn; one at a time."""
    if idle.state == CHURNED:
        return Verdict(None, None)
    steps: list[tuple[datetime, str]] = []
    decay, churn = rules.decay, rules.churn
    if decay is not None and idle.state in decay.states and not idle.hidden:
        if not idle.warned:
            steps.append((idle.last_active_at + decay.warn_after, WARN))
        steps.append((idle.last_active_at + decay.hide_after, HIDE))
    if churn is not None:
        steps.append((idle.last_active_at + churn.after, CHURN))
    if not steps:
        return Verdict(None, None)
    due, action = min(steps, key=lambda step: step[0])
    return Verdict(action, now) if due <= now else Verdict(None, due)


def in_language(texts: Mapping[str, str], language: str | None) -> str:
    """Return a text in a language; its default otherwise."""
    wanted = (language or "").replace("_", "-").lower()
    return texts.get(wanted) or texts.get(wanted.partition("-")[0]) or texts.get("", "")
