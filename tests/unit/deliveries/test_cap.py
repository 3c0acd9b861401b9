"""Caps: when a contact has room for one more message."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.deliveries.cap import Cap, room_at


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "sent", "cap", "zone", "expected"),
    [
        ("2026-03-02T12:00", [], Cap(), None, None),
        ("2026-03-02T12:00", ["2026-03-02T08:00"], Cap(2), None, None),
        ("2026-03-02T12:00", ["2026-03-02T08:00"], Cap(1), None, "2026-03-03T12:00"),
        ("2026-03-02T12:00", ["2026-03-01T08:00"], Cap(1), None, None),  # yesterday's
        # Sunday evening there, in the week before.
        ("2026-03-02T01:00", ["2026-03-02T02:00"], Cap(1), "America/New_York", "2026-03-03T01:00"),
        # 23:00 UTC is tomorrow in Berlin: today's has room.
        ("2026-03-02T12:00", ["2026-03-01T23:30"], Cap(1), "Europe/Berlin", "2026-03-03T12:00"),
        ("2026-03-03T12:00", ["2026-03-02T08:00"], Cap(None, 1), None, "2026-03-09T12:00"),
        ("2026-03-08T12:00", ["2026-03-02T08:00"], Cap(3, 1), None, "2026-03-09T12:00"),
        ("2026-03-09T12:00", ["2026-03-02T08:00"], Cap(3, 1), None, None),  # a new week
    ],
)
def test_room(at: str, sent: list[str], cap: Cap, zone: str | None, expected: str | None) -> None:
    found = room_at(moment(at), map(moment, sent), cap, zone)
    assert found == (moment(expected) if expected else None)


_START = moment("2026-03-02T00:00")
_moments = st.integers(0, 30 * 24 * 60).map(lambda m: _START + timedelta(minutes=m))


@given(
    asked=st.lists(_moments, max_size=40),
    day=st.none() | st.integers(1, 3),
    week=st.none() | st.integers(1, 8),
)
def test_nobody_ever_gets_more(asked: list[datetime], day: int | None, week: int | None) -> None:
    sent: list[datetime] = []
    for at in sorted(asked):
        later = room_at(at, sent, Cap(day, week), None)
        sent.append(later or at)
    days = [at.date() for at in sent]
    assert day is None or all(days.count(one) <= day for one in days)
    weeks = [one.isocalendar()[:2] for one in days]
    assert week is None or all(weeks.count(one) <= week for one in weeks)
