"""A moment, and a timezone, as people type them, in English and Russian: pure functions.

tomorrow 9:00 · at 18:00 · monday 10:00 · in 2h       as with messages, counted from now
21.11 18:30 · 21.11.2026 18:30 · 2026-11-21 18:30      a date; without a year, the next such day
21 november 18:30 · nov 21 18:30                       the same in words
Europe/Moscow · Moscow · UTC+3 · +03:00                a timezone
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from dripline.bot.admin.typed_timing import parse_timing
from dripline.content.compile import timing
from dripline.deliveries.timing import due_at, zone_of

_CLOCK: Final = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")
_ISO: Final = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_DOTTED: Final = re.compile(r"(?<!\d)(\d{1,2})[./](\d{1,2})(?:[./](\d{4}|\d{2}))?(?!\d)\.?")
_WORDED: Final = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?\s+([a-zа-яё]{3,})\.?(?:\s+(\d{4}))?")
_WORD_FIRST: Final = re.compile(
    r"([a-z]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?!\d|:)(?:,?\s+(\d{4}))?"
)
_MONTHS: Final = (
    ("jan", "янв"), ("feb", "фев"), ("mar", "мар"), ("apr", "апр"), ("may", "май", "мая"),
    ("jun", "июн"), ("jul", "июл"), ("aug", "авг"), ("sep", "сен"), ("oct", "окт"),
    ("nov", "ноя"), ("dec", "дек"),
)  # fmt: skip
_AROUND: Final = re.compile(r"\b(?:at|on|of|в|во|г|года)\b|[,.;]")
_FURTHEST: Final = timedelta(days=366)
_OFFSET: Final = re.compile(r"(?:utc|gmt|мск)?\s*([+-])\s*0?(\d{1,2})(?::?00)?")
_NICKNAMES: Final = {
    "мск": "Europe/Moscow", "москва": "Europe/Moscow", "msk": "Europe/Moscow",
    "петербург": "Europe/Moscow", "санкт-петербург": "Europe/Moscow", "киев": "Europe/Kyiv",
    "минск": "Europe/Minsk", "калининград": "Europe/Kaliningrad", "самара": "Europe/Samara",
    "екатеринбург": "Asia/Yekaterinburg", "омск": "Asia/Omsk", "новосибирск": "Asia/Novosibirsk",
    "красноярск": "Asia/Krasnoyarsk", "иркутск": "Asia/Irkutsk", "якутск": "Asia/Yakutsk",
    "владивосток": "Asia/Vladivostok", "алматы": "Asia/Almaty", "ташкент": "Asia/Tashkent",
    "тбилиси": "Asia/Tbilisi", "ереван": "Asia/Yerevan", "баку": "Asia/Baku",
    "берлин": "Europe/Berlin", "лондон": "Europe/London", "гринвич": "UTC",
}  # fmt: skip


def parse_moment(text: str, now: datetime, timezone: str | None) -> datetime | None:
    """Return the moment that is meant where the clock shows `timezone`, in UTC.

    None when it cannot be understood, is over, or is more than a year away.
    """
    plain = " ".join(text.lower().split())
    if not plain or len(plain) > 100:
        return None
    found = _dated(plain, now, timezone)
    if found is None and not _has_date(plain):
        found = _counted(plain, now, timezone)
    return found if found is not None and now < found <= now + _FURTHEST else None


def _has_date(plain: str) -> bool:
    return any(one.search(plain) for one in (_ISO, _DOTTED))


def _counted(plain: str, now: datetime, timezone: str | None) -> datetime | None:
    typed = parse_timing(plain)
    if typed is None or typed.after is not None:
        return None
    return due_at(timing(typed.timing), now, timezone)


def _dated(plain: str, now: datetime, timezone: str | None) -> datetime | None:
    clock = _CLOCK.search(plain)
    if clock is None or int(clock[1]) > 23 or int(clock[2]) > 59:
        return None
    rest = f"{plain[: clock.start()]} {plain[clock.end() :]}".strip()
    day = _day(rest)
    if day is None:
        return None
    (year, month, number), left = day
    if _AROUND.sub(" ", left).strip():
        return None
    zone = zone_of(timezone)
    at = time(int(clock[1]), int(clock[2]))
    today = now.astimezone(zone).date()
    for wanted in [year] if year else [today.year, today.year + 1]:
        try:
            moment = datetime.combine(date(wanted, month, number), at, zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if year or moment > now:
            return moment
    return None


def _day(rest: str) -> tuple[tuple[int, int, int], str] | None:
    """Return year (0: not said), month and day, and what is left of the text."""
    if match := _ISO.search(rest):
        found = (int(match[1]), int(match[2]), int(match[3]))
    elif match := _DOTTED.search(rest):
        found = (_year(match[3]), int(match[2]), int(match[1]))
    elif (match := _WORDED.search(rest)) and _month(match[2]):
        found = (_year(match[3]), _month(match[2]), int(match[1]))
    elif (match := _WORD_FIRST.search(rest)) and _month(match[1]):
        found = (_year(match[3]), _month(match[1]), int(match[2]))
    else:
        return None
    return found, f"{rest[: match.start()]} {rest[match.end() :]}"


def _year(written: str | None) -> int:
    if not written:
        return 0
    return int(written) if len(written) == 4 else 2000 + int(written)


def _month(word: str) -> int:
    for number, names in enumerate(_MONTHS, 1):
        if word.startswith(names):
            return number
    return 0


def parse_zone(text: str) -> str | None:
    """Return the name of a timezone as the database of timezones has it, or None."""
    plain = " ".join(text.split()).lower().replace("\u2212", "-")
    if plain in _NICKNAMES:
        return _NICKNAMES[plain]
    if plain in {"utc", "gmt", "0"}:
        return "UTC"
    if offset := _OFFSET.fullmatch(plain):
        ahead = int(offset[1] + offset[2]) + (3 if plain.startswith("мск") else 0)
        # The sign of these names is turned round (POSIX): Etc/GMT-3 is three hours ahead.
        name = f"Etc/GMT{-ahead:+d}" if ahead else "UTC"
        return name if name == "UTC" or name in available_timezones() else None
    return _zones().get(plain.replace(" ", "_"))


@cache
def _zones() -> dict[str, str]:
    """Return timezones by their names and their cities, in small letters."""
    names = sorted(available_timezones())
    cities = {name.rpartition("/")[2].lower(): name for name in names if "/" in name}
    return cities | {name.lower(): name for name in names}


def zone_words(name: str | None) -> str:
    """Return a timezone as people read it: `Europe/Moscow`, `UTC+3`."""
    if name and name.startswith("Etc/GMT") and name != "Etc/GMT":
        return f"UTC{-int(name.removeprefix('Etc/GMT')):+d}"
    return name or "UTC"
