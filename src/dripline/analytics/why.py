"""Why: everything that happened to a contact and will, in order, each with its reason in words."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics.buttons import Buttons
from dripline.analytics.happenings import event_words
from dripline.analytics.sentences import (
    channel_words,
    decision_title,
    failure_title,
    hold_title,
    reason_words,
    sent_title,
    until_words,
)
from dripline.clock import RealTime, from_us
from dripline.contacts import queries as contacts
from dripline.contacts.models import Contact
from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.database import database_us
from dripline.deliveries import queries as deliveries
from dripline.deliveries import system, verification
from dripline.deliveries.models import MAX_ATTEMPTS, Decision, Delivery, QueueRow
from dripline.deliveries.status import BOUNCED
from dripline.errors import USER_NOT_FOUND, Conflict, NotFound
from dripline.events import queries as events
from dripline.events.models import Event
from dripline.scenarios import queries as enrollments
from dripline.scenarios.models import ACTIVE, Enrollment
from dripline.scenarios.state import HOLD_PAUSED, HOLD_UNREACHABLE
from dripline.texts import gettext as _

_MOST = 200
_TOLD_BY_DECISIONS = ("scenario.",)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, or will, and why. `due` is set for what is still to come.

    Kinds: sent, failed, waiting, skipped, parked, stopped, completed, entered, resumed, event.
    """

    at: datetime
    kind: str
    title: str
    detail: str = ""
    scenario: str = ""
    message_id: str = ""
    due: datetime | None = None


async def find_contact(session: AsyncSession, words: str) -> Contact:
    """Return the contact meant by a Telegram id, an email, a username, a name or our own id.

    Raises NotFound (USER_NOT_FOUND), or Conflict when several are meant.
    """
    try:
        by_id = await contacts.contact(session, uuid.UUID(words))
    except ValueError:
        by_id = None
    if by_id is not None:
        return by_id
    found = await contacts.contacts_named(session, words, 6)
    if not found:
        raise NotFound(f"No contact matches “{words}”.", code=USER_NOT_FOUND)
    if len(found) > 1:
        names = ", ".join(contact.username or contact.first_name or "?" for contact in found)
        raise Conflict(f"“{words}” matches several contacts: {names}. Give the Telegram id.")
    return found[0]


async def timeline(
    session: AsyncSession,
    contact_id: uuid.UUID,
    *,
    library: Library,
    language: str | None = None,
    message_id: str | None = None,
    now: datetime | None = None,
    real_us: int | None = None,
) -> list[Line]:
    """Return a contact's story, oldest first, what is still to come last.

    `library` says scenarios' names and what comes next. With `message_id`, only what concerns that
    message. What is due by `now` may be held up by its channel, which rests in real time:
    `real_us`, the database's if not given.
    """
    buttons = Buttons(library, language)
    decided = await deliveries.decisions_of(session, contact_id, _MOST)
    person = await contacts.contact(session, contact_id)
    timezone = person.timezone if person else None
    told = [(row.id, _decided(row, timezone, language, buttons)) for row in decided]
    in_order = sorted(decided, key=lambda row: (row.decided_at, row.id))
    parked = {row.origin_id: row.reason for row in in_order if row.kind == "park"}
    sent = await deliveries.deliveries_of(session, contact_id, _MOST)
    told += [(row.id, _sent(row, language)) for row in sent]
    told += [(row.id, line) for row in sent for line in _news(row, language)]
    told += [
        (row.id, _happened(row, language, buttons, library))
        for row in await events.events_of(session, contact_id, _MOST)
        if not row.name.startswith(_TOLD_BY_DECISIONS)
    ]
    # Of one moment, what happened comes before what was made of it, and that in its real order.
    told.sort(key=lambda one: (one[1].at, one[1].kind != "event", one[0]))
    lines = [line for _id, line in told]
    real_us = real_us or await database_us(session, RealTime().now_us)
    held = dict(await deliveries.held_keys(session, real_us))
    for enrollment in await enrollments.enrollments_of(session, contact_id):
        if enrollment.status == ACTIVE:
            on_its_way = await deliveries.in_flight_of(session, enrollment.id)
            again = None if on_its_way else await _again(session, enrollment)
            scenario = library.scenario(enrollment.scenario_id)
            following = _following(enrollment, scenario)
            why = held.get(enrollment.pace_key) if _is_due(enrollment, now) else None
            line = _present(enrollment, following, why, language, buttons, on_its_way=on_its_way)
            if again is not None:
                line = _tried(line, again, language)
            elif enrollment.hold == HOLD_UNREACHABLE and not on_its_way:
                reason = parked.get(enrollment.id, "")
                line = replace(line, detail=reason_words(reason, language))
            elif enrollment.hold == HOLD_PAUSED and not (scenario and scenario.is_active):
                line = replace(line, title=hold_title("off" if scenario else "gone", language))
            if line.due is None and lines:  # what lasts stands after what led to it
                line = replace(line, at=max(line.at, lines[-1].at))
            lines.append(line)
    if message_id is not None:
        lines = [line for line in lines if line.message_id == message_id]
    return [_named(line, library) for line in lines]


def _decided(row: Decision, timezone: str | None, language: str | None, buttons: Buttons) -> Line:
    detail = reason_words(row.reason, language, buttons.action)
    if row.reason in _HOURS and row.until is not None:
        detail = until_words(row.reason, row.until, timezone, language)
    # The wait is over; that the message after it has a time of its own is told by what comes next.
    kind = "resumed" if row.reason == "wait_timed_out" else row.kind
    return Line(
        row.decided_at,
        _KINDS.get(kind, kind),
        decision_title(kind, language),
        detail,
        row.scenario_id or "",
        row.message_id or "",
    )


_OWN = {system.ORIGIN, verification.ORIGIN}
_HOURS = {"quiet_hours", "weekday", "preferred_time", "best_hour", "capped"}
_KINDS = {"enrolled": "entered", "park": "parked", "wait": "waiting", "skip": "skipped"}


def _happened(row: Event, language: str | None, buttons: Buttons, library: Library) -> Line:
    title, detail = event_words(row, language, buttons, library)
    return Line(row.occurred_at, "event", title, detail)


def _news(row: Delivery, language: str | None) -> list[Line]:
    """Return what was told of a message after it was sent; clicks are events of their own."""
    told = (
        (row.delivered_at, _("Delivered by {channel}", language, channel=row.channel.capitalize())),
        (row.opened_at, _("Opened the message", language)),
    )
    named = (row.scenario_id or "", _message_id(row))
    return [Line(at, "event", title, "", *named) for at, title in told if at is not None]


def _message_id(row: Delivery) -> str:
    """Return the message's name; nothing for what the bot says by itself."""
    return "" if row.origin in _OWN else row.message_id


def _sent(row: Delivery, language: str | None) -> Line:
    at = row.sent_at or row.failed_at or row.scheduled_at
    if row.status == "failed":
        title, detail = failure_title(row.channel, language), row.failure_reason or ""
    else:
        title = sent_title(row.channel, language)
        detail = reason_words(str((row.decision or {}).get("reason", "")), language)
        detail += _channel(row, language)
        detail += _variant(row.decision or {}, language)
        if row.status == BOUNCED:
            detail += _("; it came back: {reason}", language, reason=row.failure_reason or "?")
    kind = "failed" if row.status == "failed" else "sent"
    return Line(at, kind, title, detail, row.scenario_id or "", _message_id(row))


def _channel(row: Delivery, language: str | None) -> str:
    """Return why it took this channel, to be put after the reason; empty with one channel."""
    decision = row.decision or {}
    words = channel_words(
        row.channel, str(decision.get("channel", "")), decision.get("tried", ()), language
    )
    return f"; {words}" if words else ""


def _variant(decision: Mapping[str, object], language: str | None) -> str:
    """Return which way of an experiment it was, to be put after the reason."""
    if "variant" not in decision:
        return ""
    names = {"variant": decision["variant"], "experiment": decision.get("experiment", "")}
    return _("; variant “{variant}” of the experiment “{experiment}”", language, **names)


def _following(row: Enrollment, scenario: Scenario | None) -> str:
    """Return the id of the message that comes next, empty where none does."""
    if scenario is None:
        return ""
    index = scenario.next_after(row.last_message_id)
    return scenario.messages[index].id if index < len(scenario.messages) else ""


def _is_due(row: Enrollment, now: datetime | None) -> bool:
    return now is None or (row.queue_due_us is not None and from_us(row.queue_due_us) <= now)


def _present(
    row: Enrollment,
    following: str,
    held: str | None,
    language: str | None,
    buttons: Buttons,
    *,
    on_its_way: bool,
) -> Line:
    """Return where an active enrollment stands now; `held` says why its channel rests, if so."""
    planned = from_us(row.queue_due_us) if row.queue_due_us is not None else None
    due = planned
    if on_its_way:
        title, detail = _("On its way now", language), ""
    elif row.hold is not None:
        title = hold_title(row.hold, language)
        detail = buttons.action(row.waiting_for) if row.waiting_for else ""
    elif held:  # its own time does not say any more when it goes out
        title, detail, due = _("Due, but the channel is held", language), held, None
    else:
        title, detail = _("Waits for its time", language), ""
    kind = "parked" if row.hold in {"unreachable", "paused"} else "waiting"
    at = planned or row.last_sent_at or row.started_at
    return Line(at, kind, title, detail, row.scenario_id, following, due)


async def _again(session: AsyncSession, row: Enrollment) -> QueueRow | None:
    """Return where its message waits after an attempt that failed for now."""
    if row.hold is not None or row.queue_due_us is None or row.queue_priority is None:
        return None
    return await deliveries.tried_again(
        session, row.id, row.pace_key, row.queue_priority, row.queue_due_us
    )


def _tried(line: Line, row: QueueRow, language: str | None) -> Line:
    due = from_us(row.due_at)
    detail = _(
        "attempts so far: {number} of {most}", language, number=row.attempt, most=MAX_ATTEMPTS
    )
    title = _("Failed for now; waits for another try", language)
    return replace(line, at=due, due=due, title=title, detail=detail if row.attempt else "")


def _named(line: Line, library: Library) -> Line:
    scenario = library.scenario(line.scenario)
    if scenario is None:
        return line
    return replace(line, scenario=scenario.name)
