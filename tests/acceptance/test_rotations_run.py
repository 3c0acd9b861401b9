"""Rotations from outside: the program as it is installed, chats of every kind, workers that die."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from outside import folder
from outside.evidence import count, of_postgres, of_sqlite
from outside.program import Programs
from outside.standin import Call, Fate, StandIn, refuse
from postgres import PostgresServer

pytestmark = pytest.mark.slow
OPEN, CLOSED, SLOW, ALSO = -1001, -1002, -1003, -1004
CHATS = json.dumps([OPEN, CLOSED, SLOW, ALSO])
SECONDS = 2


@pytest.fixture
def telegram(tmp_path: Path) -> Iterator[StandIn]:
    """A Bot API in which one chat has thrown the bot out and another takes its time."""
    with StandIn(tmp_path) as started:
        started.rule = fate
        yield started


def fate(call: Call) -> Fate | None:
    if call.chat == CLOSED and call.sends:
        return refuse(403, "Forbidden: bot was kicked from the channel chat")
    return None


def posts(telegram: StandIn, chat: int) -> list[str]:
    return [call.text.splitlines()[0] for call in telegram.sent(chat) if call.ok]


def test_promos_of_the_environment_go_out_in_order_and_go_on_after_a_restart(
    telegram: StandIn, tmp_path: Path
) -> None:
    folder.write(tmp_path / "content", {"course": folder.course(2)})
    with Programs(
        tmp_path,
        database_url="sqlite:///data.db",
        telegram_api_base=telegram.url,
        promo_chat_ids=CHATS,
        interval_hours=SECONDS / 3600,
    ) as programs:
        run = programs.start("run", "--content", "content").ready()
        telegram.wait_for(lambda: len(posts(telegram, OPEN)) >= 2)
        run.kill()
        time.sleep(3 * SECONDS)
        before = len(posts(telegram, OPEN))
        again = programs.start("run", "--content", "content").ready()
        telegram.wait_for(lambda: len(posts(telegram, OPEN)) >= before + 4)
        assert again.stop()[0] == 0
    heard = posts(telegram, OPEN)
    kinds = list(dict.fromkeys(heard))
    assert len(kinds) == 4
    # One of them may have gone out twice: it was on its way when the process was killed.
    once = [text for at, text in enumerate(heard) if at == 0 or text != heard[at - 1]]
    assert once == [kinds[at % 4] for at in range(len(once))]
    assert len(posts(telegram, ALSO)) >= len(once)
    assert posts(telegram, CLOSED) == []
    ask = of_sqlite(tmp_path / "data.db")
    assert count(ask, "SELECT count(*) FROM rotation_chats WHERE trouble IS NOT NULL") == 1
    doubled = "SELECT rotation_id, slot_at, chat_id FROM rotation_posts GROUP BY 1, 2, 3"
    assert count(ask, f"SELECT count(*) FROM ({doubled} HAVING count(*) > 1) AS d") == 0


@pytest.mark.postgres
def test_two_workers_post_each_slot_once(
    telegram: StandIn, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    folder.write(tmp_path / "content", {"course": folder.course(2)})
    url = postgres_server.create_database("rotations")
    with Programs(
        tmp_path,
        database_url=url,
        telegram_api_base=telegram.url,
        promo_chat_ids=CHATS,
        interval_hours=1 / 3600,
    ) as programs:
        first = programs.start("run", "--content", "content").ready()
        second = programs.start("worker").ready()
        telegram.wait_for(lambda: len(posts(telegram, OPEN)) >= 6)
        assert second.stop()[0] == 0
        assert first.stop()[0] == 0
    ask = of_postgres(postgres_server, "rotations")
    slots = count(ask, "SELECT count(*) FROM rotation_slots")
    assert count(ask, "SELECT count(*) FROM rotation_posts") == 4 * slots
    heard = Counter(call.chat for call in telegram.calls if call.sends and call.ok)
    assert heard[OPEN] <= slots
    assert heard[ALSO] <= slots
