"""Personal links: a short code for each contact, made when first asked for, the same ever after."""

import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import variables
from dripline.content.store import ContentStore
from dripline.lifecycle import queries
from dripline.lifecycle.document import rules_of
from dripline.settings import MAIN_BOT

# Without letters that look alike: people read codes to each other. 31^9 is 2.6e13.
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH: Final = 9
_TRIES: Final = 5
FILLS: Final = frozenset({"referral_link", "referral_count", "referrals_left"})

variables.register("user", "referrals_left", "how many more invited people bring the next state", 0)


async def codes(session: AsyncSession, contact_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return each contact's code, making those that are missing."""
    wanted = set(contact_ids)
    found = await queries.codes_of(session, wanted)
    for _ in range(_TRIES):
        missing = sorted(wanted - set(found))
        if not missing:
            break
        await queries.insert_codes(session, {contact_id: new_code() for contact_id in missing})
        found |= await queries.codes_of(session, missing)
    return found


def new_code() -> str:
    """Return a code that nobody can guess from another one."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def link(username: str, code: str) -> str:
    """Return the link that a contact shares."""
    return f"https://t.me/{username}?start=r_{code}"


async def link_of(session: AsyncSession, contact_id: uuid.UUID) -> str:
    """Return a contact's link; empty while no bot is known by its name on Telegram."""
    username = _chosen(await queries.bot_names(session))
    if not username:
        return ""
    return link(username, (await codes(session, [contact_id])).get(contact_id, ""))


def _chosen(names: Mapping[str, str]) -> str:
    return names.get(MAIN_BOT) or next(iter(names.values()), "")


class Fill:
    """Fills what templates ask of this room: three statements a batch."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store

    async def __call__(
        self, session: AsyncSession, contact_ids: Iterable[uuid.UUID]
    ) -> dict[uuid.UUID, dict[str, Any]]:
        """Return link, count and what is left to the next state, by contact."""
        wanted = list(contact_ids)
        username = _chosen(await queries.bot_names(session))
        made = await codes(session, wanted) if username else {}
        rules = rules_of(await self._store.current(session))
        found = {}
        for contact_id, (state, count) in (await queries.counts_of(session, wanted)).items():
            following = rules.next_after(state)
            found[contact_id] = {
                "referral_link": link(username, made[contact_id]) if contact_id in made else "",
                "referral_count": count,
                "referrals_left": max(0, following.referrals - count) if following else 0,
            }
        return found
