"""Words of segments that this room knows: who has paid, for what, and when."""

from dripline.contacts.segment_given import Given
from dripline.contacts.segment_words import SPANS, Predicate, among, negated, register, span_of
from dripline.payments.models import Payment

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
    return lambda asked: among(Payment.contact_id, *conditions, holds(Payment.paid_at, asked.now))(
        asked
    )


register("has_not_paid", "has never paid for anything", '"has_not_paid"', bare=negated(_PAID))
register("has_paid", "has paid for something", '"has_paid"', bare=_PAID)
register(
    "paid",
    "has paid for a product (a scenario's id), for any of several, or at some time",
    '{"paid": {"product": "course", "within": {"days": 30}}}',
    read=_paid,
)
