"""The words of segments: each room registers its own; the linter, the API and docs read them.

A word gives, for a moment, a condition on the row of `contacts`. It is `sure` when SQL answers it
with yes or no for every contact, never with NULL.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal_column, or_

from dripline.contacts.models import REACHABLE, Address, Attribute, Contact, Tag
from dripline.contacts.segment_given import Given
from dripline.contacts.segment_tree import All, Among, Asked, Not, Predicate
from dripline.contacts.segment_values import AsNumber, AsText, AsTruth, Unsought
from dripline.events.models import Event


@dataclass(frozen=True, slots=True)
class WordOf:
    """A word: what it means, how it is written; alone (`bare`), with an argument (`read`)."""

    name: str
    about: str
    example: str
    bare: Predicate | None = None
    read: Callable[[Given], Predicate] | None = None
    sure: bool = True


_registry: dict[str, WordOf] = {}


def register(
    name: str,
    about: str,
    example: str,
    *,
    bare: Predicate | None = None,
    read: Callable[[Given], Predicate] | None = None,
    sure: bool = True,
) -> None:
    """Make a word known. `example` is how it stands in JSON."""
    _registry[name] = WordOf(name, about, example, bare, read, sure)


def word(name: object) -> WordOf | None:
    """Return a word by its name, or None."""
    return _registry.get(name) if isinstance(name, str) else None


def words() -> Mapping[str, WordOf]:
    """Return all words by name."""
    return dict(_registry)


def always(condition: ColumnElement[bool]) -> Predicate:
    """Return the predicate of a condition that asks for no time."""
    return lambda _asked: condition


def among(contact_id: Any, *conditions: ColumnElement[bool] | Predicate) -> Among:
    """Return the predicate that a row of another table, under these conditions, is the contact's.

    `contact_id` is that table's column.
    """
    return Among(contact_id, conditions)


def negated(predicate: Predicate) -> Not:
    """Return the predicate that holds where another does not."""
    return Not(predicate)


SPANS: Final = ("within", "longer_ago", "before", "after")
_BEGINNINGS: Final = ("within", "after")
_ENDS: Final = ("longer_ago", "before")


def span_of(
    given: Given, words: Collection[str] = SPANS
) -> Callable[[Any, datetime], ColumnElement[bool]]:
    """Return what a moment has to be like: within or longer ago than a duration, before, after.

    Raises SegmentError when no span is given.
    """
    spans = [key for key in given.value if key in words]
    if not spans:
        raise given.wrong('Say when, such as {"within": {"days": 7}}; there are within, '
                          "longer_ago, before and after.")  # fmt: skip
    wanted = {
        key: given.at(key).duration() if key in SPANS[:2] else given.at(key).moment()
        for key in spans
    }

    def holds(column: Any, now: datetime) -> ColumnElement[bool]:
        parts: list[ColumnElement[bool]] = []
        for key, value in wanted.items():
            match key:
                case "within":
                    parts.append(column >= now - value)
                case "longer_ago":
                    parts.append(column < now - value)
                case "before":
                    parts.append(column < value)
                case _:
                    parts.append(column >= value)
        condition = parts[0]
        for part in parts[1:]:
            condition &= part
        return condition

    return holds


def _state(given: Given) -> Predicate:
    return always(Contact.state.in_(given.texts()))


def _language(given: Given) -> Predicate:
    """`pt` means every Portuguese, `pt-br` the Brazilian one."""
    found = func.lower(Contact.language)
    wanted = [text.lower().replace("_", "-") for text in given.texts()]
    regions = (found.startswith(f"{one}-", autoescape=True) for one in wanted if "-" not in one)
    return always(or_(found.in_(wanted), *regions))


def _tag(given: Given) -> Predicate:
    return among(Tag.contact_id, Tag.tag.in_(given.texts()))


def _moment_of(column: Any) -> Callable[[Given], Predicate]:
    def read(given: Given) -> Predicate:
        given.fields(SPANS)
        holds = span_of(given)
        return lambda asked: holds(column, asked.now)

    return read


_GOT: Final = "got_message or got_broadcast"
_ANSWERS: Final = "the event link.clicked, or engagement_score"
_OF_DELIVERIES: Final = {
    "message.sent": _GOT,
    "message.failed": _GOT,
    "message.fell_back": _GOT,
    "message.delivered": _GOT,
    "message.opened": _ANSWERS,
    "message.clicked": _ANSWERS,
    "email.delayed": _GOT,
}


def _event(given: Given) -> Predicate:
    """`longer_ago` asks about the last time it happened, so it must not have happened since."""
    plain = isinstance(given.value, str)
    if not plain:
        given.fields(("name", *SPANS), "name")
    place = given if plain else given.at("name")
    name = place.text()
    if name in _OF_DELIVERIES:
        raise place.wrong(f"{name} is not kept by contact; ask {_OF_DELIVERIES[name]}.")
    # Literals, so that the databases see that the partial index on names holds what is asked for.
    happened = (Event.name == name, Event.source != literal_column("'delivery'"))
    if plain or set(given.value) == {"name"}:
        return among(Event.contact_id, *happened)
    return _last_time(given, happened)


def _last_time(given: Given, happened: tuple[ColumnElement[bool], ...]) -> Predicate:
    """The last time was at or after the beginnings, and never since the ends."""
    since = [among(Event.contact_id, *happened)]
    if set(given.value) & set(_BEGINNINGS):
        since = [among(Event.contact_id, *happened, _is(span_of(given, _BEGINNINGS)))]
    later = [_is(span_of(given, (end,))) for end in _ENDS if end in given.value]
    never = [Not(among(Event.contact_id, *happened, _opposite(one))) for one in later]
    return All((*since, *never))


def _is(span: Callable[[Any, datetime], ColumnElement[bool]]) -> Predicate:
    return lambda asked: span(Event.occurred_at, asked.now)


def _opposite(predicate: Predicate) -> Predicate:
    return lambda asked: ~predicate(asked)


_CHANNELS: Final = ("telegram", "email")
_STATES: Final = (
    REACHABLE, "blocked", "needs_start", "deactivated", "kicked", "bounced", "complained",
    "unsubscribed", "unverified", "removed",
)  # fmt: skip


def _reachable(given: Given) -> Predicate:
    conditions = [Address.reachability == REACHABLE]
    if isinstance(given.value, dict):
        given.fields(("channel", "bot", "is"))
        if "is" in given.value:
            states = given.at("is").choices(_STATES, "reachability")
            conditions = [Address.reachability.in_(states)]
        if "channel" in given.value:
            channels = given.at("channel").choices(_CHANNELS, "channel")
            conditions.append(Unsought(Address.channel).in_(channels))
        if "bot" in given.value:
            conditions.append(Address.bot.in_(given.at("bot").texts()))
    else:
        channels = given.choices(_CHANNELS, "channel")
        conditions.append(Unsought(Address.channel).in_(channels))
    return among(Address.contact_id, *conditions)


_ATTRIBUTE_FIELDS: Final = {
    "text": ("is", "contains", "begins_with", "exists"),
    "number": ("is", "above", "at_least", "below", "at_most", "exists"),
    "boolean": ("is", "exists"),
    "date": ("is", *SPANS, "exists"),
}


def _attribute(given: Given) -> Predicate:
    """A contact without a value matches nothing but `exists: false`."""
    given.expect(dict)
    if "name" not in given.value:
        raise given.wrong("“name” is missing here.")
    name = given.at("name").choice(given.names.attributes, "declared attribute")
    kind = given.names.attributes[name]
    given.fields(("name", *_ATTRIBUTE_FIELDS[kind]), "name")
    tests = {key: given.at(key) for key in given.value if key not in {"name", "exists"}}
    own = (Attribute.name == name,)
    if "exists" in given.value:
        given.at("exists").expect(bool)
        if tests:
            raise given.wrong("“exists” stands alone: what is compared has to exist anyway.")
        has = among(Attribute.contact_id, *own)
        return has if given.value["exists"] else negated(has)
    if not tests:
        wanted = ", ".join(_ATTRIBUTE_FIELDS[kind])
        raise given.wrong(f"Say what {name} has to be: {wanted}.")
    if kind == "date":
        return _date_attribute(own, tests)
    compared = [_compare(kind, key, place) for key, place in tests.items()]
    return among(Attribute.contact_id, *own, *compared)


def _compare(kind: str, key: str, given: Given) -> ColumnElement[bool]:
    match kind, key:
        case "boolean", _:
            given.expect(bool)
            return AsTruth(Attribute.value).is_(given.value)
        case "number", "is":
            several = isinstance(given.value, list)
            places = [given.at(n) for n in range(given.length())] if several else [given]
            return AsNumber(Attribute.value).in_([place.number() for place in places])
        case "number", _:
            column, value = AsNumber(Attribute.value), given.number()
            return {
                "above": column > value,
                "at_least": column >= value,
                "below": column < value,
                "at_most": column <= value,
            }[key]
        case _, "is":
            return AsText(Attribute.value).in_(given.texts())
        case _, "contains":
            return AsText(Attribute.value).icontains(given.text(), autoescape=True)
        case _:
            return AsText(Attribute.value).istartswith(given.text(), autoescape=True)


def _date_attribute(own: Any, tests: dict[str, Given]) -> Predicate:
    """Dates are kept as texts that sort by time; they are compared by the day."""
    day = func.substr(AsText(Attribute.value), 1, 10)
    fixed = {
        key: place.duration() if key in SPANS[:2] else f"{place.moment():%Y-%m-%d}"
        for key, place in tests.items()
    }

    def holds(asked: Asked) -> ColumnElement[bool]:
        parts = []
        for key, value in fixed.items():
            limit = value if isinstance(value, str) else f"{asked.now - value:%Y-%m-%d}"
            match key:
                case "is":
                    parts.append(day == limit)
                case "within" | "after":
                    parts.append(day >= limit)
                case _:
                    parts.append(day < limit)
        return and_(*parts)

    return among(Attribute.contact_id, *own, holds)


register("state", "lifecycle state, one of", '{"state": ["VIP", "SUPER_VIP"]}', read=_state)
register("language", "language, one of", '{"language": "ru"}', read=_language, sure=False)
register("tag", "has any of these tags", '{"tag": "buyer"}', read=_tag)
register(
    "attribute",
    "a declared attribute is, contains, begins_with, above, at_least, below, at_most, exists",
    '{"attribute": {"name": "city", "is": ["Paris", "Rome"]}}',
    read=_attribute,
)
register(
    "created",
    "how long the contact is known",
    '{"created": {"within": {"days": 7}}}',
    read=_moment_of(Contact.created_at),
)
register(
    "last_seen",
    "when the contact last did anything",
    '{"last_seen": {"longer_ago": {"days": 14}}}',
    read=_moment_of(func.coalesce(Contact.last_seen_at, Contact.created_at)),
)
register(
    "event",
    "an event happened; longer_ago asks about its last time",
    '{"event": {"name": "webinar.joined", "within": {"days": 7}}}',
    read=_event,
)
register(
    "reachable",
    "can be reached, on any channel or on this one; or an address is blocked, bounced …",
    '{"reachable": "telegram"}',
    bare=among(Address.contact_id, Address.reachability == REACHABLE),
    read=_reachable,
)
