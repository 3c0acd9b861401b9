"""When a message that failed for now is tried again: pure values."""

import random

_FIRST_S = 30.0
_FACTOR = 4.0
_OUTAGE_FIRST_S = 1.0
_OUTAGE_MOST_S = 300.0


def after_failure_s(attempt: int, asked: float | None, dice: random.Random) -> float:
    """Return the seconds until the next attempt, after `attempt` failures (1 or more).

    The channel's own wish is obeyed; otherwise 30 s, 2 min, …, each with up to a quarter of jitter.
    """
    if asked is not None:
        return max(asked, 0.0)
    return _FIRST_S * float(_FACTOR ** (attempt - 1)) * dice.uniform(1.0, 1.25)


def after_outage_s(outages: int, dice: random.Random) -> float:
    """Return the seconds until a message is offered again after the channel was down."""
    doubled = float(2 ** min(max(outages - 1, 0), 10))
    wait = min(_OUTAGE_MOST_S, _OUTAGE_FIRST_S * doubled)
    return wait * dice.uniform(1.0, 1.25)
