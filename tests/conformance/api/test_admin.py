"""The admin API at its own paths, and the plain dashboard, on both databases."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api_world import ADMIN_KEY, Api, code
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.errors import ChannelDown, PermanentFailure

COURSE: dict[str, Any] = {
    "config": {"name": "Course <b>"},
    "order": ["one", "two"],
    "messages": {
        "one": {"texts": {"": "Hi {{ context.coupon | default: 'friend' }}"}},
        "two": {"texts": {"": "two"}, "timing": {"days": 1}},
    },
}


@pytest.fixture
async def api(database: Database, clock: VirtualClock) -> Api:
    made = Api(database, clock)
    await made.person(7, "Anna", username="anna")
    async with made.client() as http:
        answer = await http.put("/api/v1/scenarios/course", json={"document": COURSE})
        assert answer.status_code == 200, answer.text
    return made


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as client:
        yield client


async def trigger(http: httpx.AsyncClient, user_id: Any = 7, **more: Any) -> httpx.Response:
    body = {"user_id": user_id, "sequence_type": "course", **more}
    return await http.post("/admin/api/nurture/trigger", json=body)


async def test_a_channel_that_the_contact_has_not_is_fallen_back_from(
    api: Api, http: httpx.AsyncClient
) -> None:
    made = await trigger(http, 7, context={"coupon": "SPRING"}, override_channel="email")
    assert made.status_code == 200, made.text
    assert await api.settle() == ["Hi SPRING"]


async def test_a_sequence_is_triggered_by_either_id_once(api: Api, http: httpx.AsyncClient) -> None:
    made = await trigger(http, 7, context={"coupon": "SPRING"}, override_channel="telegram")
    assert made.status_code == 200, made.text
    body = made.json()
    assert (body["status"], body["sequence_type"]) == ("triggered", "course")
    assert await api.settle() == ["Hi SPRING"]
    contact_id = body["enrollment"]["contact_id"]
    for user_id in (7, "7", contact_id):
        again = await trigger(http, user_id)
        assert (again.status_code, code(again)) == (409, "SCENARIO_ALREADY_ACTIVE")
    assert code(await trigger(http, 999)) == "USER_NOT_FOUND"
    unknown = await http.post(
        "/admin/api/nurture/trigger", json={"user_id": 7, "sequence_type": "nothing"}
    )
    assert (unknown.status_code, code(unknown)) == (404, "SCENARIO_NOT_FOUND")
    assert (await trigger(http, 7, override_channel="owl")).status_code == 422
    assert (await trigger(http, None)).status_code == 422
    active = (await http.get("/admin/api/nurture/active")).json()["items"]
    assert [(one["user_id"], one["step"], one["of"]) for one in active] == [("7", 1, 2)]


async def test_the_numbers_follow(api: Api, http: httpx.AsyncClient) -> None:
    await trigger(http)
    await api.settle()
    seen = (await http.get("/admin/api/nurture/analytics", params={"days": 30})).json()
    assert (seen["days"], seen["totals"]["sent"]) == (30, 1)
    [course] = seen["sequences"]
    assert (course["sequence_type"], course["steps"]["one"]["sent"]) == ("course", 1)
    metrics = (await http.get("/admin/api/metrics")).json()
    assert metrics["today"]["sent"] == 1
    assert metrics["queue"] == {"due": 0, "waiting": 1, "in_flight": 0, "failed": 0}
    for days in (0, -1, 367, "x"):
        bad = await http.get("/admin/api/nurture/analytics", params={"days": days})
        assert bad.status_code == 422


async def test_processing_wakes_the_workers_and_says_what_waits(
    api: Api, http: httpx.AsyncClient
) -> None:
    await trigger(http)
    wake = api.engine.wakes.event("queue")
    wake.clear()
    answer = await http.post("/admin/api/nurture/process")
    assert answer.json()["due"] == 1
    assert wake.is_set()


async def test_what_failed_is_cleared_and_stays_in_the_log(
    api: Api, http: httpx.AsyncClient
) -> None:
    def refuse(_outgoing: Any) -> None:
        raise PermanentFailure("<script>no</script>")

    api.channel._refuse = refuse
    await trigger(http)
    await api.settle()
    assert (await http.get("/admin/api/metrics")).json()["queue"]["failed"] == 1
    page = (await http.get("/admin/dashboard")).text
    assert "&lt;script&gt;no" in page
    assert "<script" not in page
    assert (await http.post("/admin/api/nurture/clear-failed")).json() == {"cleared": 1}
    assert (await http.post("/admin/api/nurture/clear-failed")).json() == {"cleared": 0}
    assert (await http.get("/admin/api/metrics")).json()["queue"]["failed"] == 0
    failed = await http.get("/api/v1/deliveries", params={"status": "failed"})
    assert len(failed.json()["items"]) == 1


async def test_users_are_listed_and_found(api: Api, http: httpx.AsyncClient) -> None:
    made = await http.post(
        "/api/v1/contacts", json={"first_name": "Vera", "email": "vera@example.com"}
    )
    users = (await http.get("/admin/api/users")).json()["items"]
    assert [(one["user_id"], one["name"], one["email"]) for one in users] == [
        (made.json()["id"], "Vera", "vera@example.com"),
        ("7", "Anna", None),
    ]
    for search in ("ann", "7", "@anna"):
        found = (await http.get("/admin/api/users", params={"search": search})).json()["items"]
        assert [one["user_id"] for one in found] == ["7"]


async def test_email_numbers_and_a_test(api: Api, http: httpx.AsyncClient) -> None:
    stats = (await http.get("/admin/api/email/stats", params={"days": 7})).json()
    assert (stats["days"], stats["messages"]["sent"]) == (7, 0)
    to = {
        "email_address": "Anna@Example.com",
        "user_name": "Anna",
        "template_type": "welcome_email",
    }
    api.set_email_test(None)
    closed = await http.post("/admin/api/email/test", json=to)
    assert (closed.status_code, code(closed)) == (409, "EMAIL_NOT_CONFIGURED")
    sent: list[Any] = []

    async def send(*given: str) -> str | None:
        sent.append(given)
        if len(sent) > 1:
            raise ChannelDown("the mail server did not answer")
        return "m-1"

    api.set_email_test(send)
    done = await http.post("/admin/api/email/test", json=to)
    assert done.json() == {
        "status": "sent", "email_address": "anna@example.com", "message_id": "m-1",
    }  # fmt: skip
    assert sent == [("anna@example.com", "Anna", "welcome_email")]
    down = await http.post("/admin/api/email/test", json=to)
    assert (down.status_code, code(down)) == (409, "EMAIL_NOT_SENT")
    for wrong in ({"email_address": "x\r\nBcc: y@example.com"}, {"template_type": ""}):
        assert (await http.post("/admin/api/email/test", json={**to, **wrong})).status_code == 422


async def test_the_dashboard_asks_for_a_key_and_keeps_a_cookie(api: Api) -> None:
    async with api.client(None) as http:
        asked = await http.get("/admin/dashboard")
        assert asked.status_code == 401
        assert 'type="password"' in asked.text
        wrong = await http.post("/admin/dashboard/login", data={"key": "wrong"})
        assert wrong.status_code == 401
        assert "set-cookie" not in wrong.headers
        foreign = await http.post(
            "/admin/dashboard/login",
            data={"key": ADMIN_KEY},
            headers={"sec-fetch-site": "cross-site"},
        )
        assert foreign.status_code == 403
        right = await http.post("/admin/dashboard/login", data={"key": ADMIN_KEY})
        assert (right.status_code, right.headers["location"]) == (303, "/admin/dashboard")
        cookie = right.headers["set-cookie"]
        for word in ("HttpOnly", "SameSite=strict", "Path=/admin/dashboard"):
            assert word in cookie
        assert ADMIN_KEY not in cookie
        page = await http.get("/admin/dashboard")
        assert page.status_code == 200
        assert "Course &lt;b&gt;" in page.text
        assert "script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await http.get("/admin/api/metrics")).status_code == 401  # no key, only a cookie
        await http.post("/admin/dashboard/logout")
        assert (await http.get("/admin/dashboard")).status_code == 401


async def test_a_cookie_dies_with_its_key_and_cannot_be_forged(api: Api) -> None:
    async with api.client() as admin:
        key = (await admin.post("/api/v1/keys", json={"name": "tv"})).json()
        async with api.client(None) as http:
            await http.post("/admin/dashboard/login", data={"key": key["key"]})
            assert (await http.get("/admin/dashboard")).status_code == 200
            await admin.delete(f"/api/v1/keys/{key['prefix']}")
            assert (await http.get("/admin/dashboard")).status_code == 401
        for forged in ("x", "ImEi.abc.def", "é".encode().decode("latin-1")):
            async with api.client(None) as http:
                answer = await http.get(
                    "/admin/dashboard", headers={b"cookie": f"dripline_dashboard={forged}".encode()}
                )
                assert answer.status_code == 401


async def test_guessing_at_the_form_is_limited_too(api: Api) -> None:
    async with api.client(None, source="198.51.100.1") as http:
        codes = [
            (await http.post("/admin/dashboard/login", data={"key": f"g{n}"})).status_code
            for n in range(14)
        ]
    assert codes[:10] == [401] * 10
    assert codes[-1] == 429
