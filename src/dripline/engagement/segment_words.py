"""The words of segments that scores give: how much somebody answers, exactly as it is now.

A score is compared without being computed: `fades_at` says when one point is left, so a row has at
least so many points as long as that moment is far enough ahead.
"""

import math
from typing import Any, Final

from sqlalchemy import ColumnElement, literal_column

from dripline.clock import to_us
from dripline.contacts.segment_given import Given
from dripline.contacts.segment_telling import Telling, tells
from dripline.contacts.segment_tree import EVERYBODY, All, AnyOf, Asked, Predicate
from dripline.contacts.segment_words import among, negated, register
from dripline.engagement.models import EngagementScore as Row
from dripline.engagement.rules import levels_of
from dripline.engagement.score import LEVELS, OVERALL, TYPES, points_for
from dripline.texts import gettext as _
from dripline.texts import marked

_TESTS: Final = ("at_least", "above", "at_most", "below")
_SECOND_US: Final = 1_000_000


def _at_least(kind: str, score: float) -> Predicate:
    """Return the predicate that a contact has this score; everybody has 0."""
    if score <= 0:
        return EVERYBODY
    if score >= 100:
        return negated(EVERYBODY)
    # One point is left `half_life * log2(points)` after the moment at which there were so many.
    ahead = math.log2(points_for(score)) * _SECOND_US

    def enough(asked: Asked) -> ColumnElement[bool]:
        limit = to_us(asked.now)
        return Row.fades_at - Row.half_life * literal_column(f"{ahead:.3f}") >= limit

    return among(Row.contact_id, Row.type == kind, enough)


def _score(given: Given) -> Predicate:
    """`{"at_least": 50}`, `{"type": "email", "below": 20}`; the overall score unless named."""
    given.expect(dict)
    given.fields(("type", *_TESTS))
    kind = given.at("type").choice(TYPES, "score") if "type" in given.value else OVERALL
    parts = []
    for key in given.value:
        if key == "type":
            continue
        number = given.at(key).number()
        if not 0 <= number <= 100:
            raise given.at(key).wrong("A score is a number from 0 to 100.")
        parts.append(_test(kind, key, number))
    if not parts:
        raise given.wrong('Say how high, such as {"at_least": 50}.')
    return All(tuple(parts))


def _test(kind: str, key: str, number: float) -> Predicate:
    tiny = 1e-9
    match key:
        case "at_least":
            return _at_least(kind, number)
        case "above":
            return _at_least(kind, number + tiny)
        case "at_most":
            return negated(_at_least(kind, number + tiny))
        case _:
            return negated(_at_least(kind, number))


def _level(given: Given) -> Predicate:
    wanted = given.choices(tuple(LEVELS), "level")
    levels = levels_of(given.names.rooms)
    names = list(levels)
    parts: list[Predicate] = []
    for name in wanted:
        place = names.index(name)
        least = _at_least(OVERALL, levels[name])
        if place == 0:
            parts.append(least)
        else:
            higher = _at_least(OVERALL, levels[names[place - 1]])
            parts.append(All((least, negated(higher))))
    return AnyOf(tuple(parts))


register(
    "engagement_score",
    "how much the contact answers, 0 to 100, as it is now: overall, or of one type",
    '{"engagement_score": {"type": "email", "at_least": 50}}',
    read=_score,
)
register(
    "engagement_level",
    "highly_engaged, engaged, at_risk or dormant, one of",
    '{"engagement_level": ["at_risk", "dormant"]}',
    read=_level,
)

_LEVELS: Final = {
    "highly_engaged": marked("highly engaged"),
    "engaged": marked("engaged"),
    "at_risk": marked("at risk"),
    "dormant": marked("dormant"),
}

_TYPES: Final = {
    "telegram": marked("Telegram"),
    "email": marked("email"),
    "attendance": marked("attendance"),
    "commitment": marked("commitment"),
}


def _tell_level(value: Any, telling: Telling) -> str:
    given = value if isinstance(value, list) else [value]
    names = {str(one): _(_LEVELS.get(str(one), str(one)), telling.language) for one in given}
    return _("engagement: {levels}", telling.language, levels=telling.either(given, names))


tells("engagement_level", _tell_level)


def _tell_score(value: Any, telling: Telling) -> str:
    language, kind = telling.language, str(value.get("type", OVERALL))
    words = {
        "at_least": _("{score} or more", language, score=value.get("at_least")),
        "above": _("more than {score}", language, score=value.get("above")),
        "at_most": _("{score} or less", language, score=value.get("at_most")),
        "below": _("less than {score}", language, score=value.get("below")),
    }
    bounds = ", ".join(words[key] for key in value if key != "type")
    if kind == OVERALL:
        return _("engagement score {bounds}", language, bounds=bounds)
    named = _(_TYPES.get(kind, kind), language)
    return _("engagement score ({type}) {bounds}", language, type=named, bounds=bounds)


tells("engagement_score", _tell_score)
