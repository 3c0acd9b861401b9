"""The power goes while people come and messages go out: what did not reach the disk is gone.

Claims, and updates taken from the inbox, do not wait for the disk: what a cut undoes is done again.
After it there must be whatever was answered, and each message that anybody could see as sent.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd
from outside.evidence import Ask, count, of_postgres, of_sqlite
from outside.http import post
from outside.power import Disk
from outside.program import Program, Programs
from outside.standin import StandIn
from postgres import PostgresServer

MESSAGES = 6
KEY = "a-key-of-the-admin-0123456789abcdef"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Machine:
    """What the database holds, what a cut makes of it, and whether the disk lacks anything."""

    ask: Ask
    cut: Callable[[], None]
    behind: Callable[[], bool] = lambda: True


def test_on_sqlite(telegram: StandIn, tmp_path: Path, rounds: Callable[[int], int]) -> None:
    file = tmp_path / "dripline.db"
    disk, dice = Disk(file), random.Random()

    machine = Machine(of_sqlite(file), lambda: disk.cut(dice), disk.behind)
    url = f"sqlite:///{file}"
    with Programs(
        tmp_path,
        database_url=url,
        admin_api_key=KEY,
        telegram_api_base=telegram.url,
        **disk.settings,
    ) as programs:
        cut_again_and_again(telegram, programs, machine, rounds(2))
    print(f"{disk.sectors_behind} sectors of 512 bytes were not on the disk")
    assert disk.sectors_behind > 0


@pytest.mark.postgres
def test_on_postgresql(
    telegram: StandIn,
    tmp_path: Path,
    postgres_server: PostgresServer,
    rounds: Callable[[int], int],
) -> None:
    url = postgres_server.create_database("power")
    # Nothing but a commit that waits brings the log to the disk.
    postgres_server.sql("ALTER SYSTEM SET wal_writer_delay = '10s'")
    postgres_server.sql("SELECT pg_reload_conf()")

    def cut() -> None:
        postgres_server.kill()  # with what it had in memory
        postgres_server.start()

    machine = Machine(of_postgres(postgres_server, "power"), cut)
    with Programs(
        tmp_path, database_url=url, admin_api_key=KEY, telegram_api_base=telegram.url
    ) as programs:
        cut_again_and_again(telegram, programs, machine, rounds(2))


def cut_again_and_again(
    telegram: StandIn, programs: Programs, machine: Machine, times: int
) -> None:
    folder.write(programs.folder / "content", {"course": folder.course(MESSAGES)})
    crowd, ask = Crowd(telegram, MESSAGES), machine.ask
    telegram.latency_s = lambda: random.uniform(0.002, 0.08)
    answered: list[str] = []
    run = programs.start("run", "--content", "content").ready()
    for number in range(times):
        in_the_air = len(telegram.sent()) + random.randrange(1, 20)
        crowd.come(20)
        telegram.wait_for(lambda wanted=in_the_air: len(telegram.sent()) >= wanted)
        seen = settled(ask)
        if number % 2:  # just after an answer, or while the disk is behind
            answered += [create_contact(run), create_contact(run)]
        else:
            run.wait_for(lambda stopped=run: caught(stopped, machine.behind))
        run.kill()
        crowd.struck("run")
        machine.cut()
        assert seen <= settled(ask), "messages that were seen as sent are gone"
        assert set(answered) <= contacts(ask), "contacts that were answered for are gone"
        run = programs.start("run").ready()
    crowd.wait_until_done(60)
    assert run.stop()[0] == 0
    tally = crowd.verify(ask, "power cuts")
    print(f"{tally}; {len(answered)} contacts made by the API, none lost")
    assert count(ask, "SELECT count(*) FROM contacts") == len(crowd.contacts) + len(answered)


def caught(run: Program, behind: Callable[[], bool]) -> bool:
    """Stop the program where it stands while the disk is behind; return whether it was."""
    run.pause()
    if behind():
        return True
    run.go_on()
    return False


def settled(ask: Ask) -> set[tuple[str, ...]]:
    """Return what anybody who looks sees as sent."""
    return set(ask("SELECT recipient, message_id, provider_ids FROM message_deliveries"))


def create_contact(run: Program) -> str:
    name = f"api{random.getrandbits(48):x}"
    headers = {"Authorization": f"Bearer {KEY}"}
    body = json.dumps({"first_name": name}).encode()
    status, said = asyncio.run(post(f"{run.address}/api/v1/contacts", body, headers))
    assert status == 201, said
    return name


def contacts(ask: Ask) -> set[str]:
    return {name for (name,) in ask("SELECT first_name FROM contacts")}
