"""What somebody asks for is checked field by field."""

from typing import Any

import pytest

from dripline.contacts.wishes import checked, zone_named
from dripline.errors import Invalid


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"sequences": False}, {"sequences": False}),
        ({"preferred_channel": "email"}, {"preferred_channel": "email"}),
        ({"preferred_channel": ""}, {"preferred_channel": None}),
        ({"preferred_time": "evening"}, {"preferred_time": "evening"}),
        ({"quiet_from": "22:00", "quiet_to": "8:30"}, {"quiet_from": 1320, "quiet_to": 510}),
        ({"quiet_from": None, "quiet_to": None}, {"quiet_from": None, "quiet_to": None}),
        ({"weekdays": "5,1"}, {"weekdays": "1,5"}),
        ({"weekdays": [1, 2, 3, 4, 5, 6, 7]}, {"weekdays": None}),
        ({"timezone": "berlin"}, {"timezone": "Europe/Berlin"}),
        ({"timezone": ""}, {"timezone": None}),
    ],
)
def test_a_wish_is_kept_in_one_form(given: dict[str, Any], found: dict[str, Any]) -> None:
    assert checked(given) == found


@pytest.mark.parametrize(
    "given",
    [
        {"sequences": "yes"},
        {"announcements": 1},
        {"preferred_channel": "pigeon"},
        {"preferred_channel": ["email"]},
        {"preferred_time": {}},
        {"quiet_from": "25:00", "quiet_to": "08:00"},
        {"quiet_from": "22:00"},
        {"quiet_from": "22:00", "quiet_to": ""},
        {"quiet_from": "22:00", "quiet_to": "22:00"},
        {"quiet_from": True, "quiet_to": 3},
        {"quiet_from": 1440, "quiet_to": 0},
        {"weekdays": "8"},
        {"weekdays": []},
        {"weekdays": 3},
        {"weekdays": ["1"] * 1000},
        {"timezone": "Atlantis"},
        {"timezone": 3},
        {"timezone": "../../etc/passwd"},
        {"language": ""},
        {"best_hour": 3},
        {"nonsense": 1},
    ],
)
def test_what_is_no_wish_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        checked(given)
    assert refused.value.code == "INVALID_PREFERENCE"


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Moscow", "Europe/Moscow"),
        ("new york", "America/New_York"),
        ("UTC", "UTC"),
        ("UTC+3", "Etc/GMT-3"),
        ("+05:00", "Etc/GMT-5"),
        ("−4", "Etc/GMT+4"),
        ("МСК+2", "Etc/GMT-5"),
        ("UTC+0", "UTC"),
        ("+15", None),
        ("+5:30", None),
        ("", None),
    ],
)
def test_a_zone_is_found_by_city_name_and_offset(text: str, zone: str | None) -> None:
    assert zone_named(text) == zone
