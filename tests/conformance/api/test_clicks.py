"""Clicks and the report on posts over the API."""

import uuid

import pytest

from api_world import Api
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.engagement import posts


@pytest.fixture
async def api(database: Database, clock: VirtualClock) -> Api:
    made = Api(database, clock)
    await made.person(1, "Anna")
    await made.person(2, "Boris")
    return made


async def test_clicks_are_logged_listed_counted_and_converted_once(api: Api) -> None:
    async with api.client() as http:
        one = {"contact": "1", "promo": "premium", "label": "Buy", "chat": "-100"}
        first = await http.post("/api/v1/clicks", json=one | {"metadata": {"plan": "year"}})
        assert first.status_code == 201
        await http.post("/api/v1/clicks", json=one)
        await http.post("/api/v1/clicks", json=one | {"contact": "2"})
        await http.post("/api/v1/clicks", json=one | {"promo": "basic"})
        url = f"/api/v1/clicks/{first.json()['id']}"
        for _ in range(2):
            changed = await http.patch(url, json={"metadata": {"seen": 1}, "converted": True})
            assert changed.status_code == 200
        assert (await http.get(url)).json() == changed.json()
        assert changed.json()["metadata"] == {"plan": "year", "seen": 1}
        assert changed.json()["converted_at"] is not None
        counted = (await http.get("/api/v1/clicks/count", params={"promo": "premium"})).json()
        assert counted == {
            "promo": "premium", "clicks": 3, "unique": 2, "people": 2, "converted": 1,
            "conversion_rate": 50.0, "machines": 0,
        }  # fmt: skip
        of_anna = (await http.get("/api/v1/clicks", params={"contact": "1"})).json()["items"]
        assert [click["promo"] for click in of_anna] == ["basic", "premium", "premium"]
        page = (await http.get("/api/v1/clicks", params={"promo": "premium", "limit": 2})).json()
        more = {"promo": "premium", "cursor": page["next_cursor"]}
        rest = (await http.get("/api/v1/clicks", params=more)).json()
        assert [click["id"] for click in rest["items"]] == [first.json()["id"]]
        assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"contact": "9", "promo": "x"}, 404),
        ({"contact": "1", "promo": ""}, 422),
        ({"contact": "1", "promo": "x" * 65}, 422),
        ({"contact": "1", "promo": "x", "clicked_at": "2099-01-01T00:00:00Z"}, 422),
        ({"contact": "1", "promo": "x", "metadata": {"a": "b" * 20_000}}, 422),
        ({"contact": "1"}, 422),
    ],
)
async def test_a_click_that_cannot_be_is_refused(
    api: Api, body: dict[str, object], status: int
) -> None:
    async with api.client() as http:
        assert (await http.post("/api/v1/clicks", json=body)).status_code == status


async def test_a_click_that_is_not_there(api: Api) -> None:
    async with api.client() as http:
        for answer in (
            await http.get(f"/api/v1/clicks/{uuid.uuid4()}"),
            await http.patch(f"/api/v1/clicks/{uuid.uuid4()}", json={"converted": True}),
        ):
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "CLICK_NOT_FOUND"


async def test_the_report_on_posts(api: Api, clock: VirtualClock) -> None:
    async with api.database.transaction() as session:
        ref = posts.PostRef("promos", clock.now(), "-100", "premium")
        await posts.posted(session, await posts.number(session, ref, clock.now()), clock.now(), 70)
    async with api.client(await api.key("viewer")) as http:
        for by in ("post", "slot", "chat", "promo", "rotation"):
            answer = await http.get("/api/v1/reports/posts", params={"by": by, "days": 7})
            assert answer.status_code == 200
            (line,) = answer.json()["lines"]
            assert (line["posts"], line["reach"], line["clicks"]) == (1, 70, 0)
            assert by in line["group"]
        assert (await http.get("/api/v1/reports/posts", params={"by": "x"})).status_code == 422
