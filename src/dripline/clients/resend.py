"""Resend's API: an email's fields in, its id or a typed failure out.

Every call carries an idempotency key, which Resend keeps for 24 hours: the same key with the same
email is answered as the first time, and nothing goes out twice.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from dripline import __version__
from dripline.clients.http import Answer, HttpClient, HttpFailure
from dripline.clients.http1 import Http1Client
from dripline.clients.resend_errors import failure
from dripline.errors import ChannelDown

MOST_IN_BATCH = 100
_JSON = "application/json"
_TIMEOUT_S = 30.0
_LARGEST_ANSWER = 1024 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-]{1,256}")
_MOST_CONNECTIONS = 8  # a team has a handful of requests a second


class ResendClient:
    """One team's key. `requests_a_second` is what Resend has last said it allows, or None."""

    def __init__(self, base: str, key: str, *, http: HttpClient | None = None) -> None:
        self._http = http or Http1Client(
            base, max_connections=_MOST_CONNECTIONS, max_answer=_LARGEST_ANSWER
        )
        self._key = key
        self.requests_a_second: float | None = None

    def __repr__(self) -> str:
        """Return nothing of the key."""
        return "ResendClient()"

    async def send(self, email: Mapping[str, Any], key: str) -> str:
        """Send one email under an idempotency key; return Resend's id of it.

        Raises a SendFailure: see `clients.resend_errors` for which; `AlreadySent` when an email
        has gone out under this key before.
        """
        said = await self._post("/emails", email, key)
        return _id_of(said)

    async def send_batch(self, emails: Sequence[Mapping[str, Any]], key: str) -> list[str]:
        """Send up to 100 emails at once, without attachments; return their ids, in order.

        It is all or nothing: one bad email refuses the whole batch. Raises as `send` does.
        """
        said = await self._post("/emails/batch", list(emails), key)
        found = said.get("data")
        ids = [_id_of(one) for one in found] if isinstance(found, list) else []
        if len(ids) != len(emails):
            raise ChannelDown(f"Resend named {len(ids)} ids for {len(emails)} emails")
        return ids

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _post(self, path: str, payload: Any, key: str) -> dict[str, Any]:
        if _KEY.fullmatch(key) is None:
            raise ValueError("an idempotency key is 1 to 256 letters, digits, _ or -")
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": key,
            "User-Agent": f"dripline/{__version__}",
            "Accept": _JSON,
        }
        try:
            answer = await self._http.post(path, _JSON, orjson.dumps(payload), _TIMEOUT_S, headers)
        except HttpFailure as error:
            # Whether or not it was taken: the same key is safe to come again.
            raise ChannelDown(error.reason) from None
        self._learn_rate(answer)
        said = _loads(answer.body)
        if 200 <= answer.status < 300 and isinstance(said, dict):
            return said
        raise failure(answer, said)

    def _learn_rate(self, answer: Answer) -> None:
        limit = answer.header("ratelimit-limit") or ""
        allowed = re.match(r"(\d{1,9})", limit.strip())
        if allowed and int(allowed[1]):
            # `5;w=1`, or just `5`: requests in a window of so many seconds, one unless said.
            window = re.search(r";\s*w=(\d{1,6})", limit)
            self.requests_a_second = int(allowed[1]) / max(int(window[1]) if window else 1, 1)


def _id_of(said: Any) -> str:
    found = said.get("id") if isinstance(said, dict) else None
    if not isinstance(found, str) or not found or len(found) > 200:
        raise ChannelDown("Resend took the email but did not say its id")
    return found


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
