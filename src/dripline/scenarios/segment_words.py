"""Words of segments that this room knows: who is in which scenario, and got which message."""

from typing import Any, Final

from sqlalchemy import ColumnElement, literal_column

from dripline.contacts.segment_given import Given
from dripline.contacts.segment_telling import Telling, tells
from dripline.contacts.segment_tree import AnyOf, Predicate
from dripline.contacts.segment_words import among, negated, register
from dripline.deliveries.models import Delivery, DeliveryKey
from dripline.scenarios.models import ACTIVE, COMPLETED, NOT_STARTED, STOPPED, Enrollment
from dripline.texts import gettext as _

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
    return AnyOf(tuple(parts))


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


def _tell_scenario(value: Any, telling: Telling) -> str:
    language = telling.language
    ids = value["id"] if isinstance(value, dict) else value
    name = telling.either(ids, telling.scenarios)
    match value.get("status") if isinstance(value, dict) else None:
        case "active":
            return _("in {name} now", language, name=name)
        case "completed":
            return _("has completed {name}", language, name=name)
        case "stopped":
            return _("stopped in {name}", language, name=name)
        case "not_started":
            return _("never was in {name}", language, name=name)
        case None:
            return _("is or was in {name}", language, name=name)
    return _("{name}: {statuses}", language, name=name, statuses=telling.either(value["status"]))


def _tell_got_message(value: Any, telling: Telling) -> str:
    name = telling.either(value["scenario"], telling.scenarios)
    if "message" not in value:
        return _("got a message of {name}", telling.language, name=name)
    message = telling.either(value["message"])
    return _("got {message} of {name}", telling.language, message=message, name=name)


tells("no_active_scenario", lambda _value, t: _("in no scenario just now", t.language))
tells("scenario", _tell_scenario)
tells("got_message", _tell_got_message)
