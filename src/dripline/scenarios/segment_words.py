"""Words of segments that this room knows: who is in which scenario, and got which message."""

from typing import Final

from sqlalchemy import ColumnElement, literal_column, or_

from dripline.contacts.segment_given import Given
from dripline.contacts.segment_words import Predicate, among, negated, register
from dripline.deliveries.models import Delivery, DeliveryKey
from dripline.scenarios.models import ACTIVE, COMPLETED, NOT_STARTED, STOPPED, Enrollment

_STATUSES: Final = (NOT_STARTED, ACTIVE, COMPLETED, STOPPED)
_GOT: Final = ("sent", "delivered", "opened", "clicked")
# A literal, so that the databases see that the partial index holds what is asked for.
_ACTIVE = among(Enrollment.contact_id, Enrollment.status == literal_column("'active'"))


def _scenario(given: Given) -> Predicate:
    """A contact who was in a scenario several times has the status of each of these times."""
    if not isinstance(given.value, dict):
        ids = given.choices(given.names.scenarios, "scenario")
        return among(Enrollment.contact_id, _in(ids))
    given.fields(("id", "status"), "id")
    ids = given.at("id").choices(given.names.scenarios, "scenario")
    if "status" not in given.value:
        return among(Enrollment.contact_id, _in(ids))
    statuses = given.at("status").choices(_STATUSES, "status")
    entered = [status for status in statuses if status != NOT_STARTED]
    parts: list[Predicate] = []
    if entered:
        parts.append(among(Enrollment.contact_id, _in(ids), Enrollment.status.in_(entered)))
    if NOT_STARTED in statuses:
        parts.append(negated(among(Enrollment.contact_id, _in(ids))))
    return lambda asked: or_(*(part(asked) for part in parts))


def _in(ids: tuple[str, ...]) -> ColumnElement[bool]:
    return Enrollment.scenario_id.in_(ids)


def _got_message(given: Given) -> Predicate:
    given.fields(("scenario", "message"), "scenario")
    ids = given.at("scenario").choices(given.names.scenarios, "scenario")
    conditions = [
        _in(ids),
        DeliveryKey.contact_id == Enrollment.contact_id,
        DeliveryKey.origin_id == Enrollment.id,
        Delivery.id == DeliveryKey.delivery_id,
        Delivery.status.in_(_GOT),
    ]
    if "message" in given.value:
        conditions.append(DeliveryKey.message_id.in_(given.at("message").texts()))
    return among(Enrollment.contact_id, *conditions)


register(
    "no_active_scenario",
    "is in no scenario just now",
    '"no_active_scenario"',
    bare=negated(_ACTIVE),
)
register(
    "scenario",
    "is or was in a scenario; with status: not_started, active, completed, stopped",
    '{"scenario": {"id": "course", "status": "completed"}}',
    read=_scenario,
)
register(
    "got_message",
    "was sent any message of a scenario, or this one",
    '{"got_message": {"scenario": "course", "message": "msg_1"}}',
    read=_got_message,
)
