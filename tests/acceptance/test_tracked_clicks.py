"""A link of a message, from Telegram's button to the contact's record, through a killed process."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from outside import folder
from outside.evidence import count, of_sqlite
from outside.program import Program, Programs
from outside.standin import StandIn

PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
TARGET = "https://shop.example/course?x=1"


@pytest.fixture
def telegram(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path) as standin:
        yield standin


def ask(run: Program, path: str, agent: str = PERSON, method: str = "GET") -> tuple[int, str]:
    """Ask the running program; return the status and where it leads."""
    at = urlsplit(run.address)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=5)
    try:
        connection.request(method, path, headers={"User-Agent": agent})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("location") or ""
    finally:
        connection.close()


def test_a_click_survives_the_process_that_answered_it(telegram: StandIn, tmp_path: Path) -> None:
    buttons = folder.buttons([{"type": "url", "text": "Buy", "url": TARGET}])
    course = {"messages": {"m1": {"text": "Here", "inline_keyboard": buttons}}}
    content = folder.write(tmp_path / "content", {"course": course})
    file = tmp_path / "dripline.db"
    database = of_sqlite(file)
    settings = {
        "database_url": f"sqlite:///{file}",
        "telegram_api_base": telegram.url,
        "public_url": "https://go.example",
    }
    with Programs(tmp_path, **settings) as programs:
        run = programs.start("run", "--content", str(content)).ready()
        telegram.says(1, "/start")
        telegram.wait_for(lambda: telegram.sent(1, answered=True))
        (message,) = telegram.sent(1)
        (button,) = message.buttons
        assert button["url"].startswith("https://go.example/r/")
        path = urlsplit(button["url"]).path
        assert ask(run, path) == (302, TARGET)
        assert ask(run, path, agent="TelegramBot (like TwitterBot)") == (302, TARGET)
        assert ask(run, path, method="HEAD") == (302, TARGET)
        assert ask(run, path[:-1])[0] == 404
        run.wait_for(lambda: count(database, "SELECT count(*) FROM message_deliveries"))
        run.kill()
        run = programs.start("run").ready()
        run.wait_for(lambda: count(database, "SELECT count(*) FROM clicks") == 3)
        assert count(database, "SELECT count(*) FROM clicks WHERE human") == 1
        assert count(database, "SELECT count(*) FROM events WHERE name = 'link.clicked'") == 1
        clicked = "SELECT count(*) FROM message_deliveries WHERE status = 'clicked'"
        assert count(database, clicked) == 1
        assert run.stop()[0] == 0
    assert list((tmp_path / "dripline.db-spool").iterdir()) == []


@pytest.mark.slow
def test_a_post_is_followed_into_the_bot_and_as_far_as_the_payment(
    telegram: StandIn, tmp_path: Path
) -> None:
    chat = -1001234567890
    course = {"messages": {"m1": {"text": "Welcome"}}}
    content = folder.write(tmp_path / "content", {"course": course})
    file = tmp_path / "dripline.db"
    database = of_sqlite(file)
    settings = {
        "database_url": f"sqlite:///{file}",
        "telegram_api_base": telegram.url,
        "public_url": "https://go.example",
        "promo_chat_ids": str(chat),
        "guide_chat_ids": str(chat),
    }
    with Programs(tmp_path, **settings) as programs:
        run = programs.start("run", "--content", str(content)).ready()
        for rotation in ("promos", "guides"):
            assert programs.ask("rotations", "run", rotation).returncode == 0
        telegram.wait_for(lambda: len(telegram.sent(chat, answered=True)) >= 2)
        links = [post.buttons[0]["url"] for post in telegram.sent(chat)]
        deep = next(link for link in links if "start=p_" in link)
        web = next(link for link in links if link.startswith("https://go.example/r/"))
        code = deep.partition("start=")[2]
        telegram.says(1, f"/start {code}")
        telegram.says(2, f"/start {code[:-2]}xx")
        telegram.wait_for(lambda: len(telegram.sent(2, answered=True)) >= 2)
        telegram.wait_for(lambda: telegram.sent(1, answered=True))
        assert telegram.texts(1) == ["Welcome"]
        assert telegram.texts(2)[0].startswith("This link leads nowhere any more")
        assert ask(run, urlsplit(web).path)[0] == 302
        assert ask(run, urlsplit(web).path)[0] == 302  # the same person again
        assert ask(run, urlsplit(web).path, agent="Slackbot 1.0")[0] == 302
        run.wait_for(lambda: count(database, "SELECT count(*) FROM clicks") == 4)
        paid = programs.ask("payments", "record", "1", "1500", "--scenario", "course")
        assert paid.returncode == 0, paid.stderr
        run.wait_for(lambda: count(database, "SELECT count(*) FROM goals WHERE kind = 'payment'"))
        said = programs.ask("report", "posts", "--by", "rotation", "--json")
        lines = {one["group"]["rotation"]: one for one in json.loads(said.stdout)}
        assert run.stop()[0] == 0
    promos, guides = lines["promos"], lines["guides"]
    assert (promos["posts"], promos["clicks"], promos["people"], promos["starts"]) == (1, 1, 1, 1)
    assert promos["last"]["revenue"] == promos["first"]["revenue"] == {"RUB": 150_000}
    assert (guides["clicks"], guides["repeats"], guides["machines"]) == (1, 1, 1)
