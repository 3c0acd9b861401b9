"""Read scores, exactly as they are at a moment; the level; what templates ask of them."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import Clock, to_us
from dripline.content import variables
from dripline.content.store import ContentStore
from dripline.engagement import score_queries as queries
from dripline.engagement.models import EngagementScore
from dripline.engagement.rules import ScoreRules, rules_of
from dripline.engagement.score import DORMANT, OVERALL, left, level_of, points_at, score_of

FILLS: Final = frozenset({"engagement_score", "engagement_level"})

variables.register("user", "engagement_score", "how much they answer, 0 to 100", 0)
variables.register(
    "user",
    "engagement_level",
    "highly_engaged, engaged, at_risk or dormant",
    DORMANT,
)


@dataclass(frozen=True, slots=True)
class Factor:
    """What one kind of event brings to a score now, and how often it came."""

    points: float
    times: int


@dataclass(frozen=True, slots=True)
class Score:
    """A score now, 0 to 100, with what it is made of."""

    type: str
    score: float
    factors: Mapping[str, Factor]
    computed_at: datetime
    valid_until: datetime | None


async def scores_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID], now: datetime
) -> dict[uuid.UUID, dict[str, Score]]:
    """Return contacts' scores by type, as they are now; one that was never made is missing."""
    found: dict[uuid.UUID, dict[str, Score]] = {}
    for row in await queries.scores_of(session, contact_ids):
        found.setdefault(row.contact_id, {})[row.type] = _score(row, now)
    return found


def level(scores: Mapping[str, Score], rules: ScoreRules) -> str:
    """Return the level of a contact with these scores."""
    overall = scores.get(OVERALL)
    return level_of(overall.score, rules.levels) if overall else DORMANT


def _score(row: EngagementScore, now: datetime) -> Score:
    present = points_at(row.fades_at, to_us(now), row.half_life)
    part = left((now - row.computed_at).total_seconds(), row.half_life)
    factors = {
        name: Factor(points * part, int(times)) for name, (points, times) in row.factors.items()
    }
    return Score(row.type, score_of(present), factors, row.computed_at, row.valid_until)


class FillScores:
    """Fills what templates ask: one statement a batch."""

    def __init__(self, clock: Clock, store: ContentStore) -> None:
        self._clock = clock
        self._store = store

    async def __call__(
        self, session: AsyncSession, contact_ids: Iterable[uuid.UUID]
    ) -> dict[uuid.UUID, dict[str, Any]]:
        """Return score and level, by contact."""
        wanted = list(contact_ids)
        rules = rules_of(await self._store.current(session))
        scores = await scores_of(session, wanted, self._clock.now())
        filled = {}
        for contact_id in wanted:
            theirs = scores.get(contact_id, {})
            overall = theirs.get(OVERALL)
            filled[contact_id] = {
                "engagement_score": round(overall.score) if overall else 0,
                "engagement_level": level(theirs, rules),
            }
        return filled
