"""Asked to stop under load, the program ends within ten seconds and leaves nothing in its hands."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd
from outside.evidence import Ask, count, of_sqlite
from outside.program import Programs
from outside.standin import Fate, StandIn

MESSAGES = 4
IN_FLIGHT = "SELECT count(*) FROM inflight"
pytestmark = pytest.mark.slow


@pytest.fixture
def programs(tmp_path: Path, telegram: StandIn) -> Iterator[Programs]:
    """Programs on one SQLite file, with a course of a few messages."""
    folder.write(tmp_path / "content", {"course": folder.course(MESSAGES)})
    with Programs(
        tmp_path, database_url="sqlite:///dripline.db", telegram_api_base=telegram.url
    ) as set_up:
        yield set_up


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """What the database holds."""
    return of_sqlite(tmp_path / "dripline.db")


def test_a_stop_under_load_loses_and_repeats_nothing(
    telegram: StandIn, programs: Programs, ask: Ask
) -> None:
    crowd = Crowd(telegram, MESSAGES)
    telegram.latency_s = lambda: random.uniform(0.05, 1.0)
    run = programs.start("run", "--content", "content").ready()
    took = []
    for stop in range(3):
        crowd.come(40)
        wanted = len(telegram.sent()) + 20
        telegram.wait_for(lambda wanted=wanted: len(telegram.sent()) >= wanted)
        status, seconds = run.stop()
        assert status == 0
        assert count(ask, IN_FLIGHT) == 0
        took.append(seconds)
        run = programs.start("run", name=f"run{stop}").ready()
    telegram.latency_s = 0.01
    crowd.wait_until_done(60)
    run.stop()
    tally = crowd.verify(ask, "graceful stops")
    assert tally.repeats == 0
    print(f"\ngraceful stops under load took {[round(s, 1) for s in took]} s")


def test_a_stop_does_not_wait_for_an_api_that_never_answers(
    telegram: StandIn, programs: Programs, ask: Ask
) -> None:
    crowd = Crowd(telegram, MESSAGES)
    telegram.rule = lambda call: Fate(hang_s=60.0) if call.sends else None
    run = programs.start("run", "--content", "content").ready()
    crowd.come(20)
    telegram.wait_for(lambda: len(telegram.sent()) >= 20)
    assert run.stop(10.0)[0] == 0
    assert count(ask, IN_FLIGHT) == 0
    telegram.rule = None
    run = programs.start("run").ready()
    crowd.wait_until_done(60)
    run.stop()
    crowd.verify(ask, "a stop while nothing answers")
