"""An old bot's users as people: pure but for the notes on what does not fit."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from dripline.content.shape import Node
from dripline.importing.legacy_flow import SCENARIO, START
from dripline.importing.people import Person, Standing, telegram_id_of
from dripline.importing.source import Source, place, shown
from dripline.importing.users_json import SKIPPED, joined
from dripline.scenarios.models import ACTIVE, COMPLETED, STOPPED

_FIELDS: Final = {
    "user_name", "reg_time", "is_messaging", "messages_list", "payment_date", "payment_link",
    "invite_link", "joined_group", "joined_at", "payment_info",
}  # fmt: skip


def person_of(
    source: Source,
    key: str,
    node: Node,
    due: datetime | None,
    order: Sequence[str],
    attributes: Collection[str],
) -> Person | None:
    """Return the person of an entry of the old `users.json`; None, and a note, where it is broken.

    `order` are the scenario's messages, `attributes` the names that templates ask for.
    """
    telegram_id = telegram_id_of(key)
    if telegram_id is None or not isinstance(node.value, dict):
        source.odd(SKIPPED, node, f"{shown(key)}: this is no Telegram id with {{…}}")
        return None
    left = _left(source, node)
    if left is None:
        return None
    for name in node.value.keys() - _FIELDS - set(attributes):
        source.report.note("Fields we do not know, left out", f"{name} ({place(node.at(name))})")
    standing = _standing(source, node, left, due, order)
    return Person(
        telegram_id,
        source.text(node, "user_name", 200),
        source.moment(node, "reg_time"),
        (standing,),
        registered=standing.acted or standing.status == COMPLETED,
        attributes=_attributes(node, attributes),
    )


def _left(source: Source, node: Node) -> list[str] | None:
    """Return the messages still to come, the next one first; the file has them in reverse."""
    value = node.value.get("messages_list")
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        source.odd(SKIPPED, node.at("messages_list"), "“messages_list” must be a list of texts")
        return None
    return value[::-1]


def _standing(
    source: Source, node: Node, left: list[str], due: datetime | None, order: Sequence[str]
) -> Standing:
    known = [one for one in left if one in order]
    for one in left:
        if one not in order:
            source.odd("Messages to come that the flow does not have", node, shown(one))
    status, index, acted = where(
        known, order, is_messaging=source.flag(node, "is_messaging", default=due is not None)
    )
    had = tuple(one for one in order[index:] if one not in known) if known else ()
    active = status == ACTIVE
    if due is not None and not (active and acted):
        source.odd("Schedules of people who get no messages, left out", node, str(due))
    if due is None and active and acted:
        source.odd("Active without a schedule: the delay counts from now", node, known[0])
    payment = node.value.get("payment_info")
    return Standing(
        SCENARIO,
        status,
        index,
        had=had,
        due=due if active and acted else None,
        acted=acted,
        paid_at=source.moment(node, "payment_date"),
        payment_link=source.text(node, "payment_link"),
        invite_link=source.text(node, "invite_link"),
        joined_at=joined(source, node),
        payment=payment if isinstance(payment, Mapping) else None,
    )


def where(
    left: Sequence[str], order: Sequence[str], *, is_messaging: bool
) -> tuple[str, int, bool]:
    """Return status, the next message's index, and whether the start was accepted.

    left         is_messaging   is
    empty        any            completed
    something    true           active, at the next message
    everything   false          asked to accept, where there is a start to accept; else stopped
    a part       false          stopped, at the next message
    """
    if not left:
        return COMPLETED, len(order), True
    index = order.index(left[0])
    if is_messaging:
        return ACTIVE, index, True
    begun = index > (1 if START in order else 0)
    if START in order and not begun:
        return ACTIVE, order.index(START) + 1, False
    return STOPPED, index, True


def _attributes(node: Node, names: Collection[str]) -> dict[str, Any]:
    values = {name: node.value.get(name) for name in names}
    return {
        name: str(value)
        for name, value in values.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    }
