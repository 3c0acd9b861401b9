"""How fast a bot may send: 30 a second, 1 a second a chat, 20 a minute a group.

Short bursts in one chat pass, as on the real server. A second is one of the sandbox: at 3600x an
hour of the course must not take longer because five messages come in it.
Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

_CROWDED = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """One in `interval` seconds on average, `burst` of them at once."""

    interval: float
    burst: int


WHOLE_BOT = Rate(1 / 30, 30)
PAID_BROADCAST = Rate(1 / 1000, 1000)
ONE_CHAT = Rate(1.0, 5)
ONE_GROUP = Rate(3.0, 20)


class Seconds:
    """Counts the sandbox's seconds, and where its clock stands or is slow, the world's."""

    def __init__(
        self, now: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._now, self._monotonic = now, monotonic
        self._passed = 0.0
        self._last = (now(), monotonic())

    def __call__(self) -> float:
        """Return how many have passed."""
        moment, real = self._now(), self._monotonic()
        before, real_before = self._last
        self._passed += max((moment - before).total_seconds(), real - real_before)
        self._last = (moment, real)
        return self._passed


class Limits:
    """Counts what was sent. Switch `enabled` off to send as fast as the machine can."""

    def __init__(
        self, *, enabled: bool = True, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.enabled = enabled
        self._monotonic = monotonic
        self._free_at: dict[tuple[object, ...], float] = {}

    def take(self, bot_id: int, chat_id: int, *, paid: bool = False) -> int:
        """Take leave to send one message; 0, or the whole seconds to wait for it."""
        if not self.enabled:
            return 0
        now = self._monotonic()
        wanted = self._rates(bot_id, chat_id, paid=paid)
        wait = max(self._wait(key, rate, now) for key, rate in wanted)
        if wait > 0:
            return max(1, math.ceil(wait))
        for key, rate in wanted:
            self._free_at[key] = max(self._free_at.get(key, 0.0), now) + rate.interval
        self._forget(now)
        return 0

    def _rates(
        self, bot_id: int, chat_id: int, *, paid: bool
    ) -> list[tuple[tuple[object, ...], Rate]]:
        whole = ("paid", bot_id) if paid else ("bot", bot_id)
        rates: list[tuple[tuple[object, ...], Rate]] = [
            (whole, PAID_BROADCAST if paid else WHOLE_BOT),
            (("chat", bot_id, chat_id), ONE_CHAT),
        ]
        if chat_id < 0:
            rates.append((("group", bot_id, chat_id), ONE_GROUP))
        return rates

    def _wait(self, key: tuple[object, ...], rate: Rate, now: float) -> float:
        ahead = self._free_at.get(key, now) - now
        return ahead - (rate.burst - 1) * rate.interval - 1e-6

    def _forget(self, now: float) -> None:
        if len(self._free_at) > _CROWDED:
            self._free_at = {key: at for key, at in self._free_at.items() if at > now}
