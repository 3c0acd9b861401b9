"""Pace and back-off, as values."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.deliveries import pace, retry

NOW = 1_000_000_000


def slots(
    *, tat: int = 0, hold: int = 0, interval: float = 33_333.0, most: int = 100
) -> pace.Slots:
    return pace.slots(tat_us=tat, hold_until_us=hold, interval_us=interval, now_us=NOW, most=most)


@pytest.mark.parametrize(
    ("found", "count", "first"),
    [
        (slots(), 4, NOW),  # an idle bot: the tenth of a second ahead
        (slots(most=2), 2, NOW),  # no more than asked for
        (slots(tat=NOW + 50_000), 2, NOW + 50_000),  # after those that were handed out
        (slots(tat=NOW + 200_000), 0, NOW + 200_000),  # all handed out
        (slots(hold=NOW + 5_000_000), 0, NOW + 5_000_000),  # held by a 429
        (slots(tat=NOW - 10_000_000), 4, NOW),  # silence earns no burst
        (slots(tat=NOW + 3_600_000_000), 4, NOW),  # the clock was set back by an hour
        (slots(tat=NOW + 3_600_000_000, interval=6e7), 0, NOW + 3_600_000_000),  # one a minute
        (slots(interval=0.1, most=500), 500, NOW),  # a pace out of the way
    ],
)
def test_slots(found: pace.Slots, count: int, first: int) -> None:
    assert (found.count, found.first_us) == (count, first)


@given(
    st.integers(1, 1000).map(float),
    st.lists(st.tuples(st.integers(0, 300_000), st.integers(1, 50)), max_size=60),
)
def test_no_second_ever_holds_more_than_the_rate(rate: float, asks: list[tuple[int, int]]) -> None:
    tat, now, taken = 0, NOW, []
    for passed, most in asks:
        now += passed
        granted = pace.slots(
            tat_us=tat, hold_until_us=0, interval_us=pace.interval_us(rate), now_us=now, most=most
        )
        if granted.count:
            taken += [granted.at(index) for index in range(granted.count)]
            tat = granted.tat_after(granted.count)
    for first, last in zip(taken, taken[int(rate) + 1 :], strict=False):
        assert last - first >= 999_000


@pytest.mark.parametrize(
    ("attempt", "asked", "least", "most"),
    [(1, None, 30, 37.5), (2, None, 120, 150), (1, 7.0, 7, 7), (2, 0.0, 0, 0)],
)
def test_back_off(attempt: int, asked: float | None, least: float, most: float) -> None:
    for seed in range(20):
        assert least <= retry.after_failure_s(attempt, asked, random.Random(seed)) <= most


def test_an_outage_is_waited_out_longer_each_time_but_never_for_ever() -> None:
    dice = random.Random(1)
    waits = [retry.after_outage_s(outages, dice) for outages in range(1, 40)]
    assert waits[0] < waits[3] < waits[6]
    assert max(waits) <= 375
    assert pace.outage_hold_s(10_000) == 60
