"""Points fade exactly, in whatever order they come, on a scale of 0 to 100."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.clock import to_us
from dripline.engagement.score import (
    left,
    level_of,
    points_at,
    points_for,
    score_of,
    written,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY_S = 86_400


@pytest.mark.parametrize(
    ("points", "score"), [(0, 0), (50, 50), (100, 75), (150, 87.5), (10_000, 100), (-3, 0)]
)
def test_points_on_the_scale(points: float, score: float) -> None:
    assert score_of(points) == pytest.approx(score)


@given(st.floats(0.5, 99))
def test_the_scale_is_read_both_ways(score: float) -> None:
    assert score_of(points_for(score)) == pytest.approx(score)


@pytest.mark.parametrize(
    ("score", "level"),
    [(100, "highly_engaged"), (50, "highly_engaged"), (49.9, "engaged"), (15, "engaged"),
     (14.9, "at_risk"), (4, "at_risk"), (3.9, "dormant"), (0, "dormant")],
)  # fmt: skip
def test_levels(score: float, level: str) -> None:
    assert level_of(score) == level


def test_half_is_left_after_a_half_life() -> None:
    assert 80 * left(14 * DAY_S, 14 * DAY_S) == pytest.approx(40)


@given(st.floats(0.01, 5_000), st.integers(0, 400 * DAY_S), st.integers(60, 400 * DAY_S))
def test_one_number_says_the_points_of_any_moment(
    points: float, later_s: int, half_life: int
) -> None:
    fades_at = written(points, to_us(NOW), half_life).fades_at_us
    later = timedelta(seconds=later_s)
    if later_s / half_life > 40:
        return
    found = points_at(fades_at, to_us(NOW + later), half_life)
    assert found == pytest.approx(points * left(later_s, half_life), rel=1e-4)


@given(st.floats(0.5, 350), st.integers(3600, 100 * DAY_S))
def test_a_score_is_valid_until_it_rounds_otherwise(points: float, half_life: int) -> None:
    shown, _, stays = written(points, to_us(NOW), half_life)
    assert shown == round(score_of(points))
    if stays is None:
        assert shown == 0
        return
    assert stays >= 0
    assert round(score_of(points * left(stays * 0.999, half_life))) == shown
    assert round(score_of(points * left(stays * 1.001 + 1, half_life))) < shown
