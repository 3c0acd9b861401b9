"""Rows of enrollments as drivers give them, made into values; statements are in `queries.py`."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from dripline.database import load_json
from dripline.database.bulk import as_uuid
from dripline.deliveries.protocols import AddressRef
from dripline.scenarios.state import EnrollmentState

# In this order statements ask for an enrollment's columns.
STATE = (
    "id",
    "contact_id",
    "address_id",
    "scenario_id",
    "lane",
    "run",
    "pace_key",
    "started_at",
    "context",
    "status",
    "reason",
    "hold",
    "position",
    "last_message_id",
    "revision",
    "base_at",
    "last_sent_at",
    "completed_at",
    "stopped_at",
    "waiting_for",
    "wait_until",
    "early_action",
    "turn",
    "recheck",
    "resends",
    "queue_priority",
    "queue_due_us",
    "version",
)


class Person(NamedTuple):
    """An enrollment with the contact and the address it goes to."""

    state: EnrollmentState
    address: AddressRef
    reachability: str
    username: str | None
    first_name: str | None
    last_name: str | None
    language: str | None
    contact_state: str
    timezone: str | None
    registered_at: datetime | None
    created_at: datetime

    @property
    def contact_id(self) -> uuid.UUID:
        """Who it is."""
        return self.state.contact_id


def _moment(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _json(value: Any) -> Any:
    return load_json(value) if isinstance(value, str | bytes) else value


def state_row(row: Any) -> EnrollmentState:
    """Return an enrollment out of the columns of `STATE`."""
    state = EnrollmentState(
        as_uuid(row[0]),
        as_uuid(row[1]),
        as_uuid(row[2]),
        row[3],
        row[4],
        row[5],
        row[6],
        _moment(row[7]),
        row[8] and _json(row[8]),
        row[9],
        row[10],
        row[11],
        row[12],
        row[13],
        row[14],
        _moment(row[15]),
        row[16] and _moment(row[16]),
        row[17] and _moment(row[17]),
        row[18] and _moment(row[18]),
        row[19],
        row[20] and _moment(row[20]),
        row[21],
        row[22],
        row[23],
        row[24],
        row[25],
        row[26],
        row[27],
    )
    state.seldom = seldom_of(state)
    return state


def person_row(row: Any) -> Person:
    """Return an enrollment with what follows it: address and contact."""
    state = state_row(row)
    (
        channel,
        bot,
        value,
        reachability,
        next_send,
        username,
        first_name,
        last_name,
        language,
        contact_state,
        timezone,
        registered_at,
        created_at,
    ) = row[len(STATE) :]
    return Person(
        state,
        AddressRef(state.address_id, state.contact_id, channel, bot, value, next_send),
        reachability,
        username,
        first_name,
        last_name,
        language,
        contact_state,
        timezone,
        _moment(registered_at),
        _moment(created_at),
    )


def seldom_of(s: EnrollmentState) -> tuple[Any, ...]:
    """Return what seldom changes, in the order in which it is written."""
    return (
        s.status,
        s.hold,
        s.reason,
        s.revision,
        s.completed_at,
        s.stopped_at,
        s.waiting_for,
        s.wait_until,
        s.early_action,
        s.resends,
        s.pace_key,
    )
