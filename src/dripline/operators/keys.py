"""Keys of the API: made once, shown once, kept as a hash.

A key reads `drip_PREFIX_SECRET`. Its secret has 256 random bits, so a plain SHA-256 keeps it: there
is nothing to guess that a slow hash would slow down.
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.errors import Conflict, Invalid, NotFound
from dripline.ids import new_id
from dripline.operators import key_queries as queries
from dripline.operators.models import ApiKey

ROLES: Final = ("viewer", "editor", "admin")
KEY_NOT_FOUND: Final = "KEY_NOT_FOUND"
_FORM: Final = re.compile(r"^drip_([0-9a-f]{12})_[A-Za-z0-9_-]{20,100}$")
_NOBODY: Final = bytes(32)
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; `secret` is the whole key, and told this one time only."""

    row: ApiKey
    secret: str


async def create(
    session: AsyncSession, name: str, role: str, created_by: str, now: datetime
) -> NewKey:
    """Make a key. Raises Invalid for a role that is none, or a name that cannot be kept."""
    if role not in ROLES:
        raise Invalid(f"“{role}” is no role. There are: {', '.join(ROLES)}.")
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A key has a name of 1 to {_LONGEST_NAME} printable characters.")
    prefix = secrets.token_hex(6)
    secret = f"drip_{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        id=new_id(),
        prefix=prefix,
        secret_hash=hash_of(secret),
        role=role,
        name=name.strip(),
        created_at=now,
        created_by=created_by[:120],
        last_used_at=None,
        revoked_at=None,
    )
    await queries.insert_key(session, row)
    return NewKey(row, secret)


async def revoke(session: AsyncSession, prefix: str, now: datetime) -> ApiKey:
    """Let a key open nothing any more; it is meant by its prefix or its id.

    Raises NotFound (KEY_NOT_FOUND), and Conflict when it was revoked already.
    """
    wanted = prefix.removeprefix("drip_")
    row = next((one for one in await queries.keys(session) if _means(one, wanted)), None)
    if row is None:
        raise NotFound(f"There is no key {prefix}.", code=KEY_NOT_FOUND)
    if not await queries.revoke_key(session, row.id, now):
        raise Conflict(f"The key {row.prefix} was revoked already.")
    return row


async def known(session: AsyncSession, key: str) -> ApiKey | None:
    """Return the row of a key that opens something, or None.

    A wrong key costs the same look and the same comparison as a right one.
    """
    form = _FORM.match(key)
    row = await queries.key_of_prefix(session, form[1] if form else "")
    same = hmac.compare_digest(hash_of(key), row.secret_hash if row else _NOBODY)
    return row if same and row is not None and row.revoked_at is None else None


def hash_of(key: str) -> bytes:
    """Return what is kept of a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def _means(row: ApiKey, words: str) -> bool:
    return words in {row.prefix, row.id.hex, str(row.id)}
