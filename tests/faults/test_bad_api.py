"""The Bot API limits, fails, says nothing or nonsense: messages wait, and none is lost."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd
from outside.evidence import Ask, count, of_sqlite
from outside.program import Program, Programs
from outside.standin import DROPPED, GARBAGE, HALF, Call, Fate, StandIn, refuse

MESSAGES = 3
LIMITED = refuse(429, "Too Many Requests: retry after 1", retry_after=1)
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
def run(programs: Programs) -> Program:
    """The program, ready."""
    return programs.start("run", "--content", "content").ready()


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """What the database holds."""
    return of_sqlite(tmp_path / "dripline.db")


def sometimes(*fates: Fate | None) -> Callable[[Call], Fate | None]:
    """Return a rule that gives each sending request the next fate in turn."""
    turns = itertools.cycle(fates)
    return lambda call: next(turns) if call.sends else None


def test_every_kind_of_bad_answer_is_lived_through(
    telegram: StandIn, run: Program, ask: Ask
) -> None:
    stuck = Fate(hang_s=2.0)
    telegram.rule = sometimes(
        None, LIMITED, None, refuse(500), None, None, GARBAGE, None, HALF, None, DROPPED, stuck,
        refuse(502, "Bad Gateway"), None, None,
    )  # fmt: skip
    crowd = Crowd(telegram, MESSAGES)
    crowd.come(20)
    telegram.wait_for(lambda: len(telegram.sent()) > 40, 40)
    telegram.rule = None
    crowd.wait_until_done(90)
    assert run.stop()[0] == 0
    tally = crowd.verify(ask, "bad answers")
    assert count(ask, "SELECT max(attempt_count) FROM message_deliveries") == 1
    print(f"\n{tally.repeats} requests were made again after answers that were none")


def test_a_limit_of_the_bot_is_kept_by_everything(
    telegram: StandIn, programs: Programs, run: Program
) -> None:
    crowd = Crowd(telegram, MESSAGES)
    limit = refuse(429, "Too Many Requests: retry after 3", retry_after=3)
    telegram.rule = lambda call: limit if call.sends else None
    crowd.come(10)
    telegram.wait_for(lambda: len(telegram.sent()) >= 1)
    telegram.wait_for(lambda: bool(_quiet(telegram, 1.0)))
    telegram.rule = None
    first = telegram.sent()[-1].at
    telegram.wait_for(lambda: any(call.ok for call in telegram.sent()))
    again = next(call.at for call in telegram.sent() if call.ok)
    assert again - first > 1.5
    crowd.wait_until_done(30)
    assert run.records("channel.limited")
    # While others are answered, so long a limit would be taken for the one chat's.
    telegram.wait_for(lambda: bool(_quiet(telegram, 2.5)))
    long = refuse(429, "Too Many Requests: retry after 600", retry_after=600)
    telegram.rule = lambda call: long if call.sends else None
    telegram.says(99, "/start")
    telegram.wait_for(lambda: len(telegram.sent(99)) == 1)
    run.wait_for(lambda: run.records("channel.limited")[-1]["seconds"] == 600, 20)
    told = programs.ask("why", "99").stdout
    assert "Due, but the channel is held (Too Many Requests: retry after 600)" in told, told
    assert run.stop()[0] == 0


def test_an_outage_is_not_hammered_and_costs_no_attempt(
    telegram: StandIn, run: Program, ask: Ask
) -> None:
    crowd = Crowd(telegram, MESSAGES)
    telegram.rule = lambda call: refuse(500) if call.sends else None
    crowd.come(60)
    telegram.wait_for(lambda: len(telegram.sent()) >= 1)
    time.sleep(4)  # an outage takes its time
    asked = len(telegram.sent())
    telegram.rule = None
    crowd.wait_until_done(90)
    assert run.stop()[0] == 0
    assert asked < 130, f"{asked} requests in four seconds of outage"
    assert count(ask, "SELECT max(attempt_count) FROM message_deliveries") == 1
    assert run.records("channel.down"), "the operator is not told"


def test_one_chat_that_never_answers_holds_up_nobody(telegram: StandIn, run: Program) -> None:
    crowd = Crowd(telegram, MESSAGES, first=2)
    telegram.rule = lambda call: Fate(hang_s=25.0) if call.chat == 1 else None
    telegram.says(1, "/start")
    telegram.wait_for(lambda: len(telegram.sent(1)) == 1)
    crowd.come(10)
    crowd.wait_until_done(20)
    assert len(telegram.sent(1)) == 1


def test_a_token_that_is_revoked_stops_the_bot_and_a_new_start_goes_on(
    telegram: StandIn, programs: Programs, run: Program, ask: Ask
) -> None:
    crowd = Crowd(telegram, MESSAGES)
    crowd.come(5)
    telegram.wait_for(lambda: len(telegram.sent()) >= 5)
    telegram.rule = lambda call: refuse(401, "Unauthorized")
    run.wait_for(lambda: run.records("channel.refused"))
    assert "@BotFather" in run.records("channel.refused")[0]["reason"]
    telegram.wait_for(lambda: bool(_quiet(telegram, 1.0)))
    telegram.rule = None
    assert run.stop()[0] == 0
    again = programs.start("run").ready()
    assert count(ask, "SELECT count(*) FROM queue") == 5
    if os.environ.get("DRIPLINE_FAULT_ROUNDS"):  # the refused bot is left alone for a minute
        crowd.wait_until_done(90)
    assert again.stop()[0] == 0


def test_two_pollers_on_one_token_are_told_apart_and_go_on(
    telegram: StandIn, tmp_path: Path, run: Program
) -> None:
    (tmp_path / "other").mkdir()
    with Programs(
        tmp_path / "other", database_url="sqlite:///other.db", telegram_api_base=telegram.url
    ) as others:
        other = others.start("run", "--content", str(tmp_path / "content")).ready()

        def told() -> bool:
            said = run.records("bot.polling_failed") + other.records("bot.polling_failed")
            return any("another process is polling with this token" in r["reason"] for r in said)

        run.wait_for(told)
        assert run.process.poll() is None
        assert other.process.poll() is None
    telegram.says(1, "/start")
    telegram.wait_for(lambda: telegram.texts(1) != [], 40)


def _quiet(telegram: StandIn, seconds: float) -> bool:
    """Whether nothing was sent for so long."""
    sent = telegram.sent()
    return not sent or time.monotonic() - sent[-1].at > seconds


def test_requests_are_not_bunched_after_an_outage(telegram: StandIn, programs: Programs) -> None:
    run = programs.start("run", "--content", "content", telegram_rate=20).ready()
    crowd = Crowd(telegram, 1)
    telegram.rule = lambda call: refuse(500) if call.sends else None
    crowd.come(40)
    telegram.wait_for(lambda: len(telegram.sent()) >= 5)
    telegram.rule = None
    telegram.wait_for(lambda: sum(call.ok for call in telegram.sent()) >= 40, 60)
    at = [call.at for call in telegram.sent()]
    most = max(sum(start <= moment < start + 1 for moment in at) for start in at)
    assert most <= 30, f"{most} requests in one second at a rate of 20"
    assert run.process.poll() is None
