"""Idempotency keys: a request that is repeated gets the answer of the first one.

The answer is kept in the transaction of what was done, so a crash leaves both or neither, and
whoever repeats is never wrong. An error keeps nothing: nothing was done, so it may be tried again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.errors import Conflict, Invalid
from dripline.operators import key_queries as queries

KEPT_FOR: Final = timedelta(hours=24)
HEADER: Final = "idempotency-key"
REUSED: Final = "IDEMPOTENCY_KEY_REUSED"
IN_PROGRESS: Final = "IDEMPOTENCY_KEY_IN_PROGRESS"
_FORM: Final = re.compile(r"^[\x21-\x7e]{1,200}$")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that carries a key: whose, which, and what exactly is asked."""

    owner: str
    key: str
    hash: bytes


class Idempotency:
    """Knows what this process is at; the rest is in the database."""

    def __init__(self) -> None:
        self._busy: set[tuple[str, str]] = set()

    @contextmanager
    def alone(self, asked: Asked | None) -> Iterator[None]:
        """Let nobody else do the same at the same time. Raises Conflict."""
        if asked is None:
            yield
            return
        mark = (asked.owner, asked.key)
        if mark in self._busy:
            raise _in_progress()
        self._busy.add(mark)
        try:
            yield
        finally:
            self._busy.discard(mark)


def asked_by(request: Request, owner: str, body: bytes) -> Asked | None:
    """Return what a request asks under a key, or None without one. Raises Invalid."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _FORM.match(key):
        raise Invalid("An Idempotency-Key has 1 to 200 visible ASCII characters.")
    whole = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
    return Asked(owner, key, sha256(whole).digest())


async def answered(session: AsyncSession, asked: Asked, now: datetime) -> Response | None:
    """Return what was answered before, or None. Raises Conflict."""
    if not await queries.have_to_ourselves(session, f"{asked.owner} {asked.key}"):
        raise _in_progress()
    kept = await queries.kept_answer(session, asked.owner, asked.key)
    if kept is None or kept.created_at < now - KEPT_FOR:
        return None
    if kept.request_hash != asked.hash:
        raise Conflict(
            "This Idempotency-Key was used for another request; take a new one.", code=REUSED
        )
    headers = {"idempotency-replayed": "true"}
    return Response(kept.body, kept.status, headers, media_type="application/json")


async def keep(session: AsyncSession, asked: Asked, answer: Response, now: datetime) -> None:
    """Keep an answer for a day."""
    values = {
        "owner": asked.owner,
        "key": asked.key,
        "request_hash": asked.hash,
        "status": answer.status_code,
        "body": bytes(answer.body),
        "created_at": now,
    }
    await queries.keep_answer(session, values)


def _in_progress() -> Conflict:
    return Conflict(
        "A request with this Idempotency-Key is just being answered; ask again in a moment.",
        code=IN_PROGRESS,
    )
