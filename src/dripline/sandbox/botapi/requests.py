"""Reads a request into a call: query string, form, multipart or JSON, as on the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

from dripline.sandbox.botapi.call import Upload
from dripline.sandbox.botapi.errors import BotApiError, bad_request
from dripline.sandbox.world.messages import Json

MAX_BODY = 52 * 1024 * 1024  # files up to 50 MB, and the form around them
_MAX_FIELDS = 300
_MAX_FIELD_BYTES = 8 * 1024 * 1024


class Gone(Exception):
    """The client went away before its request was read."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The body. Raises BotApiError 413 when it is too large, Gone when the client left."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BODY:
        raise BotApiError(413, "Request Entity Too Large")
    body, more = b"", True
    chunks: list[bytes] = []
    total = 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body, more = message.get("body", b""), message.get("more_body", False)
        total += len(body)
        if total > MAX_BODY:
            raise BotApiError(413, "Request Entity Too Large")
        chunks.append(body)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_params(scope: Scope, body: bytes) -> tuple[Json, dict[str, Upload]]:
    """Parameters and files. Those in the body win over those in the query string."""
    params: Json = {}
    if query := scope["query_string"]:
        params.update(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    if not body:
        return params, {}
    headers = Headers(scope=scope)
    kind = headers.get("content-type", "").lower()
    if kind.startswith("multipart/form-data"):
        fields, files = await _multipart(headers, body)
        return params | fields, files
    if kind.startswith("application/json"):
        return params | _json(body), {}
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return params | dict(pairs), {}


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request("can't parse JSON encoded request") from error
    if not isinstance(value, dict):
        raise bad_request("can't parse JSON encoded request: expected an Object")
    return value


async def _multipart(headers: Headers, body: bytes) -> tuple[Json, dict[str, Upload]]:
    async def stream() -> AsyncIterator[bytes]:
        yield body
        yield b""

    parser = MultiPartParser(
        headers,
        stream(),  # type: ignore[arg-type]
        max_files=_MAX_FIELDS,
        max_fields=_MAX_FIELDS,
        max_part_size=_MAX_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise bad_request("can't parse multipart request") from error
    fields: Json = {}
    files: dict[str, Upload] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            files[name] = Upload(content, value.filename or name, value.content_type or "")
        else:
            fields[name] = value
    await form.close()
    return fields, files
