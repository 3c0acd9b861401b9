"""Keys, roles, limits, idempotency and the audit log, on both databases."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import event, select

from api_world import ADMIN_KEY, Api, code
from dripline.api.auth import Role
from dripline.api.guarded import GuardedRoute
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.operators import key_queries
from dripline.operators.models import ApiKey, KeptAnswer
from dripline.wiring.routers import routers_of

PUBLIC = {
    "/telegram/webhook/{bot}",
    "/admin/api/email/webhook",  # signed
    # Its own form asks for the key.
    "/admin/dashboard",
    "/admin/dashboard/login",
    "/admin/dashboard/logout",
}


@pytest.fixture
async def api(database: Database, clock: VirtualClock) -> Api:
    return Api(database, clock)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "wrong"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic d3Jvbmc="},
        {"X-API-Key": "drip_000000000000_" + "a" * 43},
        {"X-API-Key": "x" * 5000},
        {"Authorization": f"bearer{ADMIN_KEY}"},
    ],
)
async def test_a_wrong_key_and_none_are_answered_alike(api: Api, headers: dict[str, str]) -> None:
    async with api.client(None) as http:
        answer = await http.get("/api/v1/keys", headers=headers)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
    assert answer.json()["error"]["message"].startswith("This needs an API key")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": ADMIN_KEY},
        {"Authorization": f"Bearer {ADMIN_KEY}"},
        {"authorization": f"bearer   {ADMIN_KEY} "},
    ],
)
async def test_a_right_key_opens_in_either_header(api: Api, headers: dict[str, str]) -> None:
    async with api.client(None) as http:
        assert (await http.get("/api/v1/keys", headers=headers)).status_code == 200


async def test_without_an_admin_key_nothing_is_open(database: Database, clock: Any) -> None:
    api = Api(database, clock)
    api.app.state.backend.auth._admin = bytes(32)
    async with api.client(None) as http:
        for given in ("", " ", "None"):
            answer = await http.get("/api/v1/keys", headers={"X-API-Key": given})
            assert answer.status_code == 401


async def test_a_key_is_made_used_and_revoked(api: Api) -> None:
    async with api.client() as admin:
        made = await admin.post("/api/v1/keys", json={"name": "CRM", "role": "admin"})
        assert made.status_code == 201
        key = made.json()["key"]
        async with api.client(key) as http:
            assert (await http.get("/api/v1/keys")).status_code == 200
            [row] = (await admin.get("/api/v1/keys")).json()
            assert row["last_used_at"] is not None
            assert "key" not in row
            gone = await admin.delete(f"/api/v1/keys/{row['prefix']}")
            assert gone.json()["revoked_at"] is not None
            assert (await http.get("/api/v1/keys")).status_code == 401
        again = await admin.delete(f"/api/v1/keys/{row['prefix']}")
        assert again.status_code == 409
        assert code(await admin.delete("/api/v1/keys/nothing")) == "KEY_NOT_FOUND"
    async with api.database.reading() as session:
        kept = (await session.scalars(select(ApiKey))).one()
    assert key.encode() not in kept.secret_hash
    assert len(kept.secret_hash) == 32


async def test_a_key_guessed_a_thousand_times(api: Api) -> None:
    seen = []
    async with api.client(None, source="198.51.100.9") as guesser:
        for number in range(1000):
            answer = await guesser.get("/api/v1/keys", headers={"X-API-Key": f"guess-{number}"})
            seen.append(answer.status_code)
        assert set(seen[:10]) == {401}
        assert set(seen[12:]) == {429}
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert code(answer) == "TOO_MANY"
        right = await guesser.get("/api/v1/keys", headers={"X-API-Key": ADMIN_KEY})
        assert right.status_code == 429  # a guess that is right must not show
    async with api.client(source="198.51.100.10") as elsewhere:
        assert (await elsewhere.get("/api/v1/keys")).status_code == 200


async def test_every_wrong_key_costs_the_same_work(api: Api) -> None:
    """What differs in work differs in time: an unknown key, a known prefix, no form at all."""
    key = await api.key("viewer")
    known = key[:-5] + "wrong"
    asked: list[str] = []
    event.listen(
        api.database.reader.sync_engine,
        "before_cursor_execute",
        lambda *a: asked.append(a[2]),
    )
    seen = []
    wrong_ones = (known, "drip_000000000000_" + "a" * 43, "guess", ADMIN_KEY[:-1])
    for number, wrong in enumerate(wrong_ones):
        asked.clear()
        async with api.client(wrong, source=f"192.0.2.{number}") as http:
            assert (await http.get("/api/v1/keys")).status_code == 401
        seen.append([statement for statement in asked if "api_keys" in statement])
    assert len(seen[0]) == 1
    assert all(one == seen[0] for one in seen)


async def test_another_process_at_the_same_request_is_told_to_wait(api: Api) -> None:
    if api.database.is_sqlite:
        pytest.skip("SQLite has one process")
    async with api.client() as http:
        owner = api.app.state.backend.auth.admin_id
        async with api.database.transaction() as session:
            assert await key_queries.have_to_ourselves(session, f"{owner} same")
            answer = await http.post(
                "/api/v1/contacts", json={}, headers={"Idempotency-Key": "same"}
            )
        assert (answer.status_code, code(answer)) == (409, "IDEMPOTENCY_KEY_IN_PROGRESS")
        later = await http.post("/api/v1/contacts", json={}, headers={"Idempotency-Key": "same"})
        assert later.status_code == 201


async def test_an_ipv6_customer_is_one_source(api: Api) -> None:
    for number in range(12):
        async with api.client("guess", source=f"2001:db8:1:2::{number:x}") as http:
            last = await http.get("/api/v1/keys")
    assert last.status_code == 429


async def test_a_key_has_a_pace_of_its_own(database: Database, clock: VirtualClock) -> None:
    api = Api(database, clock, api_requests_per_minute=5)
    other = await api.key("admin")
    async with api.client() as http:
        answers = [await http.get("/api/v1/keys") for _ in range(7)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    async with api.client(other) as http:
        assert (await http.get("/api/v1/keys")).status_code == 200


def test_every_route_is_guarded_or_meant_to_be_public(api: Api) -> None:
    """A route that is neither is one that somebody forgot."""
    open_to_all = {
        route.path
        for router in routers_of(api.engine)
        for route in router.routes
        if isinstance(route, APIRoute) and not isinstance(route, GuardedRoute)
    }
    assert open_to_all <= PUBLIC


async def test_roles_hold_on_every_route(api: Api) -> None:
    """Whoever is too low is told so, before anything is read: on each route, by its role."""
    keys = {role: await api.key(role.name.lower()) for role in Role}
    clients = {role: api.client(key) for role, key in keys.items()}
    walked = 0
    for router in routers_of(api.engine):
        for route in router.routes:
            if not isinstance(route, GuardedRoute):
                continue
            path = route.path.replace("{", "").replace("}", "")
            for method in route.methods or ():
                for role, http in clients.items():
                    if role < route.role:
                        answer = await http.request(method, path, content=b"not json")
                        assert (answer.status_code, code(answer)) == (403, "FORBIDDEN"), path
                        walked += 1
                async with api.client(None) as nobody:
                    assert (await nobody.request(method, path)).status_code == 401, path
    assert walked


async def test_a_repeated_request_is_answered_as_the_first(api: Api) -> None:
    await api.person()
    ask = {"json": {"first_name": "Boris"}, "headers": {"Idempotency-Key": "k-1"}}
    async with api.client() as http:
        first = await http.post("/api/v1/contacts", **ask)
        again = await http.post("/api/v1/contacts", **ask)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        other = await http.post(
            "/api/v1/contacts", json={"first_name": "Vera"}, headers=ask["headers"]
        )
        assert (other.status_code, code(other)) == (409, "IDEMPOTENCY_KEY_REUSED")
        api.clock.advance(timedelta(hours=25))
        late = await http.post("/api/v1/contacts", **ask)
        assert late.json()["id"] != first.json()["id"]
    async with api.client(await api.key("editor")) as http:
        mine = await http.post("/api/v1/contacts", **ask)  # another caller's keys are their own
        assert mine.json()["id"] not in {first.json()["id"], late.json()["id"]}


async def test_an_error_is_not_kept_and_a_bad_key_is_told(api: Api) -> None:
    async with api.client() as http:
        for _ in range(2):
            answer = await http.post(
                "/api/v1/contacts", json={"nonsense": 1}, headers={"Idempotency-Key": "k"}
            )
            assert answer.status_code == 422
            assert "idempotency-replayed" not in answer.headers
        long = await http.post("/api/v1/contacts", json={}, headers={"Idempotency-Key": "x" * 201})
        assert long.status_code == 422
    async with api.database.reading() as session:
        assert (await session.scalars(select(KeptAnswer))).all() == []


async def test_of_many_at_once_one_is_done(api: Api) -> None:
    async with api.client() as http:
        answers = await asyncio.gather(
            *(
                http.post(
                    "/api/v1/contacts",
                    json={"first_name": "Boris"},
                    headers={"Idempotency-Key": "same"},
                )
                for _ in range(20)
            )
        )
        made = {one.json()["id"] for one in answers if one.status_code == 201}
        refused = {code(one) for one in answers if one.status_code == 409}
        listed = (await http.get("/api/v1/contacts")).json()["items"]
    assert len(made) == len(listed) == 1
    assert refused <= {"IDEMPOTENCY_KEY_IN_PROGRESS"}
    assert {one.status_code for one in answers} <= {201, 409}


async def test_a_new_key_is_never_kept_for_a_repeat(api: Api) -> None:
    ask = {"json": {"name": "x"}, "headers": {"Idempotency-Key": "k"}}
    async with api.client() as http:
        first, again = [await http.post("/api/v1/keys", **ask) for _ in range(2)]
    assert first.json()["key"] != again.json()["key"]
    async with api.database.reading() as session:
        assert (await session.scalars(select(KeptAnswer))).all() == []


async def test_every_change_is_in_the_audit_log(api: Api) -> None:
    async with api.client(await api.key("editor")) as http:
        answer = await http.post(
            "/api/v1/contacts",
            json={"first_name": "Secretova"},
            headers={"X-Request-Id": "req-7"},
        )
        assert answer.headers["x-request-id"] == "req-7"
        await http.post("/api/v1/contacts", json={"nonsense": 1})
    async with api.client() as http:
        page = (await http.get("/api/v1/audit")).json()
        assert (await http.get("/api/v1/audit", params={"request_id": "no"})).json()["items"] == []
    [line] = page["items"]
    assert line["actor"].startswith("editor (")
    assert (line["action"], line["request_id"]) == ("POST /api/v1/contacts", "req-7")
    assert (line["fields"], line["source"]) == (["first_name"], "192.0.2.1")
    assert "Secretova" not in str(page)


@pytest.mark.parametrize("given", ["a b", "x" * 65, "é", ""])
async def test_a_request_id_that_is_none_is_replaced(api: Api, given: str) -> None:
    async with api.client() as http:
        answer = await http.get("/api/v1/keys", headers={"X-Request-Id": given.encode()})
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    "body",
    [
        b'{"first_name": "a\\u0000b"}',
        b'{"first_name": "\\ud800"}',
        b'{"language": 1e999}',
        b'{"first_name": 123456789012345678901234567890}',
        b'{"first_name": ' + b"[" * 40 + b"]" * 40 + b"}",
        b"[" * 100_000,
        b"{",
        b"",
        b"null",
        b'"text"',
        b"\xff\xfe",
    ],
)
async def test_unsound_bodies_are_refused_in_the_one_shape(api: Api, body: bytes) -> None:
    async with api.client() as http:
        answer = await http.post(
            "/api/v1/contacts", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422
        assert code(answer).startswith("INVALID")
        assert (await http.get("/api/v1/contacts?query=%00")).status_code == 422
        assert (await http.get("/api/v1/contacts/%00")).status_code == 422
        for path in ("/api/v1/contacts?limit=5&statuz=x&y=1", "/admin/api/users?statuz=x"):
            typo = await http.get(path)
            assert (typo.status_code, code(typo)) == (422, "INVALID")
            told = typo.json()["error"]
            assert told["details"]["fields"][0] == {"where": "query.statuz", "problem": "Unknown"}
            assert {"cursor", "limit", "state"} <= set(told["details"]["known"])
            assert "“statuz”" in told["message"]
            assert "state" in told["message"]
        none = await http.post("/admin/api/nurture/process?now=1")
        assert "takes none" in none.json()["error"]["message"]
        for cursor in ("x", "!!", "AAAA", "A" * 201, "é"):
            bad = await http.get("/api/v1/contacts", params={"cursor": cursor})
            assert bad.status_code == 422
