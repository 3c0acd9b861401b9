"""What an experiment shows so far: rates, lift, interval; and who has won."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.experiments import queries
from dripline.experiments.document import Experiment
from dripline.experiments.intervals import Arm, Comparison, compare, compare_exactly, interval
from dripline.experiments.models import HOLDOUT, Verdict


@dataclass(frozen=True, slots=True)
class Line:
    """One variant: how many, how many reached the goal, and how it does against the baseline."""

    variant: str
    arm: Arm
    low: float
    high: float
    against: Comparison | None  # None: it is the baseline


@dataclass(frozen=True, slots=True)
class Results:
    """An experiment as it stands."""

    experiment: Experiment
    lines: tuple[Line, ...]
    since: datetime | None
    verdict: Verdict | None

    @property
    def leader(self) -> str | None:
        """The variant that has won for sure, or None while nobody can tell."""
        return winner(self.lines)


async def results(session: AsyncSession, experiment: Experiment) -> Results:
    """Return how an experiment stands; it may be watched as often as one likes."""
    counted = await queries.counts(session, experiment.id)
    return Results(
        experiment,
        lines(experiment, counted),
        await queries.first_assigned_at(session, experiment.id),
        await queries.verdict(session, experiment.id),
    )


def lines(experiment: Experiment, counted: Mapping[str, tuple[int, int]]) -> tuple[Line, ...]:
    """Return a line a variant; the error allowed is shared among the comparisons."""
    names = [one.id for one in experiment.variants]
    if experiment.holdout or HOLDOUT in counted:
        names.append(HOLDOUT)
    arms = {name: Arm(*counted.get(name, (0, 0))) for name in names}
    alpha = (1 - experiment.confidence) / max(len(names) - 1, 1)
    baseline = arms[names[0]]
    judge = compare_exactly if experiment.bandit else compare
    return tuple(
        Line(
            name,
            arms[name],
            *interval(arms[name], 1 - experiment.confidence),
            None if name == names[0] else judge(baseline, arms[name], alpha),
        )
        for name in names
    )


def winner(found: tuple[Line, ...]) -> str | None:
    """Return the variant that is better than the baseline for sure, or the baseline itself.

    Of several that are better, the one with the best rate. The baseline wins when all others are
    worse for sure. The holdout cannot win.
    """
    others = [line for line in found if line.against is not None and line.variant != HOLDOUT]
    better = [line for line in others if line.against is not None and line.against.better]
    if better:
        return max(better, key=lambda line: line.arm.rate).variant
    if others and all(line.against is not None and line.against.worse for line in others):
        return found[0].variant
    return None
