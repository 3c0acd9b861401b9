"""Pace: who may send how many requests, from when on (GCRA, in real time, pure).

One row a key (a bot, an email provider) holds the moment at which its next request may leave. A
claim locks the row, works out here how many slots it gets, and moves the moment on by what it used.
So any number of workers share one limit without a broker, and messages leave evenly.
"""

from dataclasses import dataclass

# How far ahead slots are handed out: long enough for a tick, short enough to change one's mind.
HORIZON_US = 100_000
CHAT_INTERVAL_US = 1_000_000
_LONGEST_HOLD_S = 60.0
# No key's next free moment is further away, but where the clock has been set back since.
FURTHEST_US, FURTHEST_SLOTS = 600_000_000, 100


@dataclass(frozen=True, slots=True)
class Slots:
    """`count` slots of the `most` asked for, the first at `first_us`, one every `interval_us`."""

    count: int
    most: int
    first_us: int
    interval_us: float

    def at(self, index: int) -> int:
        """Return when the slot of this index is, in microseconds of real time."""
        return self.first_us + int(index * self.interval_us)

    def tat_after(self, used: int) -> int:
        """Return the key's next free moment when `used` of the slots were taken."""
        return self.first_us + int(used * self.interval_us)


def slots(*, tat_us: int, hold_until_us: int, interval_us: float, now_us: int, most: int) -> Slots:
    """Return the slots of a key from now to the horizon, at most `most`; none while it is held."""
    if tat_us - now_us > max(FURTHEST_US, FURTHEST_SLOTS * interval_us):
        tat_us = now_us
    first = max(tat_us, hold_until_us, now_us)
    ahead = now_us + HORIZON_US - first
    if ahead <= 0:
        return Slots(0, most, first, interval_us)
    return Slots(min(most, int(ahead / interval_us) + 1), most, first, interval_us)


def interval_us(rate: float) -> float:
    """Return the microseconds between two requests at `rate` requests a second."""
    return 1_000_000 / rate


def outage_hold_s(outages: int) -> float:
    """Return for how many seconds a channel is left alone after so many outages in a row."""
    return float(min(_LONGEST_HOLD_S, 0.5 * 2 ** min(outages, 10)))
