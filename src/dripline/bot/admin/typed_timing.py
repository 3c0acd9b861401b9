"""When a message goes out, as people type it, in English and Russian: a pure function.

now                          at once
30m · 1h 30m · 1d · 1d 2h    that long after the message before it
in an hour · half an hour · two days · через час · через полчаса
at 18:00 · tomorrow 9:00 · tomorrow at 9 · 9 pm · 2d at 9:00 · monday 10:00
after DONE                   when the button DONE of the message before it is pressed
after DONE, 1h               an hour after that
"""

import re
from dataclasses import dataclass
from typing import Any, Final

_NOW: Final = frozenset(
    {"now", "at once", "immediately", "0", "сразу", "сейчас", "немедленно", "0h", "0m"}
)
_TOMORROW: Final = ("day after tomorrow", "послезавтра", "tomorrow", "завтра", "today", "сегодня")
_DAYS: Final = (2, 2, 1, 1, 0, 0)
_AFTER: Final = re.compile(
    r"(?:(?:after|после)(?:\s+(?:the|button|нажатия|кнопки))*"
    r"|when(?:\s+the)?\s+button|по\s+кнопке|когда\s+(?:нажата|нажмут)\s+(?:на\s+)?кнопк[ау])\s+"
    r"[«“\"']?([^\s,;«»“”\"']{1,32})[»”\"']?(?:\s+(?:is\s+)?(?:pressed|нажата))?[,;:]?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_AMOUNT: Final = re.compile(
    r"(\d{1,6})\s*(?:"
    r"(?P<d>days?|d|дней|дня|день|дн\.?|д\.?|сут(?:ок|ки)?)|"
    r"(?P<h>hours?|hrs?\.?|h|часов|часа|час|ч\.?)|"
    r"(?P<m>minutes?|mins?\.?|m|минуты|минуту|минута|минут|мин\.?|м\.?)|"
    r"(?P<w>weeks?|w|недел(?:ю|и|я|ь)|нед\.?))(?![a-zа-яё])"
)
_SAID: Final = (  # what people say in the place of numbers
    (re.compile(r"\b(?:half an hour|half hour|полчаса)\b"), "30m"),
    (re.compile(r"\b(?:an hour and a half|полтора часа)\b"), "1h 30m"),
    (re.compile(r"\b(?:(?:the )?next day|на следующий день)\b"), "1d"),
    *(
        (re.compile(rf"\b(?:{words})(?=\s+[a-zа-яё])"), str(number))
        for number, words in enumerate(
            ("an?|one|один|одну|одна", "two|два|две", "three|три", "four|четыре", "five|пять",
             "six|шесть", "seven|семь", "eight|восемь", "nine|девять", "ten|десять"), 1
        )
    ),
    (
        re.compile(
            r"(?<!\d)(?<!\d )\b(minute|hour|day(?! after)|week|минуту|час|день|сутки|неделю)\b"
        ),
        r"1 \1",
    ),
)  # fmt: skip
_HOUR: Final = re.compile(
    r"\b(?:at|в|во)\s+(?P<at>\d{1,2})(?:\s*час(?:а|ов)?)?(?:\s*(?P<half>am|pm|утра|вечера))?"
    r"(?![\d:.])(?!\s*[a-zа-яё])|(?<![\d:])\b(?P<bare>\d{1,2})\s*(?P<part>am|pm|утра|вечера)\b"
)
_CLOCK: Final = re.compile(r"(?:\b(?:at|в|во)\s+)?(?<!\d)(\d{1,2}):(\d{2})(?!\d)")
_WEEKDAYS: Final = {
    day: number
    for number, days in enumerate(
        (
            ("monday", "mon", "понедельник", "пн"), ("tuesday", "tue", "вторник", "вт"),
            ("wednesday", "wed", "среду", "среда", "ср"), ("thursday", "thu", "четверг", "чт"),
            ("friday", "fri", "пятницу", "пятница", "пт"),
            ("saturday", "sat", "субботу", "суббота", "сб"),
            ("sunday", "sun", "воскресенье", "вс"),
        ),
        1,
    )
    for day in days
}  # fmt: skip
_FILLING: Final = re.compile(
    r"\b(?:in|after|later|and|on|at|через|спустя|и|в|во|по|потом)\b|[,;+.]", re.IGNORECASE
)
_MOST_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class TypedTiming:
    """A timing as content has it, and the button of the message before that is waited for."""

    timing: dict[str, Any]
    after: str | None = None


def parse_timing(text: str) -> TypedTiming | None:
    """Return what was meant, or None when it cannot be understood."""
    plain = " ".join(text.split())
    if len(plain) > 200:
        return None
    waited = _AFTER.fullmatch(plain)
    if waited is not None and _delay(plain.lower()) is None:
        rest = _delay(waited[2].lower()) if waited[2].strip() else {}
        return None if rest is None else TypedTiming(rest, waited[1])
    found = _delay(plain.lower())
    return None if found is None else TypedTiming(found)


def _delay(text: str) -> dict[str, Any] | None:
    """Return a timing; every word must have been understood."""
    if text.strip(" .!") in _NOW:
        return {"hours": 0, "minutes": 0}
    left, understood = _in_numbers(text), False
    timing: dict[str, Any] = {}
    for word, days in zip(_TOMORROW, _DAYS, strict=True):
        if re.search(rf"\b{word}\b", left):
            left = re.sub(rf"\b{word}\b", " ", left, count=1)
            timing["days"], understood = days, True
            break
    clock = _CLOCK.search(left)
    if clock is not None:
        if int(clock[1]) > 23 or int(clock[2]) > 59:
            return None
        timing["at"], understood = f"{int(clock[1]):02d}:{clock[2]}", True
        left = left[: clock.start()] + " " + left[clock.end() :]
    left, amounts = _amounts(left)
    left, weekdays = _named_days(left)
    if amounts:
        timing["days"] = timing.get("days", 0) + amounts.pop("days", 0)
        timing.update(amounts)
    if weekdays:
        timing["weekdays"] = weekdays
    if not (understood or (amounts is not None and "days" in timing) or weekdays):
        return None
    if _FILLING.sub(" ", left).strip():
        return None
    return _bounded(timing)


def _in_numbers(text: str) -> str:
    """Return what was said in words with numbers: `через час` is `через 1 час`."""
    for said, number in _SAID:
        text = said.sub(number, text)
    return _HOUR.sub(_clock, text)


def _clock(match: re.Match[str]) -> str:
    hour, part = int(match["at"] or match["bare"]), match["half"] or match["part"]
    if part and not 1 <= hour <= 12:
        return match[0]
    late = part in {"pm", "вечера"}
    return f"{hour % 12 + 12 * late if part else hour}:00"


def _amounts(text: str) -> tuple[str, dict[str, int]]:
    found: dict[str, int] = {}
    for match in _AMOUNT.finditer(text):
        number = int(match[1])
        if match["w"]:
            found["days"] = found.get("days", 0) + 7 * number
        else:
            unit = "days" if match["d"] else "hours" if match["h"] else "minutes"
            found[unit] = found.get(unit, 0) + number
    if found:
        found.setdefault("days", 0)
    return _AMOUNT.sub(" ", text), found


def _named_days(text: str) -> tuple[str, list[int]]:
    found: list[int] = []

    def taken(match: re.Match[str]) -> str:
        number = _WEEKDAYS.get(match[0])
        if number is None:
            return match[0]
        found.append(number)
        return " "

    return re.sub(r"[a-zа-яё]+", taken, text), sorted(set(found))


def _bounded(timing: dict[str, Any]) -> dict[str, Any] | None:
    minutes = timing.get("days", 0) * 1_440 + timing.get("hours", 0) * 60 + timing.get("minutes", 0)
    if minutes > _MOST_DAYS * 1_440:
        return None
    kept = {key: value for key, value in timing.items() if value or key == "at"}
    return kept or {"hours": 0, "minutes": 0}
