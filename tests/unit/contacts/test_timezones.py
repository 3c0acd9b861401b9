"""What a language says of where somebody is."""

from zoneinfo import ZoneInfo

import pytest

from dripline.contacts.models import Contact
from dripline.contacts.timezones import _ZONES, guess, guess_for


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Europe/Berlin"),
        ("de-AT", "Europe/Berlin"),
        ("uk", "Europe/Kyiv"),
        ("zh-hans", "Asia/Shanghai"),
        ("zh-Hant-TW", "Asia/Taipei"),
        ("es_AR", "America/Argentina/Buenos_Aires"),
        ("es", None),  # twenty countries
        ("ru", None),  # eleven zones
        ("ru-UA", "Europe/Kyiv"),
        ("en", None),
        ("en-GB", None),
        ("en-de", None),
        ("", None),
        (None, None),
        ("x" * 35, None),
    ],
)
def test_a_language_says_where_somebody_is(language: str | None, expected: str | None) -> None:
    assert guess(language) == expected


def test_every_zone_is_one() -> None:
    for zone in _ZONES.values():
        assert ZoneInfo(zone).key == zone


@pytest.mark.parametrize(
    ("zone", "source", "language", "expected"),
    [
        (None, None, "de", ("Europe/Berlin", "guessed")),
        (None, None, "en", (None, None)),
        ("Asia/Tokyo", "asked", "de", ("Asia/Tokyo", "asked")),
        ("Asia/Tokyo", None, "de", ("Asia/Tokyo", None)),  # known from elsewhere
        ("Asia/Tokyo", "guessed", "de", ("Europe/Berlin", "guessed")),
        ("Europe/Berlin", "guessed", "en", (None, None)),
    ],
)
def test_what_was_said_stays(
    zone: str | None,
    source: str | None,
    language: str,
    expected: tuple[str | None, str | None],
) -> None:
    contact = Contact(timezone=zone, timezone_source=source, language=language)
    guess_for(contact)
    assert (contact.timezone, contact.timezone_source) == expected
