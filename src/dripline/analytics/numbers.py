"""The numbers an operator asks for: overview, funnels, messages by day, cohorts.

Everything is read from what is kept incrementally (`rollup_queries.py`), so a question costs the
days and messages it is about, not the deliveries.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics import rollup_queries as queries
from dripline.analytics.duty import weeks
from dripline.content.store import Library
from dripline.deliveries.tallies import COUNTED

LONGEST: Final = 366
_FEW: Final = 20_000
_UNSUBSCRIBED, _COMPLAINED = "email.unsubscribed", "email.complained"


@dataclass(frozen=True, slots=True)
class Messages:
    """Counts of messages; shares are of those that were sent."""

    sent: int = 0
    failed: int = 0
    fell_back: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    bounced: int = 0

    @property
    def open_rate(self) -> float:
        """The share that was opened."""
        return _share(self.opened, self.sent)

    @property
    def click_rate(self) -> float:
        """The share that was clicked."""
        return _share(self.clicked, self.sent)

    @property
    def bounce_rate(self) -> float:
        """The share that bounced."""
        return _share(self.bounced, self.sent)

    @property
    def failure_rate(self) -> float:
        """The share of all attempts that failed for good."""
        return _share(self.failed, self.sent + self.failed)

    @property
    def fallback_rate(self) -> float:
        """The share of all messages that needed another channel."""
        return _share(self.fell_back, self.sent + self.failed)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at a glance; `as_of` is when people were counted, messages are as of now."""

    days: int
    contacts: int
    contacts_by_state: dict[str, int]
    addresses: dict[str, int]
    enrollments: dict[str, int]
    messages: Messages
    by_channel: dict[str, Messages]
    by_day: dict[str, Messages]
    unsubscribed: int
    complained: int
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a funnel."""

    message_id: str
    messages: Messages


@dataclass(frozen=True, slots=True)
class Funnel:
    """A scenario: people by status, and each message in its order."""

    scenario_id: str
    name: str
    people: dict[str, int]
    messages: Messages
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Contacts who came in one week (from Monday, UTC), and how many of them got how far."""

    week: str
    contacts: int
    registered: int
    completed: int
    paid: int


@dataclass(frozen=True, slots=True)
class ScoreDay:
    """How many contacts' scores were on which level at the end of a day: type, level, how many."""

    day: str
    levels: dict[str, dict[str, int]]


async def overview(session: AsyncSession, days: int, now: datetime) -> Overview:
    """Return the overview of the last days, today among them."""
    since = first_day(days, now)
    counted, as_of = await _people(session, now)
    rows = await queries.sums(session, ("day", "channel"), since)
    first = datetime.fromisoformat(since).replace(tzinfo=UTC)
    left = await queries.count_events(session, (_UNSUBSCRIBED, _COMPLAINED), first)
    by_status: dict[str, int] = {}
    for key, value in counted["enrollments"].items():
        status = key.rpartition(":")[2]
        by_status[status] = by_status.get(status, 0) + value
    return Overview(
        days,
        sum(counted["contacts"].values()),
        counted["contacts"],
        counted["addresses"],
        by_status,
        _added([row[2:] for row in rows]),
        _grouped(rows, 1),
        _grouped(rows, 0),
        left.get(_UNSUBSCRIBED, 0),
        left.get(_COMPLAINED, 0),
        as_of,
    )


async def funnels(
    session: AsyncSession,
    library: Library,
    days: int,
    now: datetime,
    scenario_id: str | None = None,
) -> list[Funnel]:
    """Return the funnel of each scenario, or of one: its messages in their order."""
    people = (await _people(session, now))[0]["enrollments"]
    only = {"scenario_id": scenario_id} if scenario_id is not None else {}
    rows = await queries.sums(session, ("scenario_id", "message_id"), first_day(days, now), **only)
    wanted = [scenario_id] if scenario_id is not None else sorted(library.scenarios)
    return [_funnel(library, one, people, rows) for one in wanted if one]


async def cohorts(session: AsyncSession, now: datetime) -> list[Cohort]:
    """Return the contacts of the latest weeks, oldest first, and how far they got."""
    found = (await queries.counts(session, "cohorts"))["cohorts"]
    names = ("contacts", "registered", "completed", "paid")
    keys = [f"{week:%Y-%m-%d}" for week in weeks(now)]
    return [Cohort(key, *(found.get(f"{key}:{name}", 0) for name in names)) for key in keys]


async def scores(session: AsyncSession, days: int, now: datetime) -> list[ScoreDay]:
    """Return how many contacts' scores were on each level, day by day, oldest first."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    since = first_day(days, now)
    for key, value in (await queries.counts(session, "scores"))["scores"].items():
        day, kind, level = key.split(":")
        if day >= since:
            found.setdefault(day, {}).setdefault(kind, {})[level] = value
    return [ScoreDay(day, found[day]) for day in sorted(found)]


async def messages_of(
    session: AsyncSession, by: str, days: int, now: datetime, **only: str
) -> dict[str, Messages]:
    """Return messages of the last days by one column: day, channel, origin, …"""
    return _grouped(await queries.sums(session, (by,), first_day(days, now), **only), 0)


def first_day(days: int, now: datetime) -> str:
    """Return the first of so many days, the last of which is today (UTC)."""
    return (now.date() - timedelta(days=min(days, LONGEST) - 1)).isoformat()


async def _people(
    session: AsyncSession, now: datetime
) -> tuple[dict[str, dict[str, int]], datetime | None]:
    """Return counts of people, and when they were counted: a few are counted on the spot."""
    found = await queries.counts(session, "contacts", "addresses", "enrollments")
    if sum(found["contacts"].values()) > _FEW:
        return found, await queries.counted_at(session)
    live = {
        "contacts": await queries.contacts_by_state(session),
        "addresses": await queries.addresses_by_reachability(session),
        "enrollments": await queries.enrollments_by_status(session),
    }
    return live, now


def _funnel(
    library: Library,
    scenario_id: str,
    people: dict[str, int],
    rows: Sequence[tuple[Any, ...]],
) -> Funnel:
    scenario = library.scenario(scenario_id)
    own = {str(row[1]): row[2:] for row in rows if row[0] == scenario_id}
    order = [message.id for message in scenario.messages] if scenario else []
    order += sorted(set(own) - set(order))
    prefix = f"{scenario_id}:"
    return Funnel(
        scenario_id,
        scenario.name if scenario else scenario_id,
        {
            key.removeprefix(prefix): value
            for key, value in people.items()
            if key.startswith(prefix)
        },
        _added(list(own.values())),
        [Step(one, _added([own[one]] if one in own else [])) for one in order],
    )


def _grouped(rows: Sequence[tuple[Any, ...]], place: int) -> dict[str, Messages]:
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        groups.setdefault(str(row[place]), []).append(row[len(row) - len(COUNTED) :])
    return {key: _added(found) for key, found in groups.items()}


def _added(rows: Sequence[tuple[Any, ...]]) -> Messages:
    if not rows:
        return Messages()
    return Messages(*(sum(column) for column in zip(*rows, strict=True)))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
