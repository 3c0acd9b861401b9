"""Who calls, and what they may: keys in `X-API-Key` or `Authorization: Bearer`."""

import hmac
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from fastapi import Request
from starlette.exceptions import HTTPException

from dripline.settings import Settings


class Role(IntEnum):
    """What a key may: look, change what is said and sent, or everything."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever calls: the name is what the audit log shows."""

    name: str
    role: Role


class Auth:
    """Knows keys. One object a process."""

    def __init__(self, settings: Settings) -> None:
        key = settings.admin_api_key
        self._admin = sha256(key.get_secret_value().encode()).digest() if key else None

    async def principal(self, request: Request) -> Principal:
        """Return who calls. Raises HTTPException 401."""
        given = sha256(key_of(request).encode()).digest()
        if self._admin is not None and hmac.compare_digest(given, self._admin):
            return Principal("admin", Role.ADMIN)
        raise HTTPException(
            401,
            "This needs an API key, as X-API-Key or as Authorization: Bearer; none was given, or "
            "it is not one of ours.",
            {"WWW-Authenticate": "Bearer"},
        )


def key_of(request: Request) -> str:
    """Return the key that a request carries; empty when it carries none."""
    given = request.headers.get("x-api-key", "")
    if not given:
        scheme, _space, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else ""
    return given
