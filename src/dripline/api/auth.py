"""Who calls, and what they may: keys in `X-API-Key` or `Authorization: Bearer`."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException

from dripline.api.throttle import Throttle, source_of
from dripline.clock import Clock
from dripline.database import Database
from dripline.operators import key_queries, keys
from dripline.operators.models import ApiKey
from dripline.settings import Settings

_TRIES: Final = 10  # wrong keys a minute from one source
_NOTE_USE_EVERY: Final = timedelta(minutes=5)
ADMIN: Final = "ADMIN_API_KEY"


class Role(IntEnum):
    """What a key may: look, change what is said and sent, or everything."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever calls: `name` is what the audit log shows, `id` tells keys apart."""

    id: str
    name: str
    role: Role


class Auth:
    """Knows keys, and how often each was used of late. One object a process."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        key = settings.admin_api_key
        self._admin = keys.hash_of(key.get_secret_value().strip()) if key else bytes(32)
        self._database = database
        self._clock = clock
        self._wrong = Throttle(
            "wrong", _TRIES, "Too many wrong keys came from here; try again in a minute."
        )
        self._used = Throttle(
            "used",
            settings.api_requests_per_minute,
            f"This key may ask {settings.api_requests_per_minute} times a minute.",
        )

    async def principal(self, request: Request) -> Principal:
        """Return who calls. Raises HTTPException 401 and 429."""
        found = await self.holder(key_of(request), source_of(request))
        if found is None:
            raise _unauthorized()
        await self._used.take(found.id)
        return found

    async def holder(self, key: str, source: str) -> Principal | None:
        """Return whom a key belongs to, or None. Raises HTTPException 429 after too many tries."""
        await self._wrong.check(source)
        found = await self._known(key)
        if found is None and key:
            await self._wrong.count(source)
        return found

    async def of_id(self, principal_id: str) -> Principal | None:
        """Return the present holder of a key by its id; None when the key is no more."""
        if principal_id == self.admin_id:
            return self._administrator
        async with self._database.reading() as session:
            row = await key_queries.key_of_prefix(session, principal_id)
        return None if row is None or row.revoked_at is not None else _principal(row)

    @property
    def admin_id(self) -> str:
        """The id of ADMIN_API_KEY; another key has another one."""
        return f"env-{self._admin.hex()[:16]}"

    async def _known(self, key: str) -> Principal | None:
        async with self._database.reading() as session:
            row = await keys.known(session, key)
        is_admin = hmac.compare_digest(keys.hash_of(key), self._admin)
        if row is not None:
            await self._note_use(row)
            return _principal(row)
        return self._administrator if is_admin and key else None

    async def _note_use(self, row: ApiKey) -> None:
        now = self._clock.now()
        if row.last_used_at is None or row.last_used_at < now - _NOTE_USE_EVERY:
            async with self._database.transaction() as session:
                await key_queries.set_last_used(session, row.id, now)

    @property
    def _administrator(self) -> Principal:
        return Principal(self.admin_id, ADMIN, Role.ADMIN)


def key_of(request: Request) -> str:
    """Return the key that a request carries; empty when it carries none."""
    given = request.headers.get("x-api-key", "").strip()
    if not given:
        scheme, _space, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else ""
    return given


def _principal(row: ApiKey) -> Principal:
    return Principal(row.prefix, f"{row.name} ({row.prefix})", Role[row.role.upper()])


def _unauthorized() -> HTTPException:
    return HTTPException(
        401,
        "This needs an API key, as X-API-Key or as Authorization: Bearer; none was given, or it "
        "is not one of ours.",
        {"WWW-Authenticate": "Bearer"},
    )
