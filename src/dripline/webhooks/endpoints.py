"""Say who wants to hear of what: add, change, remove; derive the secret, make it a new one."""

import base64
import hmac
import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import RealTime
from dripline.database import wake
from dripline.errors import Conflict, Invalid, NotFound
from dripline.ids import at_moment, new_id
from dripline.webhooks import queries
from dripline.webhooks.models import Endpoint
from dripline.webhooks.signature import PREFIX

WAKE_NAMES: Final = "webhook_names"
WAKE: Final = "webhooks"
ALL: Final = "*"
WEBHOOK_INVALID, WEBHOOK_NOT_FOUND = "WEBHOOK_INVALID", "WEBHOOK_NOT_FOUND"
_MOST: Final = 50
_MOST_NAMES: Final = 100
_LONGEST_URL: Final = 2000
_SKEW_US: Final = 2_000_000
_NAME: Final = re.compile(r"[a-z0-9_]{1,40}(?:\.[a-z0-9_]{1,40}){0,3}(?:\.\*)?|\*", re.IGNORECASE)


async def add(
    session: AsyncSession,
    url: str,
    names: Sequence[str],
    now: datetime,
    *,
    description: str = "",
    allow_http: bool = False,
) -> Endpoint:
    """Add an endpoint, switched on. Names: `message.sent`, `message.*`, or `*` for all.

    Raises Invalid (WEBHOOK_INVALID) and Conflict when there are as many as there may be.
    """
    if len(await queries.endpoints(session)) >= _MOST:
        raise Conflict(f"There are {_MOST} webhooks already; remove one first.")
    made = Endpoint(
        id=new_id(),
        url=checked_url(url, allow_http=allow_http),
        description=" ".join(description.split())[:200],
        names=checked_names(names),
        is_on=True,
        secret_version=1,
        created_at=now,
        heard_from=since_now(),
    )
    session.add(made)
    await session.flush()
    await _tell(session)
    return made


async def change(
    session: AsyncSession,
    endpoint_id: uuid.UUID,
    *,
    url: str | None = None,
    names: Sequence[str] | None = None,
    description: str | None = None,
    is_on: bool | None = None,
    allow_http: bool = False,
) -> Endpoint:
    """Change what is given; to switch one on forgets that it failed. Raises as `add`, NotFound."""
    known = await get(session, endpoint_id)
    values: dict[str, Any] = {}
    if url is not None:
        values["url"] = checked_url(url, allow_http=allow_http)
    if names is not None:
        values["names"] = checked_names(names)
        values["heard_from"] = known.heard_from or since_now()
    if description is not None:
        values["description"] = " ".join(description.split())[:200]
    if is_on is not None:
        values |= {"is_on": is_on, "failing_since": None, "disabled_reason": None}
        if is_on and not known.is_on:
            values["heard_from"] = since_now()
    if values:
        await queries.change_endpoint(session, endpoint_id, values)
        await session.refresh(known)
        await _tell(session)
    return known


async def remove(session: AsyncSession, endpoint_id: uuid.UUID) -> None:
    """Remove an endpoint, and what was to go there. Raises NotFound."""
    await get(session, endpoint_id)
    await queries.delete_endpoint(session, endpoint_id)
    await _tell(session)


async def rotate(session: AsyncSession, endpoint_id: uuid.UUID) -> Endpoint:
    """Give an endpoint a new secret; the old one is worthless at once. Raises NotFound."""
    known = await get(session, endpoint_id)
    version = known.secret_version % 32_000 + 1
    await queries.change_endpoint(session, endpoint_id, {"secret_version": version})
    await session.refresh(known)
    return known


async def get(session: AsyncSession, endpoint_id: uuid.UUID) -> Endpoint:
    """Return an endpoint. Raises NotFound."""
    known = await queries.endpoint(session, endpoint_id)
    if known is None:
        raise NotFound("There is no such webhook.", code=WEBHOOK_NOT_FOUND)
    return known


def secret_of(signing_key: bytes, endpoint: Endpoint) -> str:
    """Return the `whsec_…` secret that an endpoint verifies with."""
    return PREFIX + base64.b64encode(key_of(signing_key, endpoint)).decode()


def key_of(signing_key: bytes, endpoint: Endpoint) -> bytes:
    """Return the key itself."""
    what = f"webhook:{endpoint.id.hex}:{endpoint.secret_version}"
    return hmac.digest(signing_key, what.encode(), "sha256")


def wants(endpoint: Endpoint, name: str) -> bool:
    """Return whether an endpoint wants to hear of events of this name."""
    return any(
        one in (ALL, name) or (one.endswith(".*") and name.startswith(one[:-1]))
        for one in endpoint.names
    )


def checked_url(url: str, *, allow_http: bool) -> str:
    """Return the address of an endpoint. Raises Invalid with what is wrong with it."""
    text = url.strip()
    parts = _split(text)
    schemes = {"https", "http"} if allow_http else {"https"}
    if parts.scheme not in schemes or not parts.hostname:
        raise Invalid(
            "A webhook goes to an https address, such as https://example.com/hook.",
            code=WEBHOOK_INVALID,
        )
    if parts.username or parts.password or parts.fragment:
        raise Invalid(
            "The address of a webhook holds no password and no #fragment.", code=WEBHOOK_INVALID
        )
    return text


def checked_names(names: Sequence[str]) -> list[str]:
    """Return names of events without repeats. Raises Invalid for what is none."""
    found = list(dict.fromkeys(name.strip() for name in names))
    wrong = [name for name in found if not _NAME.fullmatch(name)]
    if not found or len(found) > _MOST_NAMES or wrong:
        raise Invalid(
            "Say which events it is to hear of: names such as message.sent, message.* or *"
            + (f"; “{wrong[0][:60]}” is none." if wrong else "."),
            code=WEBHOOK_INVALID,
        )
    return found


def _split(text: str) -> Any:
    odd = len(text) > _LONGEST_URL or re.search(r"[^!-~]", text)
    try:
        parts = urlsplit("" if odd else text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    return parts


def since_now() -> uuid.UUID:
    """Return from which event on an endpoint hears that is told of now.

    Machines' clocks, and so their ids, may differ a little: rather a moment too early.
    """
    return at_moment(RealTime().now_us() - _SKEW_US)


async def _tell(session: AsyncSession) -> None:
    await wake(session, WAKE_NAMES)
    await wake(session, WAKE)
