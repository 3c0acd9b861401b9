"""The web application is made when it is asked for, once."""

import asyncio
import contextlib
from typing import Any

import httpx

from dripline.api.app import create_app
from dripline.api.late import Late
from dripline.api.probe import Probe


class Making:
    """Counts how often the application is loaded and made."""

    def __init__(self) -> None:
        self.loaded = self.made = 0
        self.late = Late(Probe({}), self.load, self.make)

    def load(self) -> None:
        self.loaded += 1

    def make(self) -> Any:
        self.made += 1
        return create_app({})

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.late)
        return httpx.AsyncClient(transport=transport, base_url="http://dripline")


async def test_a_probe_alone_makes_nothing() -> None:
    making = Making()
    async with making.client() as http:
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            assert (await http.get(path)).status_code == 200
            assert (await http.head(path)).status_code == 200
    assert (making.loaded, making.made) == (0, 0)


async def test_whatever_else_is_asked_makes_it_once() -> None:
    making = Making()
    async with making.client() as http:
        answers = await asyncio.gather(*(http.get("/openapi.json") for _ in range(5)))
        assert {answer.status_code for answer in answers} == {200}
        assert (await http.post("/healthz")).status_code == 405
        assert (await http.head("/healthz")).status_code == 200  # as before it was made
        assert (await http.get("/nothing")).json()["error"]["code"] == "NOT_FOUND"
    assert (making.loaded, making.made) == (1, 1)


async def test_what_cannot_be_made_is_tried_again() -> None:
    making = Making()

    def broken() -> None:
        making.late._load = making.load
        raise ImportError("half an installation")

    making.late._load = broken
    async with making.client() as http:
        with contextlib.suppress(ImportError):
            await http.get("/openapi.json")
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/openapi.json")).status_code == 200
