"""The sandbox without an engine: a clock of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dripline.clock import VirtualClock
from dripline.sandbox.ports import Due


class LoneClock:
    """A clock that starts now at the speed of the world, if none is given; nothing is ever due."""

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self._clock = clock or VirtualClock(datetime.now(UTC), speed=1.0)

    @property
    def speed(self) -> float:
        """How many sandbox seconds pass in a real one."""
        return self._clock.speed

    def now(self) -> datetime:
        """The sandbox's time."""
        return self._clock.now()

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on."""
        self._clock.set_speed(speed)

    async def next_due(self) -> Due | None:
        """Nothing is due without an engine."""
        return None

    async def jump_to_next(self) -> datetime | None:
        """There is nothing to jump to."""
        return None

    async def advance(self, by: timedelta) -> None:
        """Move ahead by a duration."""
        self._clock.advance(by)
