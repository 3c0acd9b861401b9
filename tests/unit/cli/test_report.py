"""`dripline report posts`, as an operator reads it."""

import asyncio
import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from dripline.cli.app import app
from dripline.clock import RealClock
from dripline.database import Database
from dripline.engagement import posts
from dripline.engagement.models import Goal
from dripline.ids import new_id


async def _posted(url: str) -> None:
    now = RealClock().now() - timedelta(hours=1)
    database = Database.from_url(url)
    async with database.transaction() as session:
        for promo, chat in (("premium", "-1"), ("premium", "-2"), ("basic", "-1")):
            at = now - timedelta(hours=4) if promo == "basic" else now
            number = await posts.number(session, posts.PostRef("promos", at, chat, promo), at)
            await posts.posted(session, number, at, 1200)
        session.add(
            Goal(
                event_id=new_id(), contact_id=new_id(), kind="payment", reached_at=now,
                amount=150_000, currency="RUB", last_kind="post", last_ref="", last_post_id=1,
            )
        )  # fmt: skip
    await database.close()


@pytest.fixture
def runner(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    return CliRunner()


def test_what_posts_brought(runner: CliRunner, sqlite_url: str) -> None:
    assert "Nothing was posted" in runner.invoke(app, ["report", "posts"]).output
    asyncio.run(_posted(sqlite_url))
    head, first, second = runner.invoke(app, ["report", "posts"]).output.splitlines()
    assert head.split() == [
        "posts", "reach", "clicks", "people", "starts", "completed", "paid", "revenue",
    ]  # fmt: skip
    assert first.split() == ["premium", "2", "2,400", "0", "0", "0", "0", "1", "1,500.00", "RUB"]
    assert second.split()[:3] == ["basic", "1", "1,200"]
    by_first = runner.invoke(app, ["report", "posts", "--touch", "first", "--by", "chat"]).output
    assert "RUB" not in by_first
    assert [line.split()[0] for line in by_first.splitlines()[1:]] == ["-1", "-2"]
    found = json.loads(runner.invoke(app, ["report", "posts", "--json", "--by", "post"]).output)
    assert {line["group"]["post"] for line in found} == {1, 2, 3}
