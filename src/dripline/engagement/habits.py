"""What a contact's answers say of them: the hour they answer most, and the channel. Pure.

An hour is told only on enough evidence: so many answers, on so many days, with enough of them
around one hour. Otherwise nothing is claimed, and what was known before stays as it was, until
there is too little left of it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from dripline.deliveries.timing import zone_of

KEPT: Final = timedelta(days=90)
_HALF_LIFE: Final = timedelta(days=30)
_FEWEST_ANSWERS: Final = 8
_FEWEST_DAYS: Final = 4
_SHARE: Final = 0.35  # of all answers, within three hours: by chance it would be an eighth
_STICKS: Final = 0.9  # an hour known is given up only for one that is clearly better
_CLEARLY: Final = 1.25
_LEAST_POINTS: Final = 10.0


class Answer(NamedTuple):
    """A button pressed, a reply, a link followed, an email opened: by a person, at a moment."""

    at: datetime
    channel: str


def best_hour(
    answers: Iterable[Answer], now: datetime, timezone: str | None, known: int | None = None
) -> int | None:
    """Return the hour of the local day at which a contact answers most; None: not enough is known.

    Answers count less as they age, by half a month. `known` is the hour learned before.
    """
    zone = zone_of(timezone)
    hours, days, number = [0.0] * 24, set(), 0
    for answer in answers:
        if now - answer.at > KEPT:
            continue
        local = answer.at.astimezone(zone)
        hours[local.hour] += 0.5 ** ((now - answer.at) / _HALF_LIFE)
        days.add(local.date())
        number += 1
    if number < _FEWEST_ANSWERS or len(days) < _FEWEST_DAYS:
        return None
    around = [hours[hour - 1] + hours[hour] + hours[(hour + 1) % 24] for hour in range(24)]
    best = max(range(24), key=lambda hour: (round(around[hour], 9), hours[hour]))
    if known is not None and around[known % 24] >= _STICKS * around[best]:
        best = known % 24
    return best if around[best] >= _SHARE * sum(hours) else None


def engaged_channel(telegram: float, email: float, known: str | None = None) -> str | None:
    """Return the channel on which a contact answers clearly more, by the points of each.

    Where neither does, it is the one known before.
    """
    if max(telegram, email) < _LEAST_POINTS:
        return known
    if telegram >= _CLEARLY * email:
        return "telegram"
    if email >= _CLEARLY * telegram:
        return "email"
    return known
