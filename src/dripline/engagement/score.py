"""Scores: points that fade, on a scale of 0 to 100. Pure functions over values.

Every event brings points, and points fade by half every half-life. Since all of them fade alike,
one number is enough for any time to come: the moment at which a single point will be left. What
comes late fits in as if it had come in time.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

TYPES: Final = ("overall", "telegram", "email", "attendance", "commitment")
OVERALL: Final = "overall"
# Fifty points are half of the scale; the next fifty half of what is left of it.
_HALF: Final = 50.0
HIGHLY_ENGAGED, ENGAGED, AT_RISK, DORMANT = "highly_engaged", "engaged", "at_risk", "dormant"
# The least overall score of each level, unless the content says otherwise (`engagement.json`); who
# has less than any is dormant.
LEVELS: Final[Mapping[str, float]] = {HIGHLY_ENGAGED: 50, ENGAGED: 15, AT_RISK: 4, DORMANT: 0}
_SECOND_US: Final = 1_000_000


def left(seconds: float, half_life_s: float) -> float:
    """Return which part of points is left after a while."""
    return math.exp2(-seconds / half_life_s)


def points_at(fades_at_us: int, now_us: int, half_life_s: float) -> float:
    """Return how many points there are at a moment."""
    return math.exp2((fades_at_us - now_us) / (half_life_s * _SECOND_US))


def score_of(points: float) -> float:
    """Return points on the scale of 0 to 100."""
    return 100 * (1 - math.exp2(-max(points, 0.0) / _HALF))


def points_for(score: float) -> float:
    """Return the points of a score below 100."""
    return -_HALF * math.log2(1 - score / 100)


# From how many points (as a power of two) on a score rounds to this number or a higher one.
_ROUNDS_FROM: Final = [0.0, *(math.log2(points_for(shown - 0.5)) for shown in range(1, 101))]


class Written(NamedTuple):
    """Points as a row keeps them: the rounded score, when one is left, how long it rounds so.

    `stays_s` is None when the score is 0 for good.
    """

    score: int
    fades_at_us: int
    stays_s: float | None


def written(points: float, now_us: int, half_life_s: float) -> Written:
    """Return what a row keeps of more than no points."""
    power = math.log2(points)
    shown = round(100 - 100 * math.exp2(-points / _HALF))
    stays = half_life_s * (power - _ROUNDS_FROM[shown]) if shown else None
    return Written(shown, now_us + round(power * half_life_s * _SECOND_US), stays)


def level_of(score: float, levels: Mapping[str, float] = LEVELS) -> str:
    """Return the level of an overall score."""
    return next(level for level, least in levels.items() if score >= least)
