"""The web application, asked by a client that shares its loop: no server, no sockets."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from structlog.testing import capture_logs

from dripline import __version__, metrics
from dripline.api import telegram
from dripline.api.app import create_app
from dripline.api.headers import SECURITY_HEADERS
from dripline.api.ports import Check
from dripline.errors import Conflict, Forbidden, Invalid, NotFound

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Inbox:
    """Stands for the bot's webhook: keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str | None, bytes]] = []

    async def receive(self, bot: str, secret: str | None, body: bytes) -> None:
        if bot != "main":
            raise NotFound(f"There is no bot {bot}.", code="BOT_NOT_FOUND")
        if secret != "s3cret":
            raise Forbidden("The secret token is wrong.")
        self.kept.append((bot, secret, body))


def client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://dripline")


def app_with(
    checks: Mapping[str, Check] | None = None, inbox: Inbox | None = None, **options: Any
) -> FastAPI:
    routers = [telegram.router(inbox)] if inbox else []
    return create_app(checks or {}, routers, **options)


async def test_the_root_tells_name_version_and_health() -> None:
    async with client(app_with()) as http:
        answer = await http.get("/")
    assert answer.json() == {"name": "dripline", "version": __version__, "status": "ok"}


async def test_alive_even_when_not_ready() -> None:
    async def broken() -> str | None:
        return "the schema is outdated"

    async with client(app_with({"database": broken})) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503


async def test_ready_names_each_check_and_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dripline.api.readiness.CHECK_SECONDS", 0.01)

    async def fine() -> str | None:
        return None

    async def outdated() -> str | None:
        return "at schema 1, needs 2"

    async def refused() -> str | None:
        raise ConnectionRefusedError

    async def told() -> str | None:
        raise Invalid("no such database")

    async def slow() -> str | None:
        await asyncio.sleep(5)
        return None

    checks = {"a": fine, "b": outdated, "c": refused, "d": told, "e": slow}
    async with client(app_with(checks)) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {
            "a": "ok",
            "b": "at schema 1, needs 2",
            "c": "cannot be reached (ConnectionRefusedError)",
            "d": "no such database",
            "e": "no answer within 0.01 s",
        },
    }


async def test_ready_when_every_check_is_fine() -> None:
    async def fine() -> str | None:
        return None

    async with client(app_with({"database": fine})) as http:
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_metrics_are_prometheus_text() -> None:
    metrics.DELIVERIES.labels("telegram", "sent").inc(3)
    async with client(app_with()) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'dripline_deliveries_total{channel="telegram",status="sent"}' in answer.text


async def test_requests_are_counted_by_route_not_by_path() -> None:
    async with client(app_with()) as http:
        for path in ("/nothing/1", "/nothing/2", "/healthz"):
            await http.get(path)
        text = (await http.get("/metrics")).text
    assert 'dripline_http_requests_total{route="other",status="404"}' in text
    assert 'dripline_http_requests_total{route="/healthz",status="200"}' in text
    assert "/nothing" not in text


async def test_an_update_is_handed_over_raw_with_its_secret() -> None:
    inbox = Inbox()
    async with client(app_with(inbox=inbox)) as http:
        answer = await http.post(
            "/telegram/webhook/main", content=b'{"update_id":1}', headers={SECRET_HEADER: "s3cret"}
        )
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert inbox.kept == [("main", "s3cret", b'{"update_id":1}')]


@pytest.mark.parametrize(
    ("bot", "headers", "status", "code"),
    [
        ("main", {}, 403, "FORBIDDEN"),
        ("main", {SECRET_HEADER: "guess"}, 403, "FORBIDDEN"),
        ("other", {SECRET_HEADER: "s3cret"}, 404, "BOT_NOT_FOUND"),
    ],
)
async def test_a_refused_update_says_why(
    bot: str, headers: dict[str, str], status: int, code: str
) -> None:
    inbox = Inbox()
    async with client(app_with(inbox=inbox)) as http:
        answer = await http.post(f"/telegram/webhook/{bot}", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert inbox.kept == []


async def test_without_a_webhook_there_is_no_route_for_it() -> None:
    async with client(app_with()) as http:
        answer = await http.post("/telegram/webhook/main", content=b"{}")
    assert answer.status_code == 404


class Named(BaseModel):
    name: str


@pytest.fixture
async def faulty() -> AsyncIterator[httpx.AsyncClient]:
    """An app with routes that fail in each way, and a small limit on bodies."""
    app = app_with(max_body=100)

    @app.get("/conflict")
    async def conflict() -> None:
        raise Conflict("already there", code="SCENARIO_ALREADY_ACTIVE", scenario="default")

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    @app.get("/refused")
    async def refused() -> None:  # as the driver says it, past SQLAlchemy
        raise ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 5432)")

    @app.post("/named")
    async def named(body: Named) -> str:
        return body.name

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    async with client(app) as http:
        yield http


async def test_a_domain_error_keeps_its_code_and_details(faulty: httpx.AsyncClient) -> None:
    answer = await faulty.get("/conflict")
    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "code": "SCENARIO_ALREADY_ACTIVE",
        "message": "already there",
        "details": {"scenario": "default"},
    }


async def test_a_database_that_refuses_connections_asks_to_come_again(
    faulty: httpx.AsyncClient,
) -> None:
    with capture_logs() as logs:
        answer = await faulty.get("/refused")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "UNAVAILABLE"
    assert "10.0.0.7" not in answer.text
    [line] = [one for one in logs if one["event"] == "http.database_failed"]
    assert "10.0.0.7" in line["error"]
    assert line["exc_info"] is None  # each repeat of Telegram's logs one line


async def test_an_unforeseen_error_tells_nothing_of_our_insides(faulty: httpx.AsyncClient) -> None:
    answer = await faulty.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "INTERNAL"
    assert "hunter2" not in answer.text


async def test_a_malformed_request_names_the_field(faulty: httpx.AsyncClient) -> None:
    answer = await faulty.post("/named", json={"nam": "x"})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["fields"][0]["where"] == "body.name"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "NOT_FOUND"), ("POST", "/healthz", 405, "METHOD_NOT_ALLOWED")],
)
async def test_errors_of_http_have_the_same_shape(
    faulty: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await faulty.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_wrong_method_is_told_which_ones_there_are() -> None:
    router = APIRouter()
    router.add_api_route("/thing/{name}", lambda name: name, methods=["GET"])
    router.add_api_route("/thing/{name}", lambda name: name, methods=["PUT"])
    async with client(create_app({}, [router])) as http:
        answer = await http.delete("/thing/1")
        assert answer.headers["allow"] == "GET, HEAD, PUT"
        assert (
            answer.json()["error"]["message"] == "There is no DELETE here; it takes GET, HEAD, PUT."
        )
        assert (await http.options("/thing/1")).headers["allow"] == "GET, HEAD, PUT"


@pytest.mark.parametrize("path", ["/", "/healthz", "/docs"])
async def test_head_is_answered_as_get_without_a_body(path: str) -> None:
    async with client(app_with()) as http:
        answer, whole = await http.head(path), await http.get(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize("path", ["/raw", "/named"])
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_past_the_limit_is_refused_whatever_length_it_announces(
    faulty: httpx.AsyncClient, path: str, announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 10

    body: Any = b"x" * 300 if announced else pieces()
    answer = await faulty.post(path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize("path", ["/", "/nowhere", "/broken", "/conflict"])
async def test_every_answer_carries_the_security_headers(
    faulty: httpx.AsyncClient, path: str
) -> None:
    answer = await faulty.get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name.decode()] == value.decode()


async def test_the_description_is_served_and_nothing_from_elsewhere() -> None:
    async with client(app_with(inbox=Inbox())) as http:
        described = (await http.get("/openapi.json")).json()
        page = await http.get("/docs")
    assert page.status_code == 200
    assert not re.search(r"(src|href)=.?(https?:)?//", page.text)
    assert set(described["paths"]) == {
        "/", "/healthz", "/readyz", "/metrics", "/telegram/webhook/{bot}",
    }  # fmt: skip
