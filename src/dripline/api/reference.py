"""`/docs`: the description of the API as a page, made here: nothing is loaded from elsewhere.

It is built from `/openapi.json` once a process; no page of an interactive client is served, for its
files would have to come from another house.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from dripline.api.pages.html import NOTHING, Html, html, joined

PATH: Final = "/docs"
_STYLE: Final = Html(files("dripline.api").joinpath("reference.css").read_text("utf-8"))
_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"
    )
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_FRAME: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>dripline API</title>
<style>{style}</style>
</head>
<body>
<nav aria-label="Nouns">{nav}</nav>
<main>
<h1>dripline API</h1>
<p>{about} The description for machines: <a href="/openapi.json">/openapi.json</a>.</p>
{body}
</main>
</body>
</html>
"""
_ABOUT: Final = (
    "A key goes into X-API-Key, or into Authorization: Bearer. Every error has one shape: "
    '{"error": {"code", "message", "details"}}. Lists come in pages: pass next_cursor on as '
    "cursor. A request with an Idempotency-Key is done once."
)


def router() -> APIRouter:
    """Return the route of the page; anybody may read it, as they may read the source."""
    routes = APIRouter(include_in_schema=False)
    made: dict[int, HTMLResponse] = {}

    @routes.get(PATH)
    async def reference(request: Request) -> HTMLResponse:
        app: FastAPI = request.app
        if id(app) not in made:
            made[id(app)] = HTMLResponse(page(app.openapi()), headers=_HEADERS)
        return made[id(app)]

    return routes


def page(described: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    groups: dict[str, list[Html]] = {}
    for path, method, operation in _operations(described):
        name = (operation.get("tags") or ["other"])[0]
        groups.setdefault(name, []).append(_operation(path, method, operation))
    nav = joined(html('<a href="#{name}">{name}</a>', name=name) for name in groups)
    body = joined(
        html('<h2 id="{name}">{name}</h2>{all}', name=name, all=joined(every))
        for name, every in groups.items()
    )
    return html(_FRAME, style=_STYLE, nav=nav, about=_ABOUT, body=body)


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in described["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Html:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = [
        (status, answer)
        for status, answer in operation.get("responses", {}).items()
        if status.startswith("2")
    ]
    return html(
        '<details><summary><b class="{method}">{name}</b> <code>{path}</code> '
        "<span>{summary}</span></summary><p>{about}</p>{parameters}{asked}{answered}</details>",
        method=method,
        name=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        about=operation.get("description", ""),
        parameters=_parameters(operation),
        asked=_shown("Request", body.get("example")),
        answered=joined(
            _shown(f"Answer {status}", _example_of(answer)) for status, answer in answers
        ),
    )


def _parameters(operation: Mapping[str, Any]) -> Html:
    rows = joined(
        html(
            "<tr><td><code>{name}</code></td><td>{where}</td><td>{kind}</td><td>{about}</td></tr>",
            name=one["name"],
            where=one["in"] + (", required" if one.get("required") else ""),
            kind=_kind(one.get("schema", {})),
            about=one.get("description", ""),
        )
        for one in operation.get("parameters", ())
        if one["in"] != "header"
    )
    return html("<div><table>{rows}</table></div>", rows=rows) if rows else NOTHING


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    kind = str(schema.get("format") or schema.get("type") or "")
    default = f", {schema['default']} if not given" if schema.get("default") is not None else ""
    return kind + default


def _example_of(answer: Mapping[str, Any]) -> Any:
    return answer.get("content", {}).get("application/json", {}).get("example")


def _shown(title: str, example: Any) -> Html:
    if example is None:
        return NOTHING
    text = json.dumps(example, ensure_ascii=False, indent=2)
    return html("<h3>{title}</h3><pre>{text}</pre>", title=title, text=text)
