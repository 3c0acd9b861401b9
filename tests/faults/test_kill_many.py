"""Three workers, web and bot on PostgreSQL, with workers, web and the server killed under load."""

import asyncio
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd
from outside.evidence import of_postgres
from outside.http import get
from outside.program import START_S, Program, Programs, free_port
from outside.standin import StandIn
from postgres import PostgresServer

MESSAGES = 6
WORKERS = 3
pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(900)]


class Cluster:
    """The parts of the product on one PostgreSQL server.

    A fourth worker is stopped where it stands, with messages in its hands, for longer than its
    lease: it goes on when everything is over, and must not change anything then.
    """

    def __init__(self, programs: Programs, server: PostgresServer, crowd: Crowd, port: int) -> None:
        self.programs = programs
        self.server = server
        self.crowd = crowd
        self._port = port
        self.workers = [self._worker(number) for number in range(WORKERS)]
        self.web = self._web()
        self.bot = programs.start("bot").ready()
        self.sleeper = programs.start("worker", name="sleeper")

    def supervise(self) -> None:
        """Start again what gave up, as parts do that start while the server is down."""
        self.workers = [
            self._worker(number) if worker.ended() else worker
            for number, worker in enumerate(self.workers)
        ]
        self.web = self._web() if self.web.ended() else self.web

    def revive(self) -> "Cluster":
        """Do what a supervisor does until all parts are ready."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            self.supervise()
            parts = (*self.workers, self.web)
            if all(part.records("dripline.ready") and not part.ended() for part in parts):
                return self
            time.sleep(0.1)
        logs = [f"{part.name}: {part.log()[-1000:]}" for part in (*self.workers, self.web)]
        raise AssertionError("not all parts came back\n" + "\n".join(logs))

    def wait_for_traffic(self) -> None:
        """Wait until messages go out again: a blow is to strike those at work."""
        telegram = self.crowd.telegram
        wanted = len(telegram.sent()) + 1

        def goes_out() -> bool:
            self.supervise()
            return len(telegram.sent()) >= wanted

        telegram.wait_for(goes_out, 60, "messages go out")

    def _worker(self, number: int) -> Program:
        return self.programs.start("worker", name=f"worker{number}")

    def _web(self) -> Program:
        return self.programs.start("web", "--port", str(self._port))

    def ready(self) -> "Cluster":
        """Wait until all parts are ready."""
        for part in (*self.workers, self.web, self.bot, self.sleeper):
            part.ready()
        return self

    def kill_worker(self) -> None:
        """Kill a worker and start another one."""
        number = random.randrange(WORKERS)
        self.workers[number].kill()
        self.crowd.struck("worker")
        self.workers[number] = self._worker(number)

    def kill_web(self) -> None:
        """Kill the web part and start it again."""
        self.web.kill()
        self.crowd.struck("web")
        self.web = self._web()

    def kill_database(self) -> None:
        """Kill the server with all its processes, and start it again."""
        self.server.kill()
        self.crowd.struck("database")
        time.sleep(random.uniform(0.0, 0.5))
        self.server.start()

    def put_to_sleep(self) -> int:
        """Stop the fourth worker if it holds messages just now; return how many."""
        self.sleeper.pause()
        mine = f"SELECT count(*) FROM inflight WHERE worker LIKE '%:{self.sleeper.pid}:%'"
        try:
            held = int(self.server.sql(mine, "faults"))
        except AssertionError:  # the server is on its way back
            held = 0
        if not held:
            self.sleeper.go_on()
        return held

    def stop(self) -> float:
        """End all parts; return the longest time one of them took."""
        ends = [part.stop() for part in (*self.workers, self.web, self.bot, self.sleeper)]
        assert [status for status, _ in ends] == [0] * len(ends)
        return max(seconds for _, seconds in ends)


def test_killed_at_random_moments_they_lose_nothing(
    telegram: StandIn,
    tmp_path: Path,
    postgres_server: PostgresServer,
    rounds: Callable[[int], int],
) -> None:
    content = folder.write(tmp_path / "content", {"course": folder.course(MESSAGES)})
    url = postgres_server.create_database("faults")
    crowd = Crowd(telegram, MESSAGES)
    telegram.latency_s = lambda: random.uniform(0.002, 0.08)
    telegram.duplicates = 0.1
    port = free_port()
    with Programs(
        tmp_path,
        database_url=url,
        telegram_api_base=telegram.url,
        telegram_updates="webhook",
        public_url=f"http://127.0.0.1:{port}",
        secret_key="one-for-all-parts",
    ) as programs:
        pushed = programs.ask("content", "push", str(content))
        assert pushed.returncode == 0, pushed.stderr
        cluster = Cluster(programs, postgres_server, crowd, port).ready()
        blows = {
            "worker": (cluster.kill_worker, rounds(14)),
            "web": (cluster.kill_web, rounds(8)),
            "database": (cluster.kill_database, rounds(8)),
        }
        plan = [name for name, (_, times) in blows.items() for _ in range(times)]
        random.shuffle(plan)
        held = 0
        for name in plan:
            crowd.come(20)
            cluster.wait_for_traffic()
            time.sleep(random.uniform(0.1, 0.8))  # the moment is the test
            blows[name][0]()
            held = held or cluster.put_to_sleep()
        cluster.revive()
        crowd.wait_until_done(240)
        cluster.sleeper.go_on()
        # And what it had settled in the moment in which the database died, without hearing of it.
        cluster.sleeper.wait_for(lambda: _fenced(cluster.sleeper) >= held)
        seconds = cluster.stop()
    tally = crowd.verify(of_postgres(postgres_server, "faults"), "three workers on PostgreSQL")
    print(f"{tally}; {held} late results fenced off; graceful stop {seconds:.1f} s")
    # What was in flight is a fifth of a second of work; how much that is, the machine decides.
    assert tally.repeats < tally.messages / 2


def _fenced(worker: Program) -> int:
    _, body = asyncio.run(get(f"{worker.address}/metrics"))
    found = re.search(rb"^dripline_fenced_total (\S+)", body, re.MULTILINE)
    return int(float(found[1])) if found else 0
