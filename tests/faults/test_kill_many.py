"""Three workers, web and bot on PostgreSQL, with workers, web and the server killed under load."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd
from outside.evidence import of_postgres
from outside.program import Program, Programs, free_port
from outside.standin import StandIn
from postgres import PostgresServer

MESSAGES = 6
WORKERS = 3
pytestmark = [pytest.mark.postgres, pytest.mark.slow]


class Cluster:
    """The parts of the product on one PostgreSQL server."""

    def __init__(self, programs: Programs, server: PostgresServer, port: int) -> None:
        self.programs = programs
        self.server = server
        self._port = port
        self.workers = [self._worker(number) for number in range(WORKERS)]
        self.web = self._web()
        self.bot = programs.start("bot").ready()

    def _worker(self, number: int) -> Program:
        return self.programs.start("worker", name=f"worker{number}")

    def _web(self) -> Program:
        return self.programs.start("web", "--port", str(self._port))

    def ready(self) -> "Cluster":
        """Wait until all parts are ready."""
        for part in (*self.workers, self.web, self.bot):
            part.ready()
        return self

    def kill_worker(self) -> None:
        """Kill a worker and start another one."""
        number = random.randrange(WORKERS)
        self.workers[number].kill()
        self.workers[number] = self._worker(number)

    def kill_web(self) -> None:
        """Kill the web part and start it again."""
        self.web.kill()
        self.web = self._web()

    def kill_database(self) -> None:
        """Kill the server with all its processes, and start it again."""
        self.server.kill()
        time.sleep(random.uniform(0.0, 0.5))
        self.server.start()

    def stop(self) -> float:
        """End all parts; return the longest time one of them took."""
        ends = [part.stop() for part in (*self.workers, self.web, self.bot)]
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
        cluster = Cluster(programs, postgres_server, port).ready()
        blows = {
            "worker": (cluster.kill_worker, rounds(14)),
            "web": (cluster.kill_web, rounds(8)),
            "database": (cluster.kill_database, rounds(8)),
        }
        plan = [name for name, (_, times) in blows.items() for _ in range(times)]
        random.shuffle(plan)
        for name in plan:
            crowd.come(25)
            time.sleep(random.uniform(0.1, 0.8))  # the moment is the test
            crowd.struck(name)
            blows[name][0]()
        cluster.ready()
        crowd.wait_until_done(120)
        seconds = cluster.stop()
    tally = crowd.verify(of_postgres(postgres_server, "faults"), "three workers on PostgreSQL")
    print(f"{tally}; graceful stop {seconds:.1f} s")
    assert tally.repeats < tally.messages / 10
