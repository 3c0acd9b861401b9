"""The program in other forms, from outside: webhook, several bots, many parts, a watched folder."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from outside import folder
from outside.crowd import Crowd
from outside.evidence import count, of_postgres, of_sqlite
from outside.http import post
from outside.program import Programs, free_port
from outside.standin import TOKEN, StandIn
from postgres import PostgresServer

pytestmark = pytest.mark.slow
NEWS = "7000000009:AAH-a-second-bot-of-the-same-people-012345"


@pytest.fixture
def telegram(tmp_path: Path) -> Iterator[StandIn]:
    """A Bot API with two bots."""
    with StandIn(tmp_path, [TOKEN, NEWS]) as started:
        yield started


def test_a_webhook_takes_each_update_once_and_only_with_its_secret(
    telegram: StandIn, tmp_path: Path
) -> None:
    folder.write(tmp_path / "content", {"course": folder.course(2)})
    port = free_port()
    with Programs(
        tmp_path,
        database_url="sqlite:///data.db",
        telegram_api_base=telegram.url,
        telegram_updates="webhook",
        public_url=f"http://127.0.0.1:{port}",
    ) as programs:
        run = programs.start("run", "--content", "content", "--port", str(port)).ready()
        telegram.wait_for(lambda: telegram.bots[TOKEN].webhook is not None)
        hook = telegram.of_method("setWebhook")[0]
        assert 1 <= len(hook.fields["secret_token"]) <= 256
        assert "my_chat_member" in hook.fields["allowed_updates"]
        number = telegram.says(1, "/start")
        telegram.wait_for(lambda: telegram.texts(1) == ["m1 for c1", "m2 for c1"])
        telegram.give_again(number, times=3)
        telegram.wait_for(lambda: telegram.bots[TOKEN].delivered.count((number, 200)) == 4)
        forged = json.dumps({"update_id": number + 50, "message": {}}).encode()
        url = str(hook.fields["url"])
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
            assert asyncio.run(post(url, forged, headers))[0] == 403
        right = {"X-Telegram-Bot-Api-Secret-Token": str(hook.fields["secret_token"])}
        assert asyncio.run(post(url, b"no json", right))[0] == 422
        assert asyncio.run(post(url.replace("main", "other"), forged, right))[0] == 404
        assert telegram.of_method("getUpdates") == []
        telegram.says(2, "/start")
        telegram.wait_for(lambda: telegram.texts(2) == ["m1 for c2", "m2 for c2"])
        assert telegram.texts(1) == ["m1 for c1", "m2 for c1"]
        assert run.stop()[0] == 0
    ask = of_sqlite(tmp_path / "data.db")
    assert count(ask, "SELECT count(*) FROM inbox") == 2


def test_each_bot_answers_its_own_people(telegram: StandIn, tmp_path: Path) -> None:
    folder.write(tmp_path / "content", {"course": folder.course(2)})
    with Programs(
        tmp_path,
        database_url="sqlite:///data.db",
        telegram_api_base=telegram.url,
        telegram_bot_token_news=NEWS,
    ) as programs:
        run = programs.start("run", "--content", "content").ready()
        telegram.says(1, "/start")
        telegram.says(1, "/start", token=NEWS)
        telegram.says(2, "/start", token=NEWS)
        telegram.wait_for(lambda: len(telegram.texts(2)) == 2)
        telegram.wait_for(lambda: "m2 for c1" in telegram.texts(1))
        assert {call.bot for call in telegram.sent(2)} == {NEWS}
        assert TOKEN in {call.bot for call in telegram.sent(1)}
        assert run.stop()[0] == 0
        assert TOKEN not in run.log()
        assert NEWS not in run.log()


def test_a_watched_folder_is_followed_and_mistakes_change_nothing(
    telegram: StandIn, tmp_path: Path
) -> None:
    content = folder.write(tmp_path / "content", {"course": folder.course(1)})
    text = content / "scenarios" / "course" / "messages" / "m1.md"
    with Programs(
        tmp_path, database_url="sqlite:///data.db", telegram_api_base=telegram.url
    ) as programs:
        run = programs.start("run", "--content", "content", "--watch").ready()
        text.write_text("edited for {{ user.first_name }}")
        run.wait_for(lambda: len(run.records("content.pushed")) >= 2)
        telegram.says(1, "/start")
        telegram.wait_for(lambda: telegram.texts(1) == ["edited for c1"])
        text.write_text("broken {{ user.frist_name }}")
        run.wait_for(lambda: run.records("content.refused"))
        telegram.says(2, "/start")
        telegram.wait_for(lambda: telegram.texts(2) == ["edited for c2"])
        assert run.stop()[0] == 0


@pytest.mark.postgres
def test_three_workers_web_and_bot_share_the_work_and_send_everything_once(
    telegram: StandIn, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    content = folder.write(tmp_path / "content", {"course": folder.course(4)})
    url = postgres_server.create_database("parts")
    crowd = Crowd(telegram, 4)
    telegram.latency_s = 0.05
    with Programs(tmp_path, database_url=url, telegram_api_base=telegram.url) as programs:
        assert programs.ask("content", "push", str(content)).returncode == 0
        parts = [programs.start("worker", name=f"worker{n}") for n in range(3)]
        parts += [programs.start("web"), programs.start("bot")]
        for part in parts:
            part.ready()
        crowd.come(90)
        crowd.wait_until_done(60)
        assert [part.stop()[0] for part in parts] == [0] * 5
        assert all(TOKEN not in part.log() for part in parts)
    tally = crowd.verify(of_postgres(postgres_server, "parts"), "three workers at peace")
    assert tally.repeats == 0


def test_content_goes_out_and_comes_back_as_it_was(telegram: StandIn, tmp_path: Path) -> None:
    content = folder.write(
        tmp_path / "content",
        {"course": folder.course(3), "other": folder.course(2, prefix="o")},
        variables={"support_link": "https://t.me/support"},
    )
    with Programs(
        tmp_path, database_url="sqlite:///data.db", telegram_api_base=telegram.url
    ) as programs:
        assert programs.ask("content", "check", str(content)).returncode == 0
        assert programs.ask("content", "push", str(content)).returncode == 0
        assert programs.ask("content", "pull", "back").returncode == 0
        again = programs.ask("content", "plan", str(tmp_path / "back"))
        assert again.returncode == 0, again.stderr
        assert _values(content) == _values(tmp_path / "back")
        (content / "scenarios" / "course" / "messages" / "m2.md").write_text("elsewhere edited")
        pushed = programs.ask("content", "push", str(content))
        assert pushed.returncode == 0, pushed.stderr
        (tmp_path / "back" / "scenarios" / "course" / "messages" / "m2.md").write_text("and here")
        refused = programs.ask("content", "push", "back")
        assert refused.returncode != 0
        assert "--force" in refused.stderr
        assert "Traceback" not in refused.stderr


def _values(content: Path) -> dict[str, object]:
    """Return a folder's files by name: JSON as values, texts without their last line break."""
    found: dict[str, object] = {}
    for file in content.rglob("*"):
        if file.is_file() and not file.name.startswith("."):
            text = file.read_text(encoding="utf-8")
            name = str(file.relative_to(content))
            found[name] = json.loads(text) if file.suffix == ".json" else text.rstrip("\n")
    return found
