"""`users.json` and `schedules/{user_id}.json` as values, both ways."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from dripline.content.document import Scenario
from dripline.content.shape import Node
from dripline.importing.people import Person, Standing, telegram_id_of
from dripline.importing.source import Source, place, shown, written
from dripline.scenarios.models import ACTIVE, COMPLETED, NOT_STARTED, STOPPED
from dripline.scenarios.state import HOLD_PAUSED, HOLD_UNREACHABLE

STATUSES: Final = (NOT_STARTED, ACTIVE, COMPLETED, STOPPED)
_HOLDS: Final = (HOLD_PAUSED, HOLD_UNREACHABLE)
_REACHABILITY: Final = ("blocked", "needs_start", "deactivated", "kicked", "unverified")
SKIPPED: Final = "People left out"
SCENARIO_LEFT_OUT: Final = "Scenarios of people left out"
_USER: Final = {"user_name", "reg_time", "active_scenario_id", "scenarios", "reachability"}
_SCENARIO: Final = {
    "status", "current_message_index", "last_sent_at", "completed_at", "payment_date",
    "payment_link", "invite_link", "joined_group", "joined_at", "waiting_for", "hold", "started_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pending:
    """What `schedules/{user_id}.json` says: the message that comes next, and when."""

    scenario_id: str
    message_id: str | None
    send_at: datetime


def person_of(
    source: Source,
    key: str,
    node: Node,
    pending: Mapping[str, Pending],
    scenarios: Mapping[str, Scenario],
) -> Person | None:
    """Return the person of an entry of `users.json`; None, and a note, when it tells of none."""
    telegram_id = telegram_id_of(key)
    if telegram_id is None or not isinstance(node.value, dict):
        source.odd(SKIPPED, node, f"{shown(key)}: this is no Telegram id with {{…}}")
        return None
    for name in node.value.keys() - _USER:
        source.report.note("Fields we do not know, left out", f"{name} ({place(node.at(name))})")
    found = node.at("scenarios")
    if node.has("scenarios") and not isinstance(found.value, dict):
        source.odd(SKIPPED, found, "“scenarios” must be an object")
        return None
    standings = [
        standing
        for scenario_id, inner in (found.members() if node.has("scenarios") else ())
        if (standing := _standing(source, scenario_id, inner, pending, scenarios)) is not None
    ]
    reachability = source.text(node, "reachability")
    return Person(
        telegram_id,
        source.text(node, "user_name", 200),
        source.moment(node, "reg_time"),
        _one_active(source, node, standings),
        reachability=reachability if reachability in _REACHABILITY else None,
    )


def pending_of(source: Source, node: Node) -> dict[str, Pending]:
    """Return what a schedule file says, by scenario; what we cannot use is noted.

    Of somebody active in several lanes, the plans of the others stand under `also`.
    """
    nodes = [node, *(one for one in node.items("also") if one.expect(dict))]
    found = [one for each in nodes if (one := _pending(source, each)) is not None]
    return {one.scenario_id: one for one in found}


def _pending(source: Source, node: Node) -> Pending | None:
    scenario_id = source.text(node, "scenario_id", 64)
    send_at = source.moment(node, "send_at")
    if scenario_id is None or send_at is None:
        source.odd("Schedules left out", node, "a schedule names scenario_id and send_at")
        return None
    return Pending(scenario_id, source.text(node, "message_id", 120), send_at)


def _standing(
    source: Source,
    scenario_id: str,
    node: Node,
    pending: Mapping[str, Pending],
    scenarios: Mapping[str, Scenario],
) -> Standing | None:
    scenario = scenarios.get(scenario_id)
    status = node.value.get("status") if isinstance(node.value, dict) else None
    if scenario is None or status not in STATUSES:
        why = "there is no such scenario" if scenario is None else f"status is {shown(status)}"
        source.odd(SCENARIO_LEFT_OUT, node, f"{shown(scenario_id)}: {why}")
        return None
    for name in node.value.keys() - _SCENARIO:
        source.report.note("Fields we do not know, left out", f"{name} ({place(node.at(name))})")
    due = pending.get(scenario_id)
    hold = source.text(node, "hold")
    return Standing(
        scenario_id,
        str(status),
        _index(source, node, scenario, due),
        due=due.send_at if due and status == ACTIVE else None,
        awaits=source.text(node, "waiting_for", 120),
        hold=hold if hold in _HOLDS else None,
        started_at=source.moment(node, "started_at"),
        last_sent_at=source.moment(node, "last_sent_at"),
        completed_at=source.moment(node, "completed_at"),
        paid_at=source.moment(node, "payment_date"),
        payment_link=source.text(node, "payment_link"),
        invite_link=source.text(node, "invite_link"),
        joined_at=joined(source, node),
    )


def joined(source: Source, node: Node) -> datetime | None:
    """Return when the person joined the group; with no time, the payment's stands for it."""
    at = source.moment(node, "joined_at")
    if not source.flag(node, "joined_group", default=at is not None):
        return None
    if at is None:
        at = source.moment(node, "payment_date") or source.moment(node, "last_sent_at")
        source.odd("Joined the group at an unknown time", node, written(at) or "left out")
    return at


def _index(source: Source, node: Node, scenario: Scenario, pending: Pending | None) -> int:
    """Return the index of the next message: as told, or where the scheduled message stands."""
    value = node.value.get("current_message_index", 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        source.odd("Not an index, taken as 0", node, f"current_message_index is {shown(value)}")
        value = 0
    if value > len(scenario.messages):
        source.odd("Beyond the last message", node, f"current_message_index {value}")
        value = len(scenario.messages)
    planned = scenario.index_of(pending.message_id) if pending and pending.message_id else None
    if planned is not None and planned != value:
        source.odd("Schedule and index disagree; the schedule counts", node, f"{value}, {planned}")
        return planned
    return int(value)


def _one_active(source: Source, node: Node, standings: list[Standing]) -> tuple[Standing, ...]:
    """Return the standings; of several active ones only the one named stays active."""
    active = [one.scenario_id for one in standings if one.status == ACTIVE]
    named = source.text(node, "active_scenario_id", 64)
    if named is not None and named not in active:
        source.odd("Active scenario that is not active, left out", node, shown(named))
    if len(active) < 2 or named not in active:
        return tuple(standings)
    # Lanes are told apart where people are stored: whoever comes first is active there.
    return tuple(sorted(standings, key=lambda one: one.scenario_id != named))


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database has of a person: their standings with the id of the next message."""

    person: Person
    next_ids: Mapping[str, str | None]
    active_scenario_id: str | None


def entry_of(kept: Kept) -> dict[str, Any]:
    """Return a person's entry of `users.json`; fields of our own only where they say something."""
    person = kept.person
    entry: dict[str, Any] = {
        "user_name": person.user_name,
        "reg_time": written(person.reg_time),
        "active_scenario_id": kept.active_scenario_id,
        "scenarios": {one.scenario_id: _written(one) for one in person.standings},
    }
    return entry | ({"reachability": person.reachability} if person.reachability else {})


def schedule_of(kept: Kept) -> dict[str, Any] | None:
    """Return a person's `schedules/{user_id}.json`; None when nothing is planned."""
    planned = [one for one in kept.person.standings if one.due is not None]
    planned.sort(key=lambda one: one.scenario_id != kept.active_scenario_id)
    if not planned:
        return None
    first, *others = (
        {
            "scenario_id": one.scenario_id,
            "message_id": kept.next_ids.get(one.scenario_id),
            "send_at": written(one.due),
        }
        for one in planned
    )
    return {**first, **({"also": others} if others else {})}


def _written(standing: Standing) -> dict[str, Any]:
    ours = {
        "waiting_for": standing.awaits,
        "hold": standing.hold,
        "started_at": written(standing.started_at),
    }
    return {
        "status": standing.status,
        "current_message_index": standing.next_index,
        "last_sent_at": written(standing.last_sent_at),
        "completed_at": written(standing.completed_at),
        "payment_date": written(standing.paid_at),
        "payment_link": standing.payment_link,
        "invite_link": standing.invite_link,
        "joined_group": standing.joined_at is not None,
        "joined_at": written(standing.joined_at),
        **{name: value for name, value in ours.items() if value is not None},
    }


def with_due(person: Person, times: Mapping[tuple[int, str], datetime]) -> Person:
    """Return the person with new times for what was due already."""
    standings = tuple(
        replace(one, due=times.get((person.telegram_id, one.scenario_id), one.due))
        for one in person.standings
    )
    return replace(person, standings=standings)
