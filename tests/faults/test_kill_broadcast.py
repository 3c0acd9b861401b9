"""A broadcast whose process is killed while it is launched and while it is sent, on both databases.

Nobody gets it twice but those whose message was in flight at a kill; nobody is forgotten.
"""

import csv
import json
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from outside import folder
from outside.evidence import Ask, count, of_postgres, of_sqlite
from outside.program import Programs
from outside.standin import Call, StandIn
from postgres import PostgresServer

CONTACTS_A_ROUND = 375
KEY = "news"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def write_content(root: Path) -> Path:
    content = folder.write(root, {"course": folder.course(1)})
    entry = {
        "id": KEY, "name": "News", "template_file": f"{KEY}.md", "created_at": folder.CREATED,
        "targeting": {"conditions": []},
    }  # fmt: skip
    (content / "broadcasts/messages").mkdir(parents=True)
    (content / "broadcasts/registry.json").write_text(json.dumps({"broadcasts": [entry]}))
    (content / f"broadcasts/messages/{KEY}.md").write_text("news for {{ user.first_name }}")
    return content


def write_contacts(file: Path, how_many: int) -> Path:
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["telegram_id", "first_name"])
        rows.writerows([number, f"c{number}"] for number in range(1, how_many + 1))
    return file


def kill_while_it_goes_out(
    telegram: StandIn,
    root: Path,
    url: str,
    change: Callable[[str], object],
    ask: Ask,
    rounds: Callable[[int], int],
) -> None:
    telegram.latency_s = lambda: random.uniform(0.002, 0.08)
    blows_to_come = rounds(6)
    contacts = CONTACTS_A_ROUND * blows_to_come  # so that the last blow falls into the sending too
    with Programs(root, database_url=url, telegram_api_base=telegram.url) as programs:
        for command in (
            ("db", "upgrade"),
            ("content", "push", str(write_content(root / "content"))),
            ("contacts", "import", str(write_contacts(root / "people.csv", contacts))),
        ):
            done = programs.ask(*command)
            assert done.returncode == 0, done.stderr
        change("UPDATE addresses SET reachability = 'reachable'")  # as if each had pressed Start
        run = programs.start("run").ready()
        sent = programs.ask("broadcasts", "send", KEY, "--yes")
        assert sent.returncode == 0, sent.stderr
        blows: list[float] = []
        for number in range(blows_to_come):
            # The first ones fall into the launch: a page of a thousand is a few milliseconds.
            time.sleep(random.uniform(0.0, 0.05 if number < 4 else 0.6))
            run.kill()
            blows.append(time.monotonic())
            run = programs.start("run").ready()
        telegram.wait_for(
            lambda: len(telegram.reached) == contacts, 30.0 * blows_to_come, "everybody has it"
        )
        run.wait_for(lambda: ask("SELECT status FROM broadcasts") == [("done",)])
        assert run.stop()[0] == 0
    verify(telegram, ask, blows, contacts)


def verify(telegram: StandIn, ask: Ask, blows: list[float], contacts: int) -> None:
    calls: dict[int, list[Call]] = defaultdict(list)
    for call in telegram.sent():
        calls[call.chat].append(call)
    settled = dict(
        ask("SELECT recipient, provider_ids FROM message_deliveries WHERE status = 'sent'")
    )
    assert sorted(calls) == list(range(1, contacts + 1))
    repeats = 0
    for contact, same in calls.items():
        assert {call.text for call in same} == {f"news for c{contact}"}
        repeats += len(same) - 1
        # A message that was settled is never sent again: the last request is the one that counts.
        assert settled[str(contact)] == str(same[-1].message_ids[0])
    print(f"\n{contacts} recipients, {len(blows)} kills, {repeats} repeated, none lost")
    assert repeats < contacts / 2
    assert len(settled) == contacts
    for nothing in ("queue", "inflight", "broadcast_parked", "broadcast_missed"):
        assert count(ask, f"SELECT count(*) FROM {nothing}") == 0, nothing
    told = ask("SELECT queued, sent, failed, skipped FROM broadcasts")
    assert told == [(str(contacts), str(contacts), "0", "0")]


def test_on_sqlite(telegram: StandIn, tmp_path: Path, rounds: Callable[[int], int]) -> None:
    file = tmp_path / "dripline.db"

    def change(sql: str) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(sql)

    url = f"sqlite:///{file}"
    kill_while_it_goes_out(telegram, tmp_path, url, change, of_sqlite(file), rounds)


@pytest.mark.postgres
def test_on_postgresql(
    telegram: StandIn,
    tmp_path: Path,
    postgres_server: PostgresServer,
    rounds: Callable[[int], int],
) -> None:
    url = postgres_server.create_database("faults_broadcast")
    ask = of_postgres(postgres_server, "faults_broadcast")

    def change(sql: str) -> None:
        postgres_server.sql(sql, "faults_broadcast")

    kill_while_it_goes_out(telegram, tmp_path, url, change, ask, rounds)
