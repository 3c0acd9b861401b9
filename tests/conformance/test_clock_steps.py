"""The wall clock of the machine is set back or ahead: messages keep their order, none is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dripline.channels.recorder import Recorder
from dripline.clock import RealTime
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.content.compile import compile_scenario
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.dispatch import Dispatcher
from dripline.scenarios import switch
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.render import Renderer

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class WallClock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def real_seconds_until(self, moment: datetime) -> float:
        return max(0.0, (moment - self.moment).total_seconds())


class HurriedTime(RealTime):
    """Real time in which no pace makes anyone wait."""

    def __init__(self) -> None:
        super().__init__()
        self._now_us = super().now_us()

    def now_us(self) -> int:
        self._now_us += 2_000_000
        return self._now_us


class Content:
    """One scenario: three messages, ten minutes apart."""

    def __init__(self) -> None:
        ten_minutes = {"timing": {"minutes": 10}}
        body = {
            "config": {"id": "course", "name": "Course"},
            "order": ["one", "two", "three"],
            "messages": {
                key: {"texts": {"": key}, **(ten_minutes if key != "one" else {})}
                for key in ("one", "two", "three")
            },
            "summary": None,
            "retired": {},
        }
        scenario = compile_scenario(body, revision=1, button_sets={}, variables={}, paused=False)
        self.library = Library(1, "course", {"course": scenario})

    async def current(self, session: object) -> Library:
        return self.library


@pytest.mark.parametrize("step", [timedelta(days=-1), -MINUTE, MINUTE, timedelta(days=1)])
async def test_a_step_of_the_clock_loses_and_repeats_nothing(
    database: Database, step: timedelta
) -> None:
    clock, content = WallClock(), Content()
    store: Any = content
    channel = Recorder(clock)
    origin = EnrollmentOrigin(store, Renderer("en"))
    dispatcher = Dispatcher(
        database, clock, HurriedTime(), {"enrollment": origin}, {"telegram": channel}, "w"
    )
    async with database.transaction() as session:
        await deliveries.ensure_pace(session, "telegram:main", 1.0)
        known = await by_telegram(session, "main", TelegramPerson(1, "Anna"), clock.now())
        ids = (known.contact_id, known.address_id)
        await switch.start(session, content.library, *ids, clock.now())

    claimed = await dispatcher.claim(clock.now(), 10)
    clock.moment += step  # while the first message is in flight
    outcomes = [await dispatcher.send(flight) for flight in claimed.flights]
    await dispatcher.settle(outcomes, clock.now())
    for _ in range(40):
        clock.moment += MINUTE
        while await dispatcher.run_once(clock.now()):
            pass
    assert [sent.message.text for sent in channel.sent] == ["one", "two", "three"]
    apart = channel.sent[2].at - channel.sent[1].at
    assert 10 * MINUTE <= apart <= 11 * MINUTE
