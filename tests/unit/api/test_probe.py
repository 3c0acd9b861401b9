"""What a worker answers: the same as the web part where both do, without its framework."""

import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI

from dripline import __version__, metrics
from dripline.api.app import create_app
from dripline.api.headers import SECURITY_HEADERS
from dripline.api.probe import Probe


async def fine() -> str | None:
    return None


async def broken() -> str | None:
    return "the schema is outdated"


def client(app: Probe | FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dripline")


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/nothing"])
async def test_it_answers_as_the_web_part_does(path: str) -> None:
    checks = {"database": fine, "worker": broken}
    async with client(Probe(checks)) as ours, client(create_app(checks)) as full:
        said, expected = await ours.get(path), await full.get(path)
    assert (said.status_code, said.json()) == (expected.status_code, expected.json())
    assert said.headers["content-type"] == expected.headers["content-type"]
    for name, value in SECURITY_HEADERS.items():
        assert said.headers[name.decode()] == value.decode()


async def test_name_health_and_metrics() -> None:
    async with client(Probe({"database": fine})) as http:
        assert (await http.get("/")).json()["version"] == __version__
        assert (await http.get("/readyz")).json()["checks"] == {"database": "ok"}
        answer = await http.get("/metrics")
    assert answer.headers["content-type"] == metrics.CONTENT_TYPE
    assert b"dripline_" in answer.content


async def test_nothing_can_be_changed_here() -> None:
    async with client(Probe({})) as http:
        assert (await http.post("/healthz")).status_code == 405


def test_a_worker_loads_nothing_that_it_has_no_use_for() -> None:
    others = ("fastapi", "limits", "alembic", "aiosmtplib")
    code = f"import sys, dripline.wiring.serve; print([m for m in {others} if m in sys.modules])"
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert said.strip() == "[]"
