"""The Bot API: a method's name and its fields in, its result or a typed failure out.

Used by the Telegram channel, the readers of updates, and whoever else speaks to Telegram. A call is
made once and never repeated here: Telegram knows no idempotency key, so whoever calls decides.
"""

import json
import re
import secrets
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from dripline.clients.http import Answer, HttpClient, HttpFailure
from dripline.clients.http1 import Http1Client
from dripline.clients.telegram_errors import failure
from dripline.clients.telegram_limits import RecentSends
from dripline.errors import ChannelDown, PermanentFailure, RateLimited, RetryLater, SendFailure

_JSON = "application/json"
_METHOD = re.compile(r"[A-Za-z]{1,64}")
_TIMEOUT_S = 30.0
LARGEST_DOWNLOAD = 20 * 1024 * 1024  # bytes (Bot API, getFile)
_SLOW_LINE = 128 * 1024  # bytes a second that an upload is allowed to crawl at


@dataclass(frozen=True, slots=True)
class File:
    """A file to upload, under the name of its field."""

    field: str
    filename: str
    content: bytes


class TelegramClient:
    """One bot. `base` is the API's address without the bot's part; several bots may share `http`.

    The token is part of every path, so it is kept out of whatever we show: errors, logs, repr.
    """

    def __init__(self, base: str, token: str, *, http: HttpClient | None = None) -> None:
        self._http = http or Http1Client(base)
        self._token = token
        self._paths: dict[str, str] = {}
        self._recent = RecentSends()

    def __repr__(self) -> str:
        """Return the bot's public number only."""
        return f"TelegramClient(bot {self._token.partition(':')[0]})"

    async def call(
        self, method: str, payload: Mapping[str, Any] | None = None, *, timeout: float = _TIMEOUT_S
    ) -> Any:
        """Call a method and return its `result`; `timeout` is in seconds, over all.

        Raises a SendFailure: see `clients.telegram_errors` for which, and ChannelDown when no
        usable answer came.
        """
        fields = payload or {}
        chat_id = fields.get("chat_id")
        try:
            answer = await self._post(method, _JSON, orjson.dumps(fields), chat_id, timeout)
        except HttpFailure as error:
            raise ChannelDown(error.reason) from None
        return self._result(answer, chat_id)

    async def upload(self, method: str, payload: Mapping[str, Any], files: Sequence[File]) -> Any:
        """Call a method with files, as multipart/form-data, and return its `result`.

        Raises as `call` does. Time is allowed by size: 30 s and what a slow line needs.
        """
        content_type, body = multipart(payload, files)
        timeout, chat_id = _TIMEOUT_S + len(body) / _SLOW_LINE, payload.get("chat_id")
        try:
            answer = await self._post(method, content_type, body, chat_id, timeout)
        except HttpFailure as error:
            raise ChannelDown(error.reason) from None
        return self._result(answer, chat_id)

    async def download(self, file_id: str) -> bytes:
        """Return the bytes of a file that was sent to the bot; Telegram gives at most 20 MB.

        Raises as `call` does, and PermanentFailure (code `too_large`) for a bigger one.
        """
        found = await self.call("getFile", {"file_id": file_id})
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str) or not path:
            raise PermanentFailure("Telegram does not say where the file is", "media")
        target = f"/file/bot{self._token}/{quote(path)}"
        try:
            answer = await self._http.get(target, _TIMEOUT_S + LARGEST_DOWNLOAD / _SLOW_LINE)
        except HttpFailure as error:
            raise ChannelDown(error.reason) from None
        if answer.status != 200:
            raise RetryLater(f"the file could not be fetched: HTTP {answer.status}")
        return answer.body

    async def close(self) -> None:
        """Close the connections; bots that share them stop together."""
        await self._http.close()

    def _post(
        self, method: str, content_type: str, body: bytes, chat_id: object, timeout: float
    ) -> Awaitable[Answer]:
        if chat_id is not None:
            self._recent.sent(chat_id, time.monotonic())
        return self._http.post(self._path(method), content_type, body, timeout)

    def _path(self, method: str) -> str:
        path = self._paths.get(method)
        if path is None:
            if _METHOD.fullmatch(method) is None:
                raise ValueError("a Bot API method is a word of letters")
            path = self._paths[method] = f"/bot{self._token}/{method}"
        return path

    def _result(self, answer: Answer, chat_id: object) -> Any:
        said = loads(answer.body)
        if isinstance(said, dict):
            if said.get("ok") is True and "result" in said:
                if chat_id is not None:
                    self._recent.accepted()
                return said["result"]
            if said.get("ok") is False:
                raise self._failure(answer, said, chat_id)
        raise _without_json(answer)

    def _failure(self, answer: Answer, said: dict[str, Any], chat_id: object) -> SendFailure:
        if isinstance(description := said.get("description"), str):
            said["description"] = description.replace(self._token, "<token>")
        error = failure(answer.status, said, chat_id)
        if isinstance(error, RateLimited):
            whole = self._recent.is_whole_bot(chat_id, error.after, time.monotonic())
            return RateLimited(error.reason, error.after, whole_key=whole)
        return error


def _without_json(answer: Answer) -> SendFailure:
    """Return what an answer means that did not come from the Bot API itself but from before it."""
    match answer.status:
        case 413:
            return PermanentFailure("Telegram refused the file: it is too large (413)", "too_large")
        case 429:
            return RateLimited("Too Many Requests", 1.0)
        case status:
            return ChannelDown(
                f"HTTP {status} with {len(answer.body)} bytes that are no Bot API answer"
            )


def loads(body: bytes) -> Any:
    """Return the value of a JSON text, None when it is none.

    The fast parser refuses half a surrogate pair, which people manage to send, and one of them in a
    list of updates would hold up all others; the standard one takes it.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def multipart(payload: Mapping[str, Any], files: Sequence[File]) -> tuple[str, bytes]:
    """Return the content type and body of a form; fields that are no strings travel as JSON."""
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    for name, value in payload.items():
        text = value.encode() if isinstance(value, str) else orjson.dumps(value)
        parts += (_part_head(boundary, name), text, b"\r\n")
    for file in files:
        parts += (_part_head(boundary, file.field, file.filename), file.content, b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


def _part_head(boundary: str, name: str, filename: str | None = None) -> bytes:
    lines = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
    if filename is not None:
        lines += f'; filename="{_quoted(filename)}"\r\nContent-Type: application/octet-stream'
    return f"{lines}\r\n\r\n".encode()


def _quoted(text: str) -> str:
    """Return a name that cannot end its own header: as browsers do it (WHATWG, multipart)."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
