"""Who has brought most people: in order, without those who have been away for long."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.lifecycle import queries, words
from dripline.lifecycle.queries import Present
from dripline.lifecycle.rules import LEADERBOARD, Rules

_FURTHEST: Final = 1000  # whoever stands further down is told their count, not their place


async def top(session: AsyncSession, rules: Rules) -> list[tuple[int, uuid.UUID, str, int]]:
    """Return place, contact, name and number of referrals of the best."""
    rows = await queries.top(session, rules.board.size)
    return [
        (place, row[0], words.shown_name(row[1] or row[2]), row[3])
        for place, row in enumerate(rows, 1)
    ]


async def shown(session: AsyncSession, rules: Rules, present: Present) -> str:
    """Return the leaderboard as a contact reads it; whoever may not, reads when they may."""
    if LEADERBOARD not in rules.unlocked(present.state):
        return words.unlocked_by(rules, LEADERBOARD, present.language)
    rows = [(place, name, count) for place, _, name, count in await top(session, rules)]
    place = await place_of(session, present)
    own = words.own_place(
        place, present.referral_count, present.decay_hidden_at is not None, present.language
    )
    return f"{words.leaderboard(rows, rules, present.language)}\n\n{own}"


async def place_of(session: AsyncSession, present: Present) -> int | None:
    """Return somebody's place; None for those who are hidden, have none, or stand far down."""
    if not present.referral_count or present.decay_hidden_at is not None:
        return None
    ahead = await queries.ahead_of(session, present.contact_id, present.referral_count, _FURTHEST)
    return ahead + 1 if ahead < _FURTHEST else None
