"""The description: an example for every operation, that its own schema takes; a page made of it."""

from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from api_world import Api
from dripline.clock import VirtualClock
from dripline.database import Database


@pytest.fixture
async def described(sqlite_url: str, clock: VirtualClock) -> Any:
    api = Api(Database.from_url(sqlite_url), clock)
    async with api.client(None) as http:
        found = (await http.get("/openapi.json")).json()
        page = (await http.get("/docs")).text
    await api.engine.close()
    return found, page


def operations(described: dict[str, Any]) -> Any:
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


async def test_every_operation_has_examples_that_fit(described: Any) -> None:
    document, _page = described
    wrong = []
    for name, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            content = body.get("content", {}).get("application/json")
            if content is None or not content.get("schema"):
                continue
            schema = {**content["schema"], "components": document["components"]}
            if "example" not in content:
                wrong.append(f"{name}: no example")
                continue
            errors = Draft202012Validator(schema).iter_errors(content["example"])
            wrong += [f"{name}: {one.message} at {one.instance_path}" for one in errors]
    assert wrong == []


async def test_every_guarded_operation_tells_its_role(described: Any) -> None:
    document, _page = described
    for name, operation in operations(document):
        if "/api/v1/" in name:
            assert operation["x-role"] in {"viewer", "editor", "admin"}, name
            assert operation["security"], name
            assert operation["summary"], name


async def test_the_page_has_every_operation_and_loads_nothing(described: Any) -> None:
    document, page = described
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page
    for word in ("<script", 'href="http', "src=", "<link", "<img", "url(", "@import"):
        assert word not in page


async def test_every_operation_has_a_name_of_its_own(described: Any) -> None:
    names = [operation["operationId"] for _name, operation in operations(described[0])]
    assert len(names) == len(set(names))


async def test_the_example_of_a_scenario_can_be_saved_as_it_stands(
    sqlite_url: str, clock: VirtualClock
) -> None:
    api = Api(Database.from_url(sqlite_url), clock)
    async with api.client() as http:
        found = (await http.get("/openapi.json")).json()
        path = "/api/v1/scenarios/{scenario}"
        operation = found["paths"][path]["put"]
        (name,) = (one["example"] for one in operation["parameters"] if one["name"] == "scenario")
        example = operation["requestBody"]["content"]["application/json"]["example"]
        planned = await http.post(f"/api/v1/scenarios/{name}/plan", json=example)
        assert (planned.status_code, planned.json()["would_be_refused"]) == (200, False)
        saved = await http.put(f"/api/v1/scenarios/{name}", json=example)
        assert saved.status_code == 200, saved.text
    await api.engine.close()
