"""A moment and a timezone as people type them."""

from datetime import UTC, datetime

import pytest

from dripline.bot.admin.typed_moment import parse_moment, parse_zone, zone_words

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday; 15:00 in Moscow


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tomorrow 9:00", "2026-11-21 06:00"),
        ("завтра в 9:00", "2026-11-21 06:00"),
        ("18:30", "2026-11-20 15:30"),
        ("at 9:00", "2026-11-21 06:00"),  # nine is over: the next one
        ("in 2h", "2026-11-20 14:00"),
        ("через 2 часа", "2026-11-20 14:00"),
        ("monday 10:00", "2026-11-23 07:00"),
        ("в пятницу в 10:00", "2026-11-27 07:00"),  # today's is over
        ("21.11 18:30", "2026-11-21 15:30"),
        ("21.11 в 18:30", "2026-11-21 15:30"),
        ("01.02 10:00", "2027-02-01 07:00"),  # the next first of February
        ("21.11.2026 at 18:30", "2026-11-21 15:30"),
        ("21.11.26 18:30", "2026-11-21 15:30"),
        ("2026-11-21 18:30", "2026-11-21 15:30"),
        ("21 ноября 18:30", "2026-11-21 15:30"),
        ("1 may 2027, 10:00", "2027-05-01 07:00"),
        ("Nov 21st, 18:30", "2026-11-21 15:30"),
    ],
)
def test_is_understood_by_the_operators_clock(text: str, meant: str) -> None:
    found = parse_moment(text, NOW, "Europe/Moscow")
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M}" == meant


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "now", "21.11", "31.02 10:00", "2020-01-01 10:00", "25:00", "2031-01-01 10:00",
        "21.11 18:30 or later", "after DONE", "9" * 200, "99.99 10:00", "21.11 18:75",
    ],
)  # fmt: skip
def test_is_not_guessed(text: str) -> None:
    assert parse_moment(text, NOW, "Europe/Moscow") is None


@pytest.mark.parametrize(
    ("text", "zone", "shown"),
    [
        ("Москва", "Europe/Moscow", "Europe/Moscow"),
        ("europe/berlin", "Europe/Berlin", "Europe/Berlin"),
        ("New York", "America/New_York", "America/New_York"),
        ("UTC+3", "Etc/GMT-3", "UTC+3"),
        ("+03:00", "Etc/GMT-3", "UTC+3"),
        ("-5", "Etc/GMT+5", "UTC-5"),
        ("мск+2", "Etc/GMT-5", "UTC+5"),
        ("utc", "UTC", "UTC"),
    ],
)
def test_a_timezone(text: str, zone: str, shown: str) -> None:
    assert parse_zone(text) == zone
    assert zone_words(zone) == shown


@pytest.mark.parametrize("text", ["", "Atlantis", "+25", "../../etc/passwd", "+3:30"])
def test_no_timezone(text: str) -> None:
    assert parse_zone(text) is None
