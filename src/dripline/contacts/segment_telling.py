"""Segments in words, for an operator: what each condition means, a line each.

    lines(["no_active_scenario", {"not": {"tag": "quiet"}}], Telling("en"))
    → ["in no scenario just now", "not: tag “quiet”"]

Each room says its own words, beside where it registers what they mean; what nobody says is shown
as the JSON it is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dripline.database import dump_json
from dripline.texts import gettext as _
from dripline.texts import ngettext

_MOST_VALUES: Final = 10
_MOST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Telling:
    """Whom it is told to, and what scenarios and broadcasts are called (by id)."""

    language: str | None
    scenarios: Mapping[str, str] = field(default_factory=dict)
    broadcasts: Mapping[str, str] = field(default_factory=dict)

    def either(self, values: Any, names: Mapping[str, str] | None = None) -> str:
        """Return one value or several as people join them: “a”, “b” or “c”."""
        given = values if isinstance(values, list) else [values]
        named = [(names or {}).get(str(one), str(one)) for one in given[:_MOST_VALUES]]
        shown = [_("“{value}”", self.language, value=one) for one in named]
        shown += ["…"] if len(given) > _MOST_VALUES else []
        if len(shown) < 2:
            return "".join(shown)
        last = shown.pop()
        return _("{first} or {last}", self.language, first=", ".join(shown), last=last)

    def duration(self, value: Mapping[str, Any]) -> str:
        """Return a duration such as `{"days": 7}`."""
        parts = []
        if n := int(value.get("weeks") or 0):
            parts.append(ngettext("{n} week", "{n} weeks", n, self.language))
        if n := int(value.get("days") or 0):
            parts.append(ngettext("{n} day", "{n} days", n, self.language))
        if n := int(value.get("hours") or 0):
            parts.append(ngettext("{n} hour", "{n} hours", n, self.language))
        if n := int(value.get("minutes") or 0):
            parts.append(ngettext("{n} minute", "{n} minutes", n, self.language))
        return " ".join(parts)

    def span(self, value: Mapping[str, Any]) -> str:
        """Return a time: within or longer ago than a duration, before, after."""
        parts = []
        if given := value.get("within"):
            parts.append(_("in the last {time}", self.language, time=self.duration(given)))
        if given := value.get("longer_ago"):
            parts.append(_("more than {time} ago", self.language, time=self.duration(given)))
        if given := value.get("after"):
            parts.append(_("since {day}", self.language, day=given))
        if given := value.get("before"):
            parts.append(_("before {day}", self.language, day=given))
        return ", ".join(parts)


Tell = Callable[[Any, Telling], str]
_tellers: dict[str, Tell] = {}


def tells(name: str, tell: Tell) -> None:
    """Make known how a word is said; its argument is None where it stands alone."""
    _tellers[name] = tell


def lines(segment: Any, telling: Telling) -> list[str]:
    """Return the conditions of a segment that was read without an error; none for everybody."""
    parts = segment if isinstance(segment, list) else [segment] if segment else []
    found = [phrase(one, telling) for one in parts]
    return found[:_MOST_LINES] + (["…"] if len(found) > _MOST_LINES else [])


def phrase(condition: Any, telling: Telling) -> str:
    """Return one condition in words."""
    match condition:
        case str():
            return _word(condition, None, telling)
        case list():
            return _joined(condition, _(" and ", telling.language), telling)
        case dict():
            parts = [_field(key, value, telling) for key, value in condition.items()]
            return _(" and ", telling.language).join(parts)
    return dump_json(condition)


def _field(key: str, value: Any, telling: Telling) -> str:
    match key:
        case "and":
            return _joined(value, _(" and ", telling.language), telling)
        case "or":
            return _joined(value, _(" or ", telling.language), telling)
        case "not":
            return _("not: {what}", telling.language, what=phrase(value, telling))
    return _word(key, value, telling)


def _joined(parts: Iterable[Any], word: str, telling: Telling) -> str:
    found = [phrase(one, telling) for one in parts]
    return found[0] if len(found) == 1 else f"({word.join(found)})"


def _word(name: str, value: Any, telling: Telling) -> str:
    tell = _tellers.get(name)
    if tell is not None:
        try:
            return tell(value, telling)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # an odd form of it, which is no error here
    return name if value is None else dump_json({name: value})


def _attribute(value: Any, telling: Telling) -> str:
    language = telling.language
    name, tests = value["name"], []
    for key, given in value.items():
        match key:
            case "is" if isinstance(given, bool):
                tests.append(_("yes", language) if given else _("no", language))
            case "is":
                tests.append(telling.either(given))
            case "contains":
                tests.append(_("contains “{text}”", language, text=given))
            case "begins_with":
                tests.append(_("begins with “{text}”", language, text=given))
            case "above":
                tests.append(_("more than {n}", language, n=given))
            case "at_least":
                tests.append(_("at least {n}", language, n=given))
            case "below":
                tests.append(_("less than {n}", language, n=given))
            case "at_most":
                tests.append(_("at most {n}", language, n=given))
            case "exists":
                tests.append(_("known", language) if given else _("not known", language))
    span = telling.span(value)
    return f"{name}: {', '.join([*tests, *([span] if span else [])])}"


def _reachable(value: Any, telling: Telling) -> str:
    language = telling.language
    if not isinstance(value, dict):
        if value is None:
            return _("can be reached", language)
        return _("can be reached by {channel}", language, channel=telling.either(value))
    if "is" in value:
        return _("address: {state}", language, state=telling.either(value["is"]))
    return _("can be reached by {channel}", language,
             channel=telling.either(value.get("channel") or value.get("bot")))  # fmt: skip


def _event(value: Any, telling: Telling) -> str:
    name = value if isinstance(value, str) else value["name"]
    said = _("event “{name}”", telling.language, name=name)
    span = telling.span(value) if isinstance(value, dict) else ""
    return f"{said}, {span}" if span else said


tells("state", lambda v, t: _("state {states}", t.language, states=t.either(v)))
tells("language", lambda v, t: _("language {languages}", t.language, languages=t.either(v)))
tells("tag", lambda v, t: _("tag {tags}", t.language, tags=t.either(v)))
tells("created", lambda v, t: _("joined {when}", t.language, when=t.span(v)))
tells("last_seen", lambda v, t: _("last active {when}", t.language, when=t.span(v)))
tells("attribute", _attribute)
tells("reachable", _reachable)
tells("event", _event)
