"""Quiet hours and caps as an operator writes them."""

import pytest
from pydantic import ValidationError

from dripline.settings import Settings


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("22:00-08:00", (1320, 480)),
        (" 00:30 – 07:15 ", (30, 435)),
        ("", None),
    ],
)
def test_quiet_hours(
    written: str, expected: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUIET_HOURS", written)
    assert Settings().quiet_hours == expected


@pytest.mark.parametrize(
    "written", ["22-08", "25:00-08:00", "08:00-08:00", "22:00", "night", "22:00-08:00-09:00", "[]"]
)
def test_wrong_quiet_hours(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIET_HOURS", written)
    with pytest.raises(ValidationError, match=r"22:00-08:00|same time"):
        Settings()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3/day, 10/week", (3, 10)),
        ("10 / week", (None, 10)),
        ("1/day", (1, None)),
        ("", None),
    ],
)
def test_frequency_cap(
    written: str,
    expected: tuple[int | None, int | None] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FREQUENCY_CAP", written)
    assert Settings().frequency_cap == expected


@pytest.mark.parametrize(
    "written", ["3", "0/day", "-1/day", "3/month", "3/day, 4/day", "3/day,", "99999/day", "a/day"]
)
def test_wrong_frequency_cap(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREQUENCY_CAP", written)
    with pytest.raises(ValidationError, match="3/day, 10/week"):
        Settings()
