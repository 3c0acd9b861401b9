"""Words of segments that this room knows: who has paid, for what, and when."""

from typing import Any

from dripline.contacts.segment_given import Given
from dripline.contacts.segment_telling import Telling, tells
from dripline.contacts.segment_tree import Predicate
from dripline.contacts.segment_words import SPANS, among, negated, register, span_of
from dripline.payments.models import Payment
from dripline.texts import gettext as _

_PAID = among(Payment.contact_id)


def _paid(given: Given) -> Predicate:
    """`true` means for anything; a text or a list, for one of these products."""
    if given.value is True:
        return _PAID
    if not isinstance(given.value, dict):
        return among(Payment.contact_id, Payment.product.in_(given.texts()))
    given.fields(("product", *SPANS))
    conditions = []
    if "product" in given.value:
        conditions.append(Payment.product.in_(given.at("product").texts()))
        if len(given.value) == 1:
            return among(Payment.contact_id, *conditions)
    holds = span_of(given)
    return among(Payment.contact_id, *conditions, lambda asked: holds(Payment.paid_at, asked.now))


register("has_not_paid", "has never paid for anything", '"has_not_paid"', bare=negated(_PAID))
register("has_paid", "has paid for something", '"has_paid"', bare=_PAID)
register(
    "paid",
    "has paid for a product (a scenario's id), for any of several, or at some time",
    '{"paid": {"product": "course", "within": {"days": 30}}}',
    read=_paid,
)


def _tell(value: Any, telling: Telling) -> str:
    language = telling.language
    if value is True:
        return _("has paid", language)
    product = value.get("product") if isinstance(value, dict) else value
    said = _("has paid", language)
    if product:
        name = telling.either(product, telling.scenarios)
        said = _("has paid for {name}", language, name=name)
    span = telling.span(value) if isinstance(value, dict) else ""
    return f"{said} {span}" if span else said


tells("has_paid", lambda _value, t: _("has paid", t.language))
tells("has_not_paid", lambda _value, t: _("has not paid", t.language))
tells("paid", _tell)
