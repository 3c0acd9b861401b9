"""`dripline simulate`: what a contact would get, when and where, by the production duties.

The scenario and the contact are copied into a database in memory; the clock is moved from one due
moment to the next; a recorder stands where the channel stood.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics.why import find_contact
from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock, from_us
from dripline.contacts.models import Address, Attribute, Contact, Preferences, Tag
from dripline.content.models import TABLES, ScenarioSwitch
from dripline.content.rendered import Rendered
from dripline.content.store import ContentStore
from dripline.database import Base, Database
from dripline.deliveries import queries
from dripline.deliveries.choice import EMAIL
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.queue import pace_key
from dripline.errors import SCENARIO_NOT_FOUND, USER_NOT_FOUND, NotFound
from dripline.lifecycle.models import BotName, ReferralCode, Standing
from dripline.scenarios.enroll import enroll
from dripline.scenarios.models import Enrollment
from dripline.settings import Settings
from dripline.wiring.engine import TELEGRAM, Engine, build

_MOST_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One message as it would go out, or what it waits for, in `note`."""

    at: datetime
    channel: str
    text: str
    media: int
    buttons: tuple[str, ...]
    note: str = ""


class HurriedTime(RealTime):
    """Real time in which the pace never makes anyone wait: two seconds pass at every look."""

    def __init__(self) -> None:
        super().__init__()
        self._now_us = super().now_us()

    def now_us(self) -> int:
        """Return a moment two seconds after the one before."""
        self._now_us += 2_000_000
        return self._now_us


async def simulate(
    settings: Settings, database: Database, scenario_id: str, contact: str, start: datetime
) -> list[Step]:
    """Play a scenario for a contact from its beginning.

    Raises NotFound (SCENARIO_NOT_FOUND, USER_NOT_FOUND). Nothing is written to `database`.
    """
    copy = Database.from_url("sqlite://")
    clock = VirtualClock(start)
    names = [TELEGRAM, EMAIL] if settings.has_email else [TELEGRAM]
    recorders = {name: Recorder(clock, name) for name in names}
    engine = build(settings, clock, database=copy, channels=recorders, real_time=HurriedTime())
    try:
        address = await _copy(database, copy, contact, names)
        async with copy.transaction() as session:
            for key in {pace_key(address.channel, address.bot), *names[1:]}:
                await queries.ensure_pace(session, key, 1.0)
            library = await ContentStore(copy).current(session)
            scenario = library.scenario(scenario_id)
            if scenario is None:
                known = ", ".join(sorted(library.scenarios)) or "none"
                raise NotFound(
                    f"There is no scenario “{scenario_id}”. There are: {known}.",
                    code=SCENARIO_NOT_FOUND,
                )
            await enroll(
                session, scenario, address.contact_id, address.id, start, reason="simulated"
            )
        waits = await _play(engine, clock)
        steps = [*_steps(recorders.values()), *waits]
        return [*sorted(steps, key=lambda step: step.at), *await _rest(copy)]
    finally:
        await copy.close()


async def _play(engine: Engine, clock: VirtualClock) -> list[Step]:
    """Play to the end; return where it waited for an action."""
    waits: dict[int, Step] = {}  # by position: a wait is told once
    for _ in range(_MOST_STEPS):
        while await engine.dispatcher.run_once(clock.now()):
            pass
        for row in await _enrollments(engine.database):
            if row.waiting_for is not None:
                waits.setdefault(row.position, _wait(row, clock.now()))
        due = await next_due_us(engine.database)
        if due is None:
            break
        clock.jump_to(from_us(due))
    return list(waits.values())


async def _enrollments(database: Database) -> Sequence[Enrollment]:
    async with database.reading() as session:
        return (await session.scalars(select(Enrollment))).all()


def _wait(row: Enrollment, now: datetime) -> Step:
    kind, _colon, name = (row.waiting_for or "").partition(":")
    what = f"the button {name}" if kind == "callback" else f"the event {name}"
    until = row.wait_until
    limit = f", at most {_span(until - now)}" if until else ", as long as it takes"
    return Step(now, "", "", 0, (), note=f"waits for {what}{limit}")


def _span(time: timedelta) -> str:
    """Return a duration such as `1 d 2 h`."""
    minutes = max(1, round(time.total_seconds() / 60))
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "min")) if n]
    return " ".join(parts)


def _steps(recorders: Iterable[Recorder]) -> list[Step]:
    everything = (sent for recorder in recorders for sent in recorder.sent)
    return [
        Step(
            sent.at,
            sent.address.channel,
            _shown(sent.message),
            len(sent.message.media),
            tuple(button.text for row in sent.message.keyboard for button in row),
        )
        for sent in sorted(everything, key=lambda sent: sent.at)
    ]


def _shown(message: Rendered) -> str:
    return f"{message.subject}: {message.text}" if message.subject else message.text


async def _rest(database: Database) -> Sequence[Step]:
    """Return where it stands still, when it does; what waits for an action was told already."""
    stuck = [row for row in await _enrollments(database) if row.hold and not row.waiting_for]
    return [Step(row.base_at, "", "", 0, (), note=f"stands still: {row.hold}") for row in stuck]


async def _copy(
    source: Database, target: Database, contact: str, channels: Sequence[str]
) -> Address:
    async with target.writer.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with source.reading() as reading, target.transaction() as writing:
        for table in TABLES:
            if table is ScenarioSwitch.__table__:
                continue  # a paused scenario is paused to be looked at
            rows = (await reading.execute(select(table))).mappings().all()
            if rows:
                await writing.execute(insert(table), [dict(row) for row in rows])  # type: ignore[arg-type]
        found = await find_contact(reading, contact)
        await _copy_rows(reading, writing, Contact, Contact.id == found.id)
        for model in (Address, Attribute, Tag, Preferences, Standing, ReferralCode):
            await _copy_rows(reading, writing, model, model.contact_id == found.id)
        await _copy_rows(reading, writing, BotName, true())  # what links are made of
        theirs = (await writing.scalars(select(Address).order_by(Address.id))).all()
        address = next((a for name in channels for a in theirs if a.channel == name), None)
        if address is None:
            raise NotFound(f"“{contact}” has no Telegram chat.", code=USER_NOT_FOUND)
        return address


async def _copy_rows(
    reading: AsyncSession, writing: AsyncSession, model: type[Base], where: object
) -> None:
    table = model.__table__
    rows = (await reading.execute(select(table).where(where))).mappings().all()  # type: ignore[arg-type]
    if rows:
        await writing.execute(insert(table), [dict(row) for row in rows])  # type: ignore[arg-type]
