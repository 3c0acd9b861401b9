"""When a message goes out, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from dripline.bot.admin.typed_moment import zone_words
from dripline.deliveries.timing import zone_of
from dripline.texts import gettext as _
from dripline.texts import marked, ngettext

_WEEKDAYS = (
    marked("Monday"), marked("Tuesday"), marked("Wednesday"), marked("Thursday"),
    marked("Friday"), marked("Saturday"), marked("Sunday"),
)  # fmt: skip

_MONTHS: Final = (
    marked("January"), marked("February"), marked("March"), marked("April"), marked("May"),
    marked("June"), marked("July"), marked("August"), marked("September"), marked("October"),
    marked("November"), marked("December"),
)  # fmt: skip


def moment_words(moment: datetime, timezone: str | None, language: str | None) -> str:
    """Return a moment as the clock at this place shows it: `on Monday, 23 November 2026, 10:00`."""
    local = moment.astimezone(zone_of(timezone))
    return _(
        "on {weekday}, {day} {month} {year}, {time} ({zone})",
        language,
        weekday=_(_WEEKDAYS[local.weekday()], language),
        day=local.day,
        month=_(_MONTHS[local.month - 1], language),
        year=local.year,
        time=f"{local:%H:%M}",
        zone=zone_words(timezone),
    )


def when(spec: Mapping[str, Any], previous: Mapping[str, Any] | None, language: str | None) -> str:
    """Return when a message goes out, given the one before it (None for the first)."""
    timing = spec.get("timing") or {}
    amount = _amount(timing, language)
    awaited = waits_for(previous)
    if awaited is not None:
        if amount or timing.get("at"):
            rest = _with_clock(amount, timing, language)
            return _("after the button {button} is pressed: {rest}", language, button=awaited,
                     rest=rest)  # fmt: skip
        return _("when the button {button} is pressed", language, button=awaited)
    if not amount and not timing.get("at") and not timing.get("weekdays"):
        return _("at once", language)
    return _with_clock(amount, timing, language)


def waits_for(spec: Mapping[str, Any] | None) -> str | None:
    """Return the button (or event) a message waits for, or None."""
    if spec is None:
        return None
    inner = spec.get("wait") or spec
    awaited = str(inner.get("wait_for") or "")
    return awaited.partition(":")[2] or None


def _with_clock(amount: str, timing: Mapping[str, Any], language: str | None) -> str:
    days = [_(_WEEKDAYS[day - 1], language) for day in timing.get("weekdays") or ()]
    words = []
    if amount:
        words.append(_("{amount} later", language, amount=amount))
    if timing.get("at"):
        words.append(_("at {time}, the contact's time", language, time=timing["at"]))
    if days:
        words.append(_("on {days}", language, days=", ".join(days)))
    if timing.get("from") == "start":
        words.append(_("counted from the start", language))
    return ", ".join(words)


def _amount(timing: Mapping[str, Any], language: str | None) -> str:
    days, hours, minutes = (int(timing.get(key) or 0) for key in ("days", "hours", "minutes"))
    parts = []
    if days:
        parts.append(ngettext("{n} day", "{n} days", days, language))
    if hours:
        parts.append(ngettext("{n} hour", "{n} hours", hours, language))
    if minutes:
        parts.append(ngettext("{n} minute", "{n} minutes", minutes, language))
    return " ".join(parts)
