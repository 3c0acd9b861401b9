"""What answers say of a contact's hour and channel."""

from datetime import UTC, datetime, timedelta

import pytest

from dripline.engagement.habits import Answer, best_hour, engaged_channel

NOW = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)


def answers(*given: tuple[int, int]) -> list[Answer]:
    """Return answers at an hour so many days ago, as pairs (days, hour)."""
    start = NOW.replace(hour=0)
    return [
        Answer(start - timedelta(days=days) + timedelta(hours=hour), "telegram")
        for days, hour in given
    ]


EVENINGS = [(day, 19) for day in range(1, 9)]


@pytest.mark.parametrize(
    ("given", "zone", "known", "expected"),
    [
        pytest.param(EVENINGS, None, None, 19, id="always at seven"),
        pytest.param(EVENINGS, "Europe/Moscow", None, 22, id="at ten where they are"),
        pytest.param(EVENINGS[:7], None, None, None, id="too few answers"),
        pytest.param([(1, 19)] * 20, None, None, None, id="on one day only"),
        pytest.param([(d, d * 5 % 24) for d in range(1, 25)], None, None, None, id="at any hour"),
        pytest.param([(d + 91, 19) for d in range(9)], None, None, None, id="long ago"),
        pytest.param(
            [(d, 9) for d in range(60, 70)] + EVENINGS, None, None, 19, id="the new counts more"
        ),
        pytest.param([(d, 18 + d % 3) for d in range(1, 13)], None, None, 19, id="around seven"),
        pytest.param(
            [(d, 23) for d in range(1, 6)] + [(d, 0) for d in range(1, 6)], None, None, 23,
            id="around midnight",
        ),
        pytest.param([(d, 18 + d % 3) for d in range(1, 13)], None, 19, 19, id="stays"),
        pytest.param(EVENINGS, None, 20, 20, id="an hour beside it is as good"),
        pytest.param(EVENINGS, None, 8, 19, id="a habit given up"),
        pytest.param(EVENINGS[:3], None, 19, None, id="too little is left of it"),
    ],
)  # fmt: skip
def test_the_best_hour(
    given: list[tuple[int, int]], zone: str | None, known: int | None, expected: int | None
) -> None:
    assert best_hour(answers(*given), NOW, zone, known) == expected


@pytest.mark.parametrize(
    ("telegram", "email", "known", "expected"),
    [
        (0, 0, None, None),
        (9, 0, None, None),  # too little to say
        (50, 0, None, "telegram"),
        (0, 50, None, "email"),
        (50, 45, None, None),  # nearly the same
        (50, 45, "email", "email"),  # and no reason to change
        (80, 45, "email", "telegram"),
    ],
)
def test_the_channel_they_answer_on(
    telegram: float, email: float, known: str | None, expected: str | None
) -> None:
    assert engaged_channel(telegram, email, known) == expected
