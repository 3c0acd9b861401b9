"""How sure we are, at any moment: intervals that stay true however often they are looked at.

Pure functions. Each arm is a stream of people of whom some reach the goal.

**Shares** (`compare`). People are assigned without regard to results, so the difference of the
rates is about normal, and a normal mixture (Robbins 1970) gives a sequence of intervals that holds
the true difference at every moment at once: the usual interval with, instead of 1.96,

    z(N) = sqrt(2 (1 + 1/(N r)) log(sqrt(N r + 1) / alpha)),    r such that z is least at N = 1000

of `N` people in both arms, some 3.0 to 3.5. The rates it is built on have one more who did and one
more who did not in each arm, which keeps it honest while few have reached the goal.
Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and
asymptotic confidence sequences", 2021, for the sequence; Agresti and Caffo 2000 for the rates.

**Bandits** (`compare_exactly`). Whom a bandit asks next depends on the results so far, which the
above does not allow. For a supposed rate `p`,

    M(p) = B(k+1, n-k+1) / (p^k (1-p)^(n-k))

is what a gambler who spreads his stake evenly over all rates would have won against `p` after `k`
of `n`. For the true rate M is a martingale that starts at 1; so is the product of two arms',
whoever is assigned next and why. By Ville's inequality it ever reaches 1/alpha with a chance of at
most alpha, so all pairs of rates under which it is below make a region that always holds the true
pair. The interval is the least and the greatest difference (and ratio) inside that region: exact
for any number of people, and wider.
Source: H. Robbins, "Statistical methods related to the law of the iterated logarithm", 1970;
J. Ville, "Étude critique de la notion de collectif", 1939.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt

_STEPS = 60  # halvings: to far below what is shown
_GOLDEN = 0.6180339887498949
_TUNED_FOR = 1_000  # people in both arms at which the normal mixture is narrowest


@dataclass(frozen=True, slots=True)
class Arm:
    """`reached` of `people` have reached the goal."""

    people: int
    reached: int

    @property
    def rate(self) -> float:
        """The share that has reached the goal; 0 without anybody."""
        return self.reached / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the baseline: rates from 0 to 1, `lift` relative to the baseline's rate.

    An end of the lift's interval is None where nothing bounds it.
    """

    difference: float
    low: float
    high: float
    lift: float | None
    lift_low: float | None
    lift_high: float | None

    @property
    def better(self) -> bool:
        """Whether the variant is better for sure (as sure as was asked for)."""
        return self.low > 0

    @property
    def worse(self) -> bool:
        """Whether it is worse for sure."""
        return self.high < 0


def compare(baseline: Arm, variant: Arm, alpha: float) -> Comparison:
    """Return how a variant does against the baseline, people assigned by shares.

    Ever wrong with a chance of about `alpha`.
    """
    if not baseline.people or not variant.people:
        return Comparison(variant.rate - baseline.rate, -1.0, 1.0, None, None, None)
    z = _multiple(baseline.people + variant.people, alpha)
    p, q = _smoothed(baseline), _smoothed(variant)
    n, m = baseline.people + 2, variant.people + 2
    half = z * sqrt(p * (1 - p) / n + q * (1 - q) / m)
    low, high = max(q - p - half, -1.0), min(q - p + half, 1.0)
    spread = z * sqrt((1 - p) / (n * p) + (1 - q) / (m * q))
    # The sign is told once, by the difference.
    lift_low = exp(log(q / p) - spread) - 1
    lift_high = exp(log(q / p) + spread) - 1
    return Comparison(
        q - p,
        low,
        high,
        q / p - 1,
        max(lift_low, 0.0) if low > 0 else min(lift_low, 0.0),
        min(lift_high, 0.0) if high < 0 else max(lift_high, 0.0),
    )


def _smoothed(arm: Arm) -> float:
    return (arm.reached + 1) / (arm.people + 2)


def _multiple(people: int, alpha: float) -> float:
    """Return how many standard errors an interval reaches that is watched all the time."""
    tuned = -2 * log(alpha)
    ripe = people * (tuned + log(tuned + 1)) / _TUNED_FOR
    return sqrt(2 * (1 + 1 / ripe) * log(sqrt(ripe + 1) / alpha))


def compare_exactly(baseline: Arm, variant: Arm, alpha: float) -> Comparison:
    """Return how a variant does against the baseline, whatever decided who was assigned next.

    Ever wrong with a chance of at most `alpha`.
    """
    budget = -log(alpha)
    high = _extreme(variant, baseline, budget, lambda high, low: high - low)
    low = -_extreme(baseline, variant, budget, lambda high, low: high - low)
    top = _extreme(variant, baseline, budget, _ratio)
    bottom = _extreme(baseline, variant, budget, _ratio)
    known = baseline.rate > 0
    return Comparison(
        variant.rate - baseline.rate,
        max(low, -1.0),
        min(high, 1.0),
        variant.rate / baseline.rate - 1 if known else None,
        1 / bottom - 1 if 0 < bottom < inf else (-1.0 if bottom == inf else None),
        top - 1 if top < inf else None,
    )


def evidence_of_difference(one: Arm, other: Arm) -> float:
    """Return the logarithm of the evidence against "both rates are the same".

    It exceeds log(1/alpha) exactly when the exact interval of the difference leaves out zero: the
    product of both martingales is least at the common rate.
    """
    people = one.people + other.people
    rate = (one.reached + other.reached) / people if people else 0.0
    return _log_wealth(one, rate) + _log_wealth(other, rate)


def interval(arm: Arm, alpha: float) -> tuple[float, float]:
    """Return the rates an arm may truly have."""
    budget = -log(alpha)
    return _lowest(arm, budget), _highest(arm, budget)


def _ratio(high: float, low: float) -> float:
    return high / low if low > 0 else inf


def _extreme(
    upper: Arm, lower: Arm, budget: float, measure: Callable[[float, float], float]
) -> float:
    """Return the greatest measure of (a rate of `upper`, a rate of `lower`) inside the region.

    At the extreme the whole budget is spent: so much on the lower arm, the rest on the upper one.
    The measure has one peak over that split.
    """
    left, right = _least(lower), budget - _least(upper)

    def at(spent: float) -> float:
        return measure(_highest(upper, budget - spent), _lowest(lower, spent))

    a, b = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
    at_a, at_b = at(a), at(b)
    for _step in range(_STEPS):
        if at_a < at_b:
            left, a, at_a = a, b, at_b
            b = left + _GOLDEN * (right - left)
            at_b = at(b)
        else:
            right, b, at_b = b, a, at_a
            a = right - _GOLDEN * (right - left)
            at_a = at(a)
    return max(at_a, at_b)


def _log_wealth(arm: Arm, rate: float) -> float:
    """Return log M(rate); infinite for a rate under which this could not have happened."""
    k, n = arm.reached, arm.people
    if (k and rate <= 0) or (n - k and rate >= 1):
        return inf
    expected = (k * log(rate) if k else 0.0) + ((n - k) * log(1 - rate) if n - k else 0.0)
    return lgamma(k + 1) + lgamma(n - k + 1) - lgamma(n + 2) - expected


def _least(arm: Arm) -> float:
    return _log_wealth(arm, arm.rate)


def _highest(arm: Arm, budget: float) -> float:
    """Return the greatest rate at which log M is within the budget."""
    return _boundary(arm, budget, 1.0)


def _lowest(arm: Arm, budget: float) -> float:
    return _boundary(arm, budget, 0.0)


def _boundary(arm: Arm, budget: float, end: float) -> float:
    inside, outside = arm.rate, end
    if _log_wealth(arm, outside) <= budget:
        return outside
    for _step in range(_STEPS):
        middle = (inside + outside) / 2
        if _log_wealth(arm, middle) <= budget:
            inside = middle
        else:
            outside = middle
    return outside
