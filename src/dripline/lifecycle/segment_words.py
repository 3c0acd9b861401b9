"""The word of segments that this room knows: how many people somebody has brought."""

from typing import Any, Final

from dripline.contacts.segment_given import Given
from dripline.contacts.segment_telling import Telling, tells
from dripline.contacts.segment_tree import EVERYBODY, All, Predicate
from dripline.contacts.segment_words import among, negated, register
from dripline.lifecycle.models import Standing
from dripline.texts import gettext as _

_FIELDS: Final = ("is", "at_least", "at_most")


def _referrals(given: Given) -> Predicate:
    """A number alone means exactly so many; those without a standing have brought nobody."""
    if not isinstance(given.value, dict):
        count = given.number()
        return All((_at_least(count), _at_most(count)))
    given.fields(_FIELDS)
    if not given.value:
        raise given.wrong('Say how many, such as {"at_least": 2}.')
    parts: list[Predicate] = []
    for key in given.value:
        count = given.at(key).number()
        if key != "at_most":
            parts.append(_at_least(count))
        if key != "at_least":
            parts.append(_at_most(count))
    return All(tuple(parts))


def _at_least(count: float) -> Predicate:
    if count <= 0:
        return EVERYBODY
    return among(Standing.contact_id, Standing.referral_count >= count)


def _at_most(count: float) -> Predicate:
    if count < 0:
        return negated(EVERYBODY)
    return negated(among(Standing.contact_id, Standing.referral_count > count))


register(
    "referrals",
    "how many people the contact has brought, as they count now",
    '{"referrals": {"at_least": 1, "at_most": 4}}',
    read=_referrals,
)


def _tell(value: Any, telling: Telling) -> str:
    language = telling.language
    tests = []
    given = value if isinstance(value, dict) else {"is": value}
    if "is" in given:
        tests.append(str(given["is"]))
    if "at_least" in given:
        tests.append(_("at least {n}", language, n=given["at_least"]))
    if "at_most" in given:
        tests.append(_("at most {n}", language, n=given["at_most"]))
    return _("friends invited: {n}", language, n=", ".join(tests))


tells("referrals", _tell)
