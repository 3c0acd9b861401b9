"""Rotations by API: written as content, started, stopped, run; what was posted."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api_world import Api
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.rotations.duty import PostSlots
from dripline.wiring.rotations import SourcesOfSettings

PROMOS: dict[str, Any] = {
    "name": "Promos",
    "chats": [{"chat": "-1001"}, {"chat": "-1002", "topic": 5, "language": "ru"}],
    "interval_hours": 4,
    "posts": [
        {"id": "one", "texts": {"": "Only 5.99!", "ru": "Всего 5.99!"}, "format": "markdownv2"},
        {"id": "two", "texts": {"": "<b>Two</b>"}},
    ],
}


@pytest.fixture
def api(database: Database, clock: VirtualClock) -> Api:
    return Api(database, clock)


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as client:
        yield client


async def test_a_chat_may_be_an_id_or_a_name_alone(http: httpx.AsyncClient) -> None:
    made = await http.put("/api/v1/rotations/promos", json={**PROMOS, "chats": [-1001, "@news"]})
    assert made.status_code == 200, made.text
    assert [one["chat"] for one in made.json()["chats"]] == ["-1001", "@news"]
    assert made.json()["schedule"] == "every 4 hours"
    for wrong in (True, 1.5, None, [], "news", {}):
        refused = await http.put("/api/v1/rotations/promos", json={**PROMOS, "chats": [wrong]})
        assert refused.status_code == 422, wrong


async def test_a_rotation_is_written_run_stopped_and_taken_away(
    api: Api, http: httpx.AsyncClient, clock: VirtualClock
) -> None:
    made = await http.put("/api/v1/rotations/promos", json=PROMOS)
    assert made.status_code == 200, made.text
    assert (made.json()["posts"], made.json()["running"]) == (["one", "two"], True)
    await PostSlots(api.database, api.engine.store, SourcesOfSettings(None)).run_once(clock.now())
    ran = (await http.post("/api/v1/rotations/promos/run")).json()
    assert ran["post"] == "one"
    assert ran["rotation"]["pending"] == 2
    assert ran["rotation"]["next_post"] == "two"
    assert (await http.post("/api/v1/rotations/promos/skip")).json()["post"] == "two"
    stopped = (await http.post("/api/v1/rotations/promos/stop")).json()
    assert (stopped["running"], stopped["next_at"]) == (False, None)
    started = (await http.post("/api/v1/rotations/promos/start")).json()
    assert started["next_at"] is not None
    page = (await http.get("/api/v1/rotations/promos/posts?limit=1")).json()
    assert page["items"][0]["status"] == "pending"
    rest = (await http.get(f"/api/v1/rotations/promos/posts?cursor={page['next_cursor']}")).json()
    assert len(rest["items"]) == 1
    assert {page["items"][0]["chat"], rest["items"][0]["chat"]} == {"-1001", "-1002"}
    assert len((await http.get("/api/v1/rotations")).json()) == 1
    assert (await http.delete("/api/v1/rotations/promos")).status_code == 204
    assert (await http.get("/api/v1/rotations/promos")).status_code == 404
    assert (await http.delete("/api/v1/rotations/promos")).status_code == 404


async def test_a_post_that_is_there_is_named_without_its_text(http: httpx.AsyncClient) -> None:
    await http.put("/api/v1/rotations/promos", json=PROMOS)
    again = await http.put("/api/v1/rotations/promos", json={**PROMOS, "posts": [{"id": "two"}]})
    assert again.json()["posts"] == ["two"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"chats": [{"chat": "12"}]}, "chat"),
        ({"cron": "every day", "interval_hours": None}, "cron line"),
        ({"cron": "0 9 * * *"}, "not both"),
        ({"timezone": "Mars/Base", "interval_hours": None, "cron": "0 9 * * *"}, "timezone"),
        ({"posts": [{"id": "nowhere"}]}, "nowhere"),
        ({"posts": [{"id": "x", "texts": {"": "{{ bot.nope }}"}}]}, "nope"),
        ({"posts": [{"id": "x", "texts": {"": "<b>open"}}]}, "<b>"),
        ({"posts": []}, "posts"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_is_wrong_is_told_and_nothing_is_saved(
    http: httpx.AsyncClient, change: dict[str, Any], word: str
) -> None:
    body = {key: value for key, value in {**PROMOS, **change}.items() if value is not None}
    answer = await http.put("/api/v1/rotations/promos", json=body)
    assert answer.status_code == 422
    assert word in answer.text
    assert (await http.get("/api/v1/rotations/promos")).status_code == 404
