"""`dripline run` on SQLite, killed again and again while people come and messages go out."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd
from outside.evidence import of_sqlite
from outside.program import Program, Programs
from outside.standin import StandIn

MESSAGES = 6


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_random_moments_it_loses_nothing(
    telegram: StandIn, tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    content = folder.write(tmp_path / "content", {"course": folder.course(MESSAGES)})
    file = tmp_path / "dripline.db"
    crowd = Crowd(telegram, MESSAGES)
    telegram.latency_s = lambda: random.uniform(0.002, 0.08)
    with Programs(
        tmp_path, database_url=f"sqlite:///{file}", telegram_api_base=telegram.url
    ) as programs:
        run = programs.start("run", "--content", str(content)).ready()
        for _ in range(rounds(20)):
            crowd.come(20)
            _kill_at_some_moment(run, crowd, telegram)
            run = programs.start("run")
            if random.random() < 0.8:  # or while it starts
                run.ready()
        run.ready()
        crowd.wait_until_done(120)
        status, seconds = run.stop()
    assert status == 0
    tally = crowd.verify(of_sqlite(file), "run on SQLite")
    print(f"{tally}; graceful stop {seconds:.1f} s")
    # What was in flight is a fifth of a second of work; how much that is, the machine decides.
    assert tally.repeats < tally.messages / 2


def _kill_at_some_moment(run: Program, crowd: Crowd, telegram: StandIn) -> None:
    time.sleep(random.uniform(0.05, 0.7))  # the moment is the test
    run.kill()
    crowd.struck("run")
