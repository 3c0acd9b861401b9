"""Time: the domain clock that due times live on, and real time for leases and pace.

Due times, delays, windows and decay are read from a `Clock`, which the sandbox, the simulator and
the tests move. Leases, time-outs and the pace of a channel are real: at 3600x a lease must not last
17 ms, and Telegram's limit does not speed up with us.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the domain's time."""

    def now(self) -> datetime:
        """Return the present moment of the domain, aware, in UTC."""
        ...

    def real_seconds_until(self, moment: datetime) -> float:
        """Return how many real seconds pass until `moment`; 0 when it is past."""
        ...


class RealClock:
    """The domain runs with the world."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)

    def real_seconds_until(self, moment: datetime) -> float:
        """Return the seconds until `moment`; 0 when it is past."""
        return max(0.0, (moment - self.now()).total_seconds())


class VirtualClock:
    """A clock that can be sped up and moved: for the sandbox, the simulator and tests.

    With `speed=0` it stands still until it is moved.
    """

    def __init__(self, start: datetime, speed: float = 0.0) -> None:
        self._origin = start
        self._speed = speed
        self._since = time.monotonic()

    @property
    def speed(self) -> float:
        """How many domain seconds pass in a real one."""
        return self._speed

    def now(self) -> datetime:
        """Return the domain's moment, in UTC."""
        if not self._speed:
            return self._origin
        return self._origin + timedelta(seconds=(time.monotonic() - self._since) * self._speed)

    def real_seconds_until(self, moment: datetime) -> float:
        """Return the real seconds until `moment` at the present speed; a day when time stands."""
        left = (moment - self.now()).total_seconds()
        if left <= 0:
            return 0.0
        return left / self._speed if self._speed else 86_400.0

    def set_speed(self, speed: float) -> None:
        """Go on from the present moment at `speed` domain seconds a real second.

        Raises ValueError for a negative speed.
        """
        if speed < 0:
            raise ValueError("a clock's speed cannot be negative")
        self._restart(self.now())
        self._speed = speed

    def jump_to(self, moment: datetime) -> None:
        """Move to `moment`; time never goes back, so an earlier one changes nothing."""
        self._restart(max(moment, self.now()))

    def advance(self, by: timedelta) -> None:
        """Move ahead by a duration."""
        self.jump_to(self.now() + by)

    def _restart(self, origin: datetime) -> None:
        self._origin = origin
        self._since = time.monotonic()


class RealTime:
    """Real time for leases and pace, synchronised to the database's clock.

    Machines disagree by seconds; a lease that two of them read must not. `offset_us` is how far the
    database's clock is ahead of ours, in microseconds. Between synchronisations it runs on the
    monotonic clock, so a stepping wall clock moves nothing.
    """

    def __init__(self) -> None:
        self._wall_us = time.time_ns() // 1000
        self._monotonic_ns = time.monotonic_ns()

    def now_us(self) -> int:
        """Return the present moment in microseconds since 1970, UTC."""
        return self._wall_us + (time.monotonic_ns() - self._monotonic_ns) // 1000

    def synchronise(self, database_us: int) -> None:
        """Set this clock to the database's moment, in microseconds since 1970."""
        self._wall_us = database_us
        self._monotonic_ns = time.monotonic_ns()


def to_us(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Return microseconds since 1970 as an aware moment in UTC."""
    return EPOCH + timedelta(0, 0, microseconds)  # by name takes twice as long
