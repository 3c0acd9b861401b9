"""The nouns of the API on both databases: content in, people through it, what happened out."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api_world import Api, code
from dripline.clock import VirtualClock
from dripline.database import Database

COURSE: dict[str, Any] = {
    "config": {"name": "Course", "prodamus": {"product_name": "Course", "product_price": "1500"}},
    "order": ["one", "two"],
    "messages": {
        "one": {"texts": {"": "Hi {{ user.first_name }} {{ context.coupon | default: '' }}"}},
        "two": {"texts": {"": "Day two"}, "timing": {"days": 1}},
    },
    "summary": {"texts": {"": "What you had"}},
}


@pytest.fixture
async def api(database: Database, clock: VirtualClock) -> Api:
    made = Api(database, clock)
    await made.person(7)
    return made


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as client:
        yield client


async def put_course(http: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await http.put("/api/v1/scenarios/course", json={"document": {**COURSE, **changes}})


async def test_a_scenario_is_written_entered_and_followed(
    api: Api, http: httpx.AsyncClient
) -> None:
    assert (await put_course(http)).status_code == 200
    made = await http.post(
        "/api/v1/enrollments",
        json={"contact": "7", "scenario": "course", "context": {"coupon": "SPRING"}},
    )
    assert made.status_code == 201, made.text
    assert await api.settle() == ["Hi Anna SPRING"]
    row = (await http.get(f"/api/v1/enrollments/{made.json()['id']}")).json()
    assert (row["messages_sent"], row["messages"], row["status"]) == (1, 2, "active")
    assert row["next_due_at"] == "2026-03-03T12:00:00Z"
    again = await http.post("/api/v1/enrollments", json={"contact": "7", "scenario": "course"})
    assert (again.status_code, code(again)) == (409, "SCENARIO_ALREADY_ACTIVE")
    await http.post(f"/api/v1/enrollments/{row['id']}/advance")
    assert await api.settle() == ["Day two"]
    done = await http.post(f"/api/v1/enrollments/{row['id']}/cancel")
    assert (done.status_code, code(done)) == (409, "INVALID_SCENARIO_STATE")
    deliveries = (await http.get("/api/v1/deliveries", params={"contact": "7"})).json()["items"]
    assert [one["message_id"] for one in deliveries] == ["two", "one"]
    whole = (await http.get(f"/api/v1/deliveries/{deliveries[1]['id']}")).json()
    assert whole["content"] == "Hi Anna SPRING"
    assert whole["tracking_id"] == uuid.UUID(whole["id"]).hex
    assert whole["provider_ids"] == ["1"]
    assert whole["metadata"] == {"run": 1, "resend": 0}
    assert whole["decision"]["reason"] == "first_message"
    why = (await http.get("/api/v1/contacts/7/why")).json()
    assert [line["kind"] for line in why].count("sent") == 2


async def test_a_scenario_is_planned_saved_again_and_read_back(
    api: Api, http: httpx.AsyncClient
) -> None:
    await put_course(http)
    await http.post("/api/v1/enrollments", json={"contact": "7", "scenario": "course"})
    await api.settle()
    read = (await http.get("/api/v1/scenarios/course")).json()
    assert (read["revision"], read["people"], read["is_default"]) == (1, {"active": 1}, True)
    document = read["document"]
    assert (await put_course(http)).json()["number"] == 1  # the same again is no revision
    document["order"].append("three")
    document["messages"]["three"] = {"texts": {"": "Day three"}, "timing": {"days": 1}}
    plan = (await http.post("/api/v1/scenarios/course/plan", json={"document": document})).json()
    assert (plan["added"], plan["people"], plan["ahead"]) == (["three"], 1, {"three": 1})
    saved = await http.put(
        "/api/v1/scenarios/course", json={"document": document, "base_revision": 1}
    )
    assert saved.json()["number"] == 2, saved.text
    stale = await http.put(
        "/api/v1/scenarios/course", json={"document": document, "base_revision": 1}
    )
    assert (stale.status_code, code(stale)) == (409, "CONTENT_CONFLICT")
    numbers = [
        one["number"]
        for one in (await http.get("/api/v1/scenarios/course/revisions")).json()["items"]
    ]
    assert numbers == [2, 1]


async def test_a_wrong_document_is_refused_with_the_place(http: httpx.AsyncClient) -> None:
    messages = {**COURSE["messages"], "two": {"texts": {"": "Hi {{ user.frist_name }}"}}}
    answer = await put_course(http, messages=messages)
    assert (answer.status_code, code(answer)) == (422, "CONTENT_INVALID")
    problems = answer.json()["error"]["details"]["problems"]
    [problem] = [one for one in problems if one["severity"] == "error"]
    assert (problem["file"], problem["line"]) == ("scenarios/course/messages/two.md", 1)
    for broken in (
        {"order": ["one"]},
        {"order": ["one", "one"]},
        {"messages": {"../one": {"texts": {"": "x"}}}, "order": ["../one"]},
        {"messages": {"one": {"texts": "x"}}, "order": ["one"]},
        {"messages": {"one": {"texts": {"": "x"}, "media": [{"sha256": "0"}]}}, "order": ["one"]},
    ):
        assert code(await put_course(http, **broken)) == "CONTENT_INVALID"
    assert (await http.get("/api/v1/scenarios")).json()["items"] == []


async def test_pausing_activating_deleting(api: Api, http: httpx.AsyncClient) -> None:
    await put_course(http)
    assert (await http.post("/api/v1/scenarios/course/pause")).json()["paused"] is True
    await http.post("/api/v1/enrollments", json={"contact": "7", "scenario": "course"})
    assert await api.settle() == []
    assert (await http.post("/api/v1/scenarios/course/resume")).json()["paused"] is False
    assert await api.settle() == ["Hi Anna "]
    off = (await http.post("/api/v1/scenarios/course/deactivate")).json()
    assert off["is_active"] is False
    assert (await http.get("/api/v1/scenarios/course")).json()["is_active"] is False
    await http.post("/api/v1/scenarios/course/activate")
    assert (await http.delete("/api/v1/scenarios/course")).status_code == 409
    other = await http.put("/api/v1/scenarios/other", json={"document": COURSE})
    assert other.status_code == 200
    await http.post("/api/v1/scenarios/other/default")
    assert (await http.delete("/api/v1/scenarios/course")).json() == {"deleted": "course"}
    assert code(await http.get("/api/v1/scenarios/course")) == "SCENARIO_NOT_FOUND"


async def test_contacts_are_created_changed_found_and_erased(
    api: Api, http: httpx.AsyncClient
) -> None:
    made = await http.post(
        "/api/v1/contacts",
        json={
            "telegram_id": 42,
            "first_name": "Вера",
            "timezone": "Europe/Berlin",
            "attributes": {"city": "Köln", "score": 3},
            "add_tags": ["warm", "new"],
            "email": "Vera@Example.com",
        },
    )
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["attributes"], body["tags"]) == ({"city": "Köln", "score": 3}, ["new", "warm"])
    assert {one["channel"]: one["reachability"] for one in body["addresses"]} == {
        "telegram": "reachable", "email": "unverified",
    }  # fmt: skip
    twice = await http.post("/api/v1/contacts", json={"telegram_id": 42})
    assert (twice.status_code, code(twice)) == (409, "CONTACT_EXISTS")
    changed = await http.patch(
        "/api/v1/contacts/42", json={"attributes": {"score": None}, "remove_tags": ["new"]}
    )
    assert (changed.json()["attributes"], changed.json()["tags"]) == ({"city": "Köln"}, ["warm"])
    assert changed.json()["timezone"] == "Europe/Berlin"
    for query in ("вера", "42", "Вер"):
        found = (await http.get("/api/v1/contacts", params={"query": query})).json()["items"]
        assert [one["id"] for one in found] == [body["id"]]
    tagged = (await http.get("/api/v1/contacts", params={"tag": "warm"})).json()["items"]
    assert len(tagged) == 1
    wishes = {"preferred_channel": "email", "quiet_from": "22:00", "quiet_to": "08:00"}
    answer = await http.patch("/api/v1/contacts/42/preferences", json=wishes)
    assert (answer.json()["preferred_channel"], answer.json()["quiet_from"]) == ("email", 1320)
    bad = await http.patch("/api/v1/contacts/42/preferences", json={"preferred_channel": "owl"})
    assert bad.status_code == 422
    assert (await http.delete("/api/v1/contacts/42")).json()["rows"]["contacts"] == 1
    assert code(await http.get("/api/v1/contacts/42")) == "USER_NOT_FOUND"


@pytest.mark.parametrize(
    "body",
    [
        {"timezone": "Mars/Olympus"},
        {"attributes": {"first_name": "x"}},
        {"attributes": {"a b": 1}},
        {"attributes": {"big": "x" * 5000}},
        {"add_tags": [""]},
        {"telegram_id": -5},
        {"email": "nobody"},
        {"first_name": "x" * 257},
        {"unknown": 1},
    ],
)
async def test_bad_contacts_are_refused_whole(http: httpx.AsyncClient, body: Any) -> None:
    answer = await http.post("/api/v1/contacts", json=body)
    assert answer.status_code == 422, answer.text
    assert len((await http.get("/api/v1/contacts")).json()["items"]) == 1


async def test_pages_are_stable_while_others_are_added(api: Api, http: httpx.AsyncClient) -> None:
    for number in range(100, 120):
        await api.person(number, f"P{number}")
    seen, cursor = [], None
    while True:
        params = {"limit": 6, **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/api/v1/contacts", params=params)).json()
        seen += [one["first_name"] for one in page["items"]]
        await api.person(1000 + len(seen), "Late")
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"P{number}" for number in range(119, 99, -1)] + ["Anna"]


async def test_events_of_ones_own_are_appended_once(api: Api, http: httpx.AsyncClient) -> None:
    event = {"name": "attendance", "contact": "7", "id": "webinar-1", "data": {"x": "ы"}}
    first = await http.post("/api/v1/events", json={"events": [event]})
    assert first.json() == {"appended": 1, "known": 0}
    again = await http.post("/api/v1/events", json={"events": [event, {**event, "id": "w-2"}]})
    assert again.json() == {"appended": 1, "known": 1}
    listed = (await http.get("/api/v1/events", params={"name": "attendance"})).json()["items"]
    assert len(listed) == 2
    for bad in (
        {**event, "name": "payment.succeeded"},
        {**event, "name": "Attendance"},
        {**event, "occurred_at": "2030-01-01T00:00:00Z"},
        {**event, "occurred_at": "2026-01-01T00:00:00"},
        {**event, "contact": "999"},
    ):
        batch = {"events": [{"name": "fine", "contact": "7"}, bad]}
        assert (await http.post("/api/v1/events", json=batch)).status_code in {404, 422}
    assert (await http.get("/api/v1/events", params={"name": "fine"})).json()["items"] == []
    many = [{"name": "many", "contact": "7"} for _ in range(1001)]
    assert (await http.post("/api/v1/events", json={"events": many})).status_code == 422
    assert (await http.post("/api/v1/events", json={"events": many[1:]})).status_code == 201


async def test_an_event_registers_whoever_it_names(api: Api, http: httpx.AsyncClient) -> None:
    await http.post("/api/v1/events", json={"events": [{"name": "registered", "contact": "7"}]})
    await api.settle()
    assert (await http.get("/api/v1/contacts/7")).json()["registered_at"] is not None


async def test_broadcasts_from_writing_to_the_end(api: Api, http: httpx.AsyncClient) -> None:
    from dripline.broadcasts.launch import Launch

    written = await http.put(
        "/api/v1/broadcasts/news",
        json={"name": "News", "texts": {"": "Hello {{ user.first_name }}"}, "conditions": []},
    )
    assert written.json()["status"] == "draft", written.text
    plan = (await http.post("/api/v1/broadcasts/news/plan")).json()
    assert (plan["count"], plan["preview"]["text"]) == (1, "Hello Anna")
    await http.post("/api/v1/broadcasts/news/test", json={"contact": "7"})
    assert await api.settle() == ["Hello Anna"]
    assert (await http.post("/api/v1/broadcasts/news/start", json={})).json()["status"] == "running"
    assert (await http.post("/api/v1/broadcasts/news/pause")).json()["status"] == "paused"
    assert (await http.post("/api/v1/broadcasts/news/resume")).json()["status"] == "running"
    launch = Launch(api.database)
    for _ in range(3):
        await launch.run_once(api.clock.now())
    assert await api.settle() == ["Hello Anna"]
    await launch.run_once(api.clock.now())
    progress = (await http.get("/api/v1/broadcasts/news/progress")).json()
    assert (progress["status"], progress["sent"]) == ("done", 1)
    late = await http.post("/api/v1/broadcasts/news/cancel")
    assert (late.status_code, code(late)) == (409, "INVALID_BROADCAST_STATE")
    assert code(await http.get("/api/v1/broadcasts/nothing")) == "BROADCAST_NOT_FOUND"
    bad = {"name": "x", "texts": {"": "{{ user.nope }}"}, "conditions": ["no_such_word"]}
    answer = await http.put("/api/v1/broadcasts/bad", json=bad)
    assert code(answer) == "CONTENT_INVALID"
    assert len(answer.json()["error"]["details"]["problems"]) == 2


async def test_a_payment_is_recorded_once(api: Api, http: httpx.AsyncClient) -> None:
    paid = {"contact": "7", "amount": 150000, "currency": "rub", "provider_event_id": "i-1"}
    first = await http.post("/api/v1/payments", json=paid)
    again = await http.post("/api/v1/payments", json=paid)
    assert first.json()["id"] == again.json()["id"]
    clash = await http.post("/api/v1/payments", json={**paid, "amount": 1})
    assert clash.status_code == 409
    await api.settle()
    listed = (await http.get("/api/v1/payments", params={"contact": "7"})).json()["items"]
    assert [one["outcome"] for one in listed] == ["unmatched"]
    counted = await http.post("/api/v1/segments/count", json={"conditions": ["has_paid"]})
    assert counted.json() == {"count": 1, "of": 1}


async def test_segments_say_what_is_wrong(api: Api, http: httpx.AsyncClient) -> None:
    async with api.client(await api.key("viewer")) as viewer:
        good = await viewer.post("/api/v1/segments/sample", json={"conditions": ["has_not_paid"]})
        assert [one["first_name"] for one in good.json()] == ["Anna"]
        bad = await viewer.post("/api/v1/segments/validate", json={"conditions": ["has_not_payed"]})
        assert (bad.status_code, code(bad)) == (422, "INVALID_SEGMENT")
    assert any(w["word"] == "has_paid" for w in (await http.get("/api/v1/segments/words")).json())


async def test_a_failed_message_is_sent_once_more(api: Api, http: httpx.AsyncClient) -> None:
    from dripline.errors import PermanentFailure

    def refuse(_outgoing: Any) -> None:
        raise PermanentFailure("no such photo")

    await put_course(http)
    api.channel._refuse = refuse
    await http.post("/api/v1/enrollments", json={"contact": "7", "scenario": "course"})
    await api.settle()
    api.channel._refuse = None
    [failed] = (await http.get("/api/v1/deliveries", params={"status": "failed"})).json()["items"]
    assert failed["failure_reason"] == "no such photo"
    assert (await http.post(f"/api/v1/deliveries/{failed['id']}/retry")).status_code == 202
    assert await api.settle() == ["Hi Anna "]
    sent = (await http.get("/api/v1/deliveries", params={"status": "sent"})).json()["items"][0]
    refused = await http.post(f"/api/v1/deliveries/{sent['id']}/retry")
    assert code(refused) == "NOT_FAILED"


async def test_what_waits_is_listed(api: Api, http: httpx.AsyncClient) -> None:
    await put_course(http)
    await http.post("/api/v1/enrollments", json={"contact": "7", "scenario": "course"})
    api.clock.advance(timedelta(seconds=1))
    page = (await http.get("/api/v1/deliveries/waiting")).json()
    assert (page["total"], page["items"][0]["origin"]) == (1, "enrollment")


async def test_webhooks_are_added_changed_and_removed(api: Api, http: httpx.AsyncClient) -> None:
    added = await http.post(
        "/api/v1/webhooks", json={"url": "https://example.com/hook", "names": ["payment.*"]}
    )
    assert added.status_code == 201, added.text
    one = f"/api/v1/webhooks/{added.json()['id']}"
    assert added.json()["secret"].startswith("whsec_")
    assert "secret" not in (await http.get(one)).json()
    off = await http.patch(one, json={"is_on": False, "names": ["*"]})
    assert (off.json()["is_on"], off.json()["names"]) == (False, ["*"])
    assert off.json()["url"] == "https://example.com/hook"
    rotated = (await http.post(f"{one}/rotate")).json()
    assert rotated["secret"] != added.json()["secret"]
    assert (await http.get(f"{one}/deliveries")).json()["items"] == []
    again = await http.post(f"{one}/replay", json={"since": "2026-03-01T00:00:00Z"})
    assert again.json() == {"queued": 0}
    for bad in (
        {"url": "http://example.com", "names": ["*"]},
        {"url": "https://u:p@example.com", "names": ["*"]},
        {"url": "https://example.com", "names": ["a b"]},
        {"url": "https://example.com", "names": []},
    ):
        assert (await http.post("/api/v1/webhooks", json=bad)).status_code == 422
    assert (await http.delete(one)).status_code == 200
    assert code(await http.get(one)) == "WEBHOOK_NOT_FOUND"


async def test_scores_are_shown_and_counted_by_day(api: Api, http: httpx.AsyncClient) -> None:
    from dripline.analytics.duty import CountUp
    from dripline.engagement.models import EngagementScore
    from dripline.engagement.score import points_for, written

    contact_id = (await http.get("/api/v1/contacts/7")).json()["id"]
    empty = (await http.get("/api/v1/contacts/7/engagement")).json()
    assert empty == {"level": "dormant", "scores": {}}
    now, half = api.clock.now(), 86_400
    made = written(points_for(20), int(now.timestamp() * 1_000_000), half)
    async with api.database.transaction() as session:
        session.add(
            EngagementScore(
                contact_id=uuid.UUID(contact_id),
                type="overall",
                score=made.score,
                fades_at=made.fades_at_us,
                half_life=half,
                factors={},
                computed_at=now,
                valid_until=None,
            )
        )
    shown = (await http.get("/api/v1/contacts/7/engagement")).json()
    assert (shown["level"], round(shown["scores"]["overall"]["score"])) == ("engaged", 20)
    for _ in range(3):
        await CountUp(api.database).run_once(api.clock.now())
        api.clock.advance(timedelta(days=1))
    days = (await http.get("/api/v1/analytics/scores")).json()
    assert [one["day"] for one in days] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    on = [{k for k, n in one["levels"]["overall"].items() if n} for one in days]
    assert on == [{"engaged"}, {"at_risk"}, {"at_risk"}]
