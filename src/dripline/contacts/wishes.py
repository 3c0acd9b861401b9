"""Check what somebody asks for before it is stored: every field, with a sentence for each fault."""

import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import available_timezones

from dripline.contacts.cities import CITIES
from dripline.errors import Invalid
from dripline.texts import marked

CHANNELS: Final = ("telegram", "email")
TIMES: Final = ("morning", "afternoon", "evening")
_DAY_MINUTES: Final = 24 * 60
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)")
_SPAN: Final = re.compile(r"(\d{1,2}(?:[:.]\d\d)?)\s*(?:-|–|—|\s|до|to)\s*(\d{1,2}(?:[:.]\d\d)?)")
_OFFSET: Final = re.compile(
    r"(?:UTC|GMT|МСК)?\s*([+\-−–]\d{1,2}|[+\-−–]?0)(?::?00)?", re.IGNORECASE
)

NOT_A_WISH: Final = "INVALID_PREFERENCE"
WRONG_CHANNEL = marked("The channel is telegram or email, or left open.")
WRONG_TIME = marked("The time of day is morning, afternoon or evening, or left open.")
WRONG_ZONE = marked("This timezone is not known. Write one such as Europe/Berlin or UTC+3.")
WRONG_CLOCK = marked("Write quiet hours as two times of day, such as 22:00 and 08:00.")
SAME_CLOCK = marked("Quiet hours cannot begin and end at the same time.")
WRONG_DAYS = marked("Choose at least one day of the week, 1 (Monday) to 7 (Sunday).")
WRONG_LANGUAGE = marked("This language is not available.")
WRONG_SWITCH = marked("This is switched on or off: true or false.")


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return wishes as `consent.change` takes them. Raises Invalid (INVALID_PREFERENCE).

    Quiet hours come as minutes of the day or as `HH:MM`, weekdays as numbers or as `1,2,3`.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        match name:
            case "sequences" | "announcements":
                found[name] = _need(isinstance(value, bool), value, WRONG_SWITCH, name)
            case "preferred_channel":
                found[name] = _one_of(value, CHANNELS, WRONG_CHANNEL, name)
            case "preferred_time":
                found[name] = _one_of(value, TIMES, WRONG_TIME, name)
            case "timezone":
                found[name] = _zone(value)
            case "quiet_from" | "quiet_to":
                found[name] = _minutes(value, name)
            case "weekdays":
                found[name] = _weekdays(value)
            case "language":
                _need(isinstance(value, str) and 0 < len(value) <= 35, value, WRONG_LANGUAGE, name)
                found[name] = value
            case _:
                raise Invalid(f"There is no preference {name!r}.", code=NOT_A_WISH, field=name)
    _check_quiet(found)
    return found


def quiet_hours(text: str) -> dict[str, str]:
    """Return the wishes that a written span means: `22:00-08:00`, `22-8`. Raises Invalid."""
    span = _SPAN.fullmatch(text.strip()[:40])
    if span is None:
        raise Invalid(WRONG_CLOCK, code=NOT_A_WISH, field="quiet_from")
    start, end = (part if re.search("[:.]", part) else f"{part}:00" for part in span.groups())
    return {"quiet_from": start, "quiet_to": end}


def zone_named(text: str) -> str | None:
    """Return the timezone that a name, a city or an offset from UTC means, or None."""
    plain = " ".join(text.split())[:64]
    named = _zones().get(plain.replace(" ", "_").casefold())
    if named is not None:
        return named
    if plain.casefold() in {"utc", "gmt"}:
        return "UTC"
    offset = _OFFSET.fullmatch(plain)
    return _at_offset(offset[0], offset[1]) if offset else None


def _at_offset(whole: str, number: str) -> str | None:
    hours = int(number.replace("−", "-").replace("–", "-"))
    hours += 3 if "мск" in whole.casefold() else 0
    if hours == 0:
        return "UTC"
    # The database of timezones counts the other way: Etc/GMT-3 is three hours ahead of UTC.
    return f"Etc/GMT{-hours:+d}" if -12 <= hours <= 14 else None


def _zones() -> Mapping[str, str]:
    if not _known:
        for name in sorted(available_timezones()):
            _known[name.casefold()] = name
            if "/" in name and not name.startswith(("Etc/", "posix", "right", "SystemV")):
                _known.setdefault(name.rpartition("/")[2].casefold(), name)
        _known.update(CITIES)
    return _known


_known: dict[str, str] = {}


def _zone(value: object) -> str | None:
    if value is None or value == "":
        return None
    found = zone_named(value) if isinstance(value, str) else None
    return str(_need(found is not None, found, WRONG_ZONE, "timezone"))


def _one_of(value: object, choices: tuple[str, ...], sentence: str, field: str) -> str | None:
    if value is None or value == "":
        return None
    return str(_need(value in choices, value, sentence, field))


def _minutes(value: object, field: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        clock = _CLOCK.fullmatch(value.strip())
        value = int(clock[1]) * 60 + int(clock[2]) if clock else None
    right = type(value) is int and 0 <= value < _DAY_MINUTES
    return int(_need(right, value, WRONG_CLOCK, field))


def _weekdays(value: object) -> str | None:
    if value is None or value == "":
        return None
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not 0 < len(parts) <= 70:
        raise Invalid(WRONG_DAYS, code=NOT_A_WISH, field="weekdays")
    days = {str(part).strip() for part in parts}
    _need(days <= set("1234567"), value, WRONG_DAYS, "weekdays")
    return None if len(days) == 7 else ",".join(sorted(days))


def _check_quiet(found: Mapping[str, Any]) -> None:
    if "quiet_from" not in found and "quiet_to" not in found:
        return
    start, end = found.get("quiet_from"), found.get("quiet_to")
    if (start is None) != (end is None):
        raise Invalid(WRONG_CLOCK, code=NOT_A_WISH, field="quiet_from")
    if start is not None and start == end:
        raise Invalid(SAME_CLOCK, code=NOT_A_WISH, field="quiet_to")


def _need(right: bool, value: Any, sentence: str, field: str) -> Any:  # noqa: FBT001
    if not right:
        raise Invalid(sentence, code=NOT_A_WISH, field=field)
    return value
