"""The domain's clock, and real time that a stepping wall clock does not move."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from dripline.clock import RealClock, RealTime, VirtualClock, from_us, to_us

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("step", [-86_400, -3600, 3600, 86_400])
def test_a_step_of_the_wall_clock_moves_no_lease_and_no_pace(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    real_time = RealTime()
    before = real_time.now_us()
    stepped = time.time_ns() + step * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: stepped)
    assert 0 <= real_time.now_us() - before < 5_000_000


def test_real_time_follows_the_databases_clock() -> None:
    real_time = RealTime()
    far = real_time.now_us() + 3_600_000_000
    real_time.synchronise(far)
    assert 0 <= real_time.now_us() - far < 5_000_000


def test_a_virtual_clock_stands_until_it_is_moved() -> None:
    clock = VirtualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(HOUR)
    assert clock.now() == NOON + HOUR
    assert clock.real_seconds_until(NOON + 2 * HOUR) == 86_400.0


def test_a_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock(NOON)
    clock.jump_to(NOON - HOUR)
    assert clock.now() == NOON
    with pytest.raises(ValueError, match="negative"):
        clock.set_speed(-1)


def test_a_fast_clock_says_how_soon_something_is_due_in_real_seconds() -> None:
    clock = VirtualClock(NOON, speed=3600)
    assert clock.real_seconds_until(NOON + 10 * HOUR) == pytest.approx(10, abs=1)
    assert clock.real_seconds_until(NOON - HOUR) == 0.0


def test_microseconds_and_moments_are_exact() -> None:
    moment = datetime(2026, 3, 2, 12, 0, 0, 123_457, tzinfo=UTC)
    assert from_us(to_us(moment)) == moment
    assert RealClock().now().tzinfo is UTC
