"""Whatever the description allows, and much that it does not: nothing makes the API fail."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
)

from api_world import ADMIN_KEY, Api
from dripline.clock import VirtualClock
from dripline.content.push import push
from dripline.database import Database
from dripline.wiring.web import WebServer

COURSE = Path(__file__).parents[2] / "src/dripline/sandbox/course"
EXAMPLES = 4


class Served:
    """The application on a port of its own, in a thread of its own."""

    def __init__(self, url: str) -> None:
        self.keys: dict[str, str] = {}
        self.address = ""
        self._url = url
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(120), "it has not started"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(30)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        clock = VirtualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
        database = Database.from_url(self._url)
        api = Api(database, clock, api_requests_per_minute=1_000_000)
        with tempfile.TemporaryDirectory() as folder:  # a push leaves a note beside what it pushed
            course = Path(shutil.copytree(COURSE, Path(folder) / "course"))
            await push(database, course, author="test", now=clock.now())
        for number, name in enumerate(("Anna", "Boris"), 1):
            await api.person(number, name)
        self.keys = {role: await api.key(role) for role in ("viewer", "editor")}
        self.keys["admin"] = ADMIN_KEY
        server = WebServer(api.app, "127.0.0.1", 0)
        await server.start()
        self.address = server.address
        self._ready.set()
        await self._stopping.wait()
        await server.stop()
        await api.engine.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Served]:
    file = tmp_path_factory.mktemp("api") / "dripline.db"
    file.write_bytes(sqlite_template.read_bytes())
    with Served(f"sqlite:///{file}") as running:
        yield running


@pytest.fixture(scope="module")
def described(served: Served) -> Any:
    return schemathesis.openapi.from_url(f"{served.address}/openapi.json")


CHECKS = [not_a_server_error, response_schema_conformance]


KNOWN = {
    "contact": "1",
    "scenario": "photos",
    "broadcast": "news",
    "user_id": "1",
    "sequence_type": "portraits",
    "program": "portraits",
}


def allowed(operation: Any) -> Any:
    """Return cases as the description allows them."""
    return operation.as_strategy(generation_mode=GenerationMode.POSITIVE)


def refused(operation: Any) -> Any:
    """Return cases that the description forbids."""
    return operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def known_names(case: Any) -> Any:
    """Return a case about what is really there, so that it gets further than “no such contact”."""
    for name in set(case.path_parameters or {}) & set(KNOWN):
        case.path_parameters[name] = KNOWN[name]
    if isinstance(case.body, dict):
        for name in set(case.body) & set(KNOWN):
            case.body[name] = KNOWN[name]
        events = case.body.get("events")
        for event in events if isinstance(events, list) else ():
            if isinstance(event, dict):
                event["contact"] = KNOWN["contact"]
    return case


def every_operation(described: Any, try_case: Callable[[Any], None]) -> list[str]:
    """Try each operation with examples; return what went wrong, so that all of it is seen."""
    wrong = []
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        @given(case=allowed(operation) | refused(operation), known=booleans())
        def tried(case: Any, known: bool) -> None:
            try_case(known_names(case) if known else case)

        try:
            tried()
        except Exception as error:  # noqa: BLE001 - told below, with its operation
            wrong.append(f"{operation.label}: {error!r}"[:3000])
    return wrong


@pytest.mark.slow
def test_nobody_breaks_anything_and_a_viewer_changes_nothing(
    described: Any, served: Served
) -> None:
    """Each case is tried by a viewer, then by an admin: to think of one takes longer than both."""

    def try_case(case: Any) -> None:
        seen = tried_by("viewer", case)
        if case.method in {"PUT", "PATCH", "DELETE"} and case.path.startswith("/api/"):
            assert seen.status_code in {403, 404, 405, 413, 422}
        tried_by("admin", case)

    def tried_by(role: str, case: Any) -> Any:
        answer = case.call(headers={"X-API-Key": served.keys[role]}, timeout=30)
        case.validate_response(answer, checks=CHECKS)
        return answer

    assert every_operation(described, try_case) == []
