"""Asked to stop under load, the program ends within ten seconds and leaves nothing in its hands."""

import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from outside import folder
from outside.crowd import Crowd, under_way
from outside.evidence import Ask, count, of_sqlite
from outside.program import Programs
from outside.standin import TOKEN, Fate, StandIn
from postgres import PostgresServer

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


def test_a_stop_waits_neither_for_buttons_nor_for_slow_clients(
    telegram: StandIn, programs: Programs, ask: Ask
) -> None:
    hangs = ("sendMessage", "answerCallbackQuery")
    telegram.rule = lambda call: Fate(hang_s=60.0) if call.method in hangs else None
    run = programs.start("run", "--content", "content").ready()
    port = int(run.address.rpartition(":")[2])
    telegram.says(1, "/start")
    telegram.wait_for(lambda: len(telegram.sent()) == 1)
    with socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(
            b"POST /telegram/webhook/main HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        )
        began = time.monotonic()
        run.process.terminate()
        while not run.ended() and time.monotonic() - began < 10:  # people go on pressing
            telegram.presses(1, "DONE")
            time.sleep(0.3)
        assert run.ended(), run.log()[-2000:]
    assert run.process.returncode == 0
    assert count(ask, IN_FLIGHT) == 0


def test_a_hang_up_is_a_stop(telegram: StandIn, programs: Programs, ask: Ask) -> None:
    crowd = Crowd(telegram, MESSAGES)
    telegram.latency_s = 0.5
    run = programs.start("run", "--content", "content").ready()
    crowd.come(20)
    telegram.wait_for(lambda: len(telegram.sent()) >= 20)
    run.process.send_signal(signal.SIGHUP)
    assert run.process.wait(10) == 0
    assert count(ask, IN_FLIGHT) == 0


def test_an_interrupt_is_a_stop_behind_a_shell_that_ignores_it(programs: Programs) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as `dripline run &` of a script has it
    try:
        run = programs.start("run", "--content", "content").ready()
    finally:
        signal.signal(signal.SIGINT, before)
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(10) == 0


def test_a_stop_in_the_middle_of_starting_does_not_wait_for_the_start(
    telegram: StandIn, tmp_path: Path
) -> None:
    telegram.rule = lambda call: Fate(hang_s=60.0) if call.method == "getMe" else None
    others = {f"telegram_bot_token_b{n}": TOKEN.replace("7", str(n), 1) for n in (1, 2, 3)}
    folder.write(tmp_path / "content", {"course": folder.course(1)})
    with Programs(
        tmp_path, database_url="sqlite:///dripline.db", telegram_api_base=telegram.url, **others
    ) as programs:
        run = programs.start("run", "--content", "content")
        telegram.wait_for(lambda: len(telegram.of_method("getMe")) == 4, 120)
        status, _ = run.stop()  # within ten seconds; the bots would take sixty
        assert (status, run.records("dripline.ready")) == (0, [])
        assert "Traceback" not in run.log()


@pytest.mark.postgres
def test_a_stop_while_the_database_has_frozen_ends_in_time(
    telegram: StandIn, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = postgres_server.create_database("frozen")
    with Programs(tmp_path, database_url=url, telegram_api_base=telegram.url) as programs:
        run, crowd = under_way(programs, telegram, MESSAGES)
        server = psutil.Process(postgres_server.pid)
        family = [server, *server.children(recursive=True)]
        for process in family:
            process.suspend()
        try:
            status, _ = run.stop(12.0)
        finally:
            for process in family:
                process.resume()
        assert status == 1
        assert run.records("dripline.stopped_by_force")
        again = programs.start("run").ready()
        crowd.wait_until_done(90)
        assert again.stop()[0] == 0
