"""When a message goes out, in words."""

from collections.abc import Mapping
from typing import Any

from dripline.texts import gettext as _
from dripline.texts import marked, ngettext

_WEEKDAYS = (
    marked("Monday"), marked("Tuesday"), marked("Wednesday"), marked("Thursday"),
    marked("Friday"), marked("Saturday"), marked("Sunday"),
)  # fmt: skip


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
