"""The description of the API: how one calls, which role it takes, an example for every operation.

Examples of whole bodies are put together from those of their fields, so that one is never forgotten
when a field is added.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dripline.api.guarded import GuardedRoute

_DEEPEST: Final = 8
_KEYS: Final = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_OF_TYPE: Final[Mapping[str, Any]] = {
    "string": "text",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "object": {},
    "null": None,
}
_OF_NAME: Final[Mapping[str, str]] = {
    "bot": "main",
    "broadcast": "bc_1",
    "experiment": "greeting",
    "key": "e67eb8324934",
    "name": "cover.jpg",
    "rotation": "guides",
    "scenario": "course",
}
_REPEATABLE: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Of your choice: the same request again is answered as the first, for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]{1,200}$"},
}


def describe(app: FastAPI) -> None:
    """Let the app describe itself so."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _description(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _description(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=app.version,
        description="Everything that dripline does, over HTTP.",
        routes=app.routes,
    )
    guarded = _guarded(app)
    schemas = found.get("components", {}).get("schemas", {})
    found.setdefault("components", {})["securitySchemes"] = _KEYS
    for path, item in found["paths"].items():
        for method, operation in item.items():
            route = guarded.get((path, method))
            if route is not None:
                _secure(operation, route)
            _give_examples(operation, schemas)
    return found


def _guarded(app: FastAPI) -> dict[tuple[str, str], GuardedRoute]:
    found = {}
    for router in app.state.routers:
        for route in router.routes:
            if isinstance(route, GuardedRoute):
                for method in route.methods or ():
                    found[route.path_format, method.lower()] = route
    return found


def _secure(operation: dict[str, Any], route: GuardedRoute) -> None:
    operation["security"] = [{name: []} for name in _KEYS]
    role = route.role.name.lower()
    operation["x-role"] = role
    about = operation.get("description", "")
    operation["description"] = f"{about}\n\nFor keys of the role {role} and above.".strip()
    if not route.reads:
        operation.setdefault("parameters", []).append(dict(_REPEATABLE))


def _give_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
    for body in bodies:
        content = body.get("content", {}).get("application/json")
        if content is not None and "example" not in content and "examples" not in content:
            content["example"] = example_of(content.get("schema", {}), schemas)
    for parameter in operation.get("parameters", ()):
        if "example" not in parameter and parameter.get("required"):
            named = _OF_NAME.get(parameter["name"]) if parameter["in"] == "path" else None
            parameter["example"] = named or example_of(parameter.get("schema", {}), schemas)


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> Any:
    """Return an example of a schema, made of the examples of its parts."""
    if depth > _DEEPEST:
        return None
    if schema.get("examples"):  # of a field, before those of its type
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth + 1)
    for word in ("example", "const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            return example_of(schema[word][0], schemas, depth + 1)
    return _of_type(schema, schemas, depth)


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> Any:
    match schema.get("type"):
        case "array":
            return [example_of(schema.get("items", {}), schemas, depth + 1)]
        case "object" if "properties" in schema:
            return {
                name: example_of(part, schemas, depth + 1)
                for name, part in schema["properties"].items()
            }
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return {"name": example_of(schema["additionalProperties"], schemas, depth + 1)}
        case "string" if schema.get("format") == "date-time":
            return "2026-03-02T12:00:00Z"
        case "string" if schema.get("format") == "uuid":
            return "0199c3a4-7a10-7c52-9f0e-3f6d0f6f7a01"
        case kind:
            return _OF_TYPE.get(str(kind))
