"""Just enough of HTTP/1.1 to be somebody else's server and client, on loopback."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_LONGEST = 64 * 1024 * 1024
_DISPOSITION = re.compile(rb'name="([^"]*)"(?:; *filename="([^"]*)")?', re.IGNORECASE)


@dataclass
class Upload:
    """A file that came in a form."""

    filename: str
    content: bytes


@dataclass
class HttpRequest:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """Read the next request of a connection; None when there is none any more."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(":", 1) for line in lines if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, value in headers.items()}
    length = int(headers.get("content-length", "0"))
    assert length <= _LONGEST
    try:
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    method, target, _version = first.split(" ", 2)
    request = HttpRequest(method, urlsplit(target).path, headers, body)
    _read_fields(request, urlsplit(target).query)
    return request


def _read_fields(request: HttpRequest, query: str) -> None:
    request.fields.update(parse_qsl(query, keep_blank_values=True))
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json") and request.body:
        request.fields.update(json.loads(request.body))
    elif kind.startswith("application/x-www-form-urlencoded"):
        request.fields.update(parse_qsl(request.body.decode(), keep_blank_values=True))
    elif kind.startswith("multipart/form-data"):
        _read_form(request, kind.partition("boundary=")[2].strip('"').encode())


def _read_form(request: HttpRequest, boundary: bytes) -> None:
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        found = _DISPOSITION.search(head)
        assert found is not None, head
        name = found[1].decode()
        if found[2] is None:
            request.fields[name] = _value(content.decode())
        else:
            request.files[name] = Upload(found[2].decode(), content)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def answer(status: int, body: bytes, kind: str = "application/json") -> bytes:
    """Return the bytes of an answer."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def post(
    url: str, body: bytes, headers: dict[str, str] | None = None, timeout: float = 10.0
) -> tuple[int, bytes]:
    """POST once, without keeping the connection; return status and body.

    Raises OSError when there is no answer.
    """
    return await _ask("POST", url, body, headers or {}, timeout)


async def get(url: str, timeout: float = 10.0) -> tuple[int, bytes]:
    """GET once; return status and body. Raises OSError when there is no answer."""
    return await _ask("GET", url, b"", {}, timeout)


async def _ask(
    method: str, url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    parts = urlsplit(url)
    writer = None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            lines = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(body))}
            lines |= {"Content-Type": "application/json"} | headers
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            writer.write(f"{method} {target or '/'} HTTP/1.1\r\n{head}\r\n".encode() + body)
            raw = await reader.read()
    finally:
        if writer is not None:
            writer.close()
    head_bytes, separator, content = raw.partition(b"\r\n\r\n")
    if not separator:
        raise ConnectionError("the connection ended without an answer")
    return int(head_bytes.split(b" ", 2)[1]), content
