"""Intervals that hold however often they are looked at: shown by watching all the time."""

import random
from collections.abc import Callable
from math import inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.experiments.intervals import (
    Arm,
    Comparison,
    compare,
    compare_exactly,
    evidence_of_difference,
    interval,
)

ALPHA = 0.05
Counts = list[list[int]]


def told_apart(counts: Counts) -> bool:
    told = compare(Arm(*counts[0]), Arm(*counts[1]), ALPHA)
    return told.better or told.worse


def told_apart_exactly(counts: Counts) -> bool:
    return evidence_of_difference(Arm(*counts[0]), Arm(*counts[1])) > log(1 / ALPHA)


def in_turn(number: int, counts: Counts, dice: random.Random) -> int:
    return number % 2


def unevenly(number: int, counts: Counts, dice: random.Random) -> int:
    return int(dice.random() < 0.15)


def thompson(number: int, counts: Counts, dice: random.Random) -> int:
    draws = [dice.betavariate(1 + k, 1 + n - k) for n, k in counts]
    return draws.index(max(draws))


def false_alarms(
    rate: float,
    people: int,
    runs: int,
    tell: Callable[[Counts], bool],
    ask: Callable[[int, Counts, random.Random], int] = in_turn,
) -> float:
    """Return how often equal arms are ever told apart, looked at after every single person."""
    dice = random.Random(20_261)
    alarms = 0
    for _run in range(runs):
        counts = [[0, 0], [0, 0]]
        for number in range(people):
            arm = ask(number, counts, dice)
            counts[arm][0] += 1
            counts[arm][1] += dice.random() < rate
            if tell(counts):
                alarms += 1
                break
    return alarms / runs


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_equal_arms_are_told_apart_in_at_most_five_of_a_hundred_runs(rate: float) -> None:
    assert false_alarms(rate, 1_200, 300, told_apart) <= ALPHA


def test_uneven_shares_do_not_make_it_less_sure() -> None:
    assert false_alarms(0.05, 1_200, 300, told_apart, unevenly) <= ALPHA


def test_a_bandits_choice_of_whom_to_ask_next_does_not_make_it_less_sure() -> None:
    assert false_alarms(0.2, 800, 250, told_apart_exactly, thompson) <= ALPHA


def test_the_usual_test_would_have_cried_wolf() -> None:
    """The same watching with z > 1.96: what these intervals are for."""

    def usual(counts: Counts) -> bool:
        (n, k), (m, j) = counts
        if min(n, m) < 20:
            return False
        pooled = (k + j) / (n + m)
        spread = (pooled * (1 - pooled) * (1 / n + 1 / m)) ** 0.5
        return spread > 0 and abs(j / m - k / n) / spread > 1.96

    assert false_alarms(0.1, 1_200, 200, usual) > 0.2


@pytest.mark.parametrize(("judge", "often"), [(compare, 90), (compare_exactly, 40)])
def test_a_real_difference_is_found(
    judge: Callable[[Arm, Arm, float], Comparison], often: int
) -> None:
    dice = random.Random(3)
    found = 0
    for _run in range(100):
        arms = [sum(dice.random() < rate for _ in range(1_500)) for rate in (0.10, 0.16)]
        found += judge(Arm(1_500, arms[0]), Arm(1_500, arms[1]), ALPHA).better
    assert found >= often


def test_the_interval_ever_misses_the_true_difference_in_at_most_five_of_a_hundred_runs() -> None:
    dice = random.Random(11)
    missed = 0
    for _run in range(300):
        counts = [[0, 0], [0, 0]]
        for number in range(600):
            arm = number % 2
            counts[arm][0] += 1
            counts[arm][1] += dice.random() < (0.2, 0.3)[arm]
            told = compare(Arm(*counts[0]), Arm(*counts[1]), ALPHA)
            if number > 10 and not told.low <= 0.1 <= told.high:
                missed += 1
                break
    assert missed / 300 <= ALPHA


ARMS = st.integers(0, 5_000).flatmap(
    lambda people: st.builds(Arm, st.just(people), st.integers(0, people))
)


@given(ARMS, ARMS, st.sampled_from([compare, compare_exactly]))
def test_every_interval_holds_what_it_is_about(
    baseline: Arm, variant: Arm, judge: Callable[[Arm, Arm, float], Comparison]
) -> None:
    told = judge(baseline, variant, ALPHA)
    assert -1 <= told.low <= told.high <= 1
    if baseline.people and variant.people:
        assert told.low - 1e-9 <= told.difference <= told.high + 1e-9
    low, high = interval(variant, ALPHA)
    assert 0 <= low <= variant.rate <= high <= 1
    if told.lift_low is not None and told.lift_high is not None and told.lift is not None:
        assert told.lift_low - 1e-6 <= told.lift <= told.lift_high + 1e-6
    if told.better and told.lift_low is not None:
        assert told.lift_low >= -1e-6
    if told.worse and told.lift_high is not None:
        assert told.lift_high <= 1e-6


@given(ARMS, ARMS)
def test_the_evidence_agrees_with_the_exact_interval(baseline: Arm, variant: Arm) -> None:
    evidence = evidence_of_difference(baseline, variant)
    if abs(evidence - log(1 / ALPHA)) > 0.01:
        told = compare_exactly(baseline, variant, ALPHA)
        assert (told.better or told.worse) == (evidence > log(1 / ALPHA))


@given(ARMS, ARMS, st.sampled_from([compare, compare_exactly]))
def test_swapping_the_arms_turns_the_interval_over(
    one: Arm, other: Arm, judge: Callable[[Arm, Arm, float], Comparison]
) -> None:
    there, back = judge(one, other, ALPHA), judge(other, one, ALPHA)
    assert there.low == pytest.approx(-back.high, abs=1e-6)
    assert there.high == pytest.approx(-back.low, abs=1e-6)


@pytest.mark.parametrize("judge", [compare, compare_exactly])
def test_nobody_yet_means_nothing_is_known(
    judge: Callable[[Arm, Arm, float], Comparison],
) -> None:
    told = judge(Arm(0, 0), Arm(0, 0), ALPHA)
    assert (told.low, told.high, told.lift, told.lift_high) == (-1.0, 1.0, None, None)
    assert interval(Arm(0, 0), ALPHA) == (0.0, 1.0)
    assert evidence_of_difference(Arm(0, 0), Arm(0, 0)) == 0.0
    assert evidence_of_difference(Arm(5, 5), Arm(5, 5)) < inf
