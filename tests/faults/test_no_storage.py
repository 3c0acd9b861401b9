"""The disk is full, the database is gone: the program waits for it, and nothing is lost."""

import os
import resource
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd, under_way
from outside.evidence import of_postgres, of_sqlite
from outside.program import Programs, environment, executable
from outside.standin import TOKEN, StandIn, refuse
from postgres import PostgresServer

MESSAGES = 6
AWAY_S = 60.0 if os.environ.get("DRIPLINE_FAULT_ROUNDS") else 4.0
FULL_S = 10.0 if os.environ.get("DRIPLINE_FAULT_ROUNDS") else 3.0
pytestmark = pytest.mark.slow


@pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="a full disk is made with prlimit: run it on Linux"
)
def test_a_full_disk_stops_the_sending_and_space_brings_it_back(
    telegram: StandIn, tmp_path: Path
) -> None:
    folder.write(tmp_path / "content", {"course": folder.course(MESSAGES)})
    file = tmp_path / "dripline.db"
    crowd = Crowd(telegram, MESSAGES)
    telegram.latency_s = 0.02
    with Programs(
        tmp_path, database_url=f"sqlite:///{file}", telegram_api_base=telegram.url
    ) as programs:
        run = programs.start("run", "--content", "content").ready()
        crowd.come(60)
        telegram.wait_for(lambda: len(telegram.sent()) >= 60)
        _, hard = resource.prlimit(run.pid, resource.RLIMIT_FSIZE)
        # The next page that any file would grow by finds no room; the log has its own.
        room = max(path.stat().st_size for path in tmp_path.glob("dripline.db*"))
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (room, hard))
        crowd.come(40)
        run.wait_for(lambda: run.records("pump.error") or run.records("duty.failed"))
        time.sleep(FULL_S)
        while_full = len(telegram.sent())
        time.sleep(1)
        assert len(telegram.sent()) == while_full  # what cannot be noted is not sent
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (hard, hard))
        crowd.wait_until_done(60)
        assert run.stop()[0] == 0
    tally = crowd.verify(of_sqlite(file), "a full disk")
    assert tally.repeats == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is full")
def test_a_log_that_finds_no_room_stops_nothing(telegram: StandIn, tmp_path: Path) -> None:
    folder.write(tmp_path / "content", {"course": folder.course(1)})
    settings = {
        "database_url": "sqlite:///dripline.db",
        "telegram_api_base": telegram.url,
        "telegram_bot_token": TOKEN,
    }
    with Path("/dev/full").open("w") as full:
        run = subprocess.Popen(
            [executable(), "run", "--content", "content"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=full,
            cwd=tmp_path,
            env=environment(**settings),
        )
    try:
        telegram.rule = lambda call: refuse(502) if call.method == "getUpdates" else None
        telegram.wait_for(lambda: len(telegram.of_method("getUpdates")) >= 2)  # that is logged
        telegram.rule = None
        telegram.says(1, "/start")
        telegram.wait_for(lambda: telegram.texts(1) == ["m1 for c1"])
        run.terminate()
        run.wait(10)
    finally:
        run.kill()
        run.wait()


@pytest.mark.postgres
def test_a_database_that_is_gone_for_a_while_costs_time_and_nothing_else(
    telegram: StandIn, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    folder.write(tmp_path / "content", {"course": folder.course(MESSAGES)})
    crowd = Crowd(telegram, MESSAGES)
    telegram.latency_s = 0.02
    url = postgres_server.create_database("away")
    with Programs(tmp_path, database_url=url, telegram_api_base=telegram.url) as programs:
        run = programs.start("run", "--content", "content").ready()
        worker = programs.start("worker").ready()
        crowd.come(60)
        telegram.wait_for(lambda: len(telegram.sent()) >= 60)
        postgres_server.stop()
        crowd.come(20)
        time.sleep(AWAY_S)
        assert (run.process.poll(), worker.process.poll()) == (None, None)
        postgres_server.start()
        crowd.wait_until_done(60)
        assert (run.stop()[0], worker.stop()[0]) == (0, 0)
        told = Counter(record["duty"] for record in run.records("duty.failed"))
        assert max(told.values()) <= 1 + AWAY_S // 30, "the same trouble is told all the time"
        assert run.records("duty.goes_on")
    tally = crowd.verify(of_postgres(postgres_server, "away"), "a database away")
    assert tally.repeats == 0


@pytest.mark.postgres
def test_a_file_saved_while_the_database_is_gone_is_live_when_it_is_back(
    telegram: StandIn, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    content = folder.write(tmp_path / "content", {"course": folder.course(1)})
    text = content / "scenarios" / "course" / "messages" / "m1.md"
    url = postgres_server.create_database("away")
    with Programs(tmp_path, database_url=url, telegram_api_base=telegram.url) as programs:
        run = programs.start("run", "--content", "content", "--watch").ready()
        postgres_server.stop()
        text.write_text("saved meanwhile")
        run.wait_for(lambda: run.records("content.not_pushed"))
        postgres_server.start()
        run.wait_for(lambda: len(run.records("content.pushed")) >= 2)
        telegram.says(1, "/start")
        telegram.wait_for(lambda: telegram.texts(1) == ["saved meanwhile"])
        assert run.stop()[0] == 0


@pytest.mark.postgres
def test_a_stop_while_the_database_is_gone_ends_in_time(
    telegram: StandIn, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = postgres_server.create_database("away")
    with Programs(tmp_path, database_url=url, telegram_api_base=telegram.url) as programs:
        run, crowd = under_way(programs, telegram, MESSAGES)
        postgres_server.kill()
        _, seconds = run.stop(10.0)
        assert "Traceback" not in run.log()
        postgres_server.start()
        run = programs.start("run").ready()
        began = time.monotonic()
        crowd.wait_until_done(90)
        assert run.stop()[0] == 0
    crowd.struck("database")
    tally = crowd.verify(of_postgres(postgres_server, "away"), "a stop without a database")
    print(f"{tally}; stopped within {seconds:.1f} s, caught up {time.monotonic() - began:.0f} s")
