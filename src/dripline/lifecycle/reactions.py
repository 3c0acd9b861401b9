"""What lifecycle does when something happens: register, count, come back; and what a change brings.

bot.started, a button, any event  ─▶ a sign of life, a link followed, perhaps `registered`
registered                        ─▶ the state, and the referral that brought the contact
link.clicked                      ─▶ where from, for the evidence
lifecycle.changed                 ─▶ the state's program, its message and menu
referral.counted                  ─▶ a word to who invited
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import ContentStore
from dripline.content.telegram_html import escape
from dripline.deliveries import system
from dripline.deliveries.protocols import AddressRef
from dripline.events import Happened, NewEvent, append, subscribe
from dripline.events.subscriptions import ANY_OTHER
from dripline.lifecycle import evidence, invite, queries, words
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.document import rules_of
from dripline.lifecycle.duty import DECAYED
from dripline.lifecycle.move import (
    FEWER_REFERRALS,
    INACTIVE,
    REGISTERED,
    RETURNED,
    Cause,
    plan_look,
    settle,
)
from dripline.lifecycle.protocols import Programs
from dripline.lifecycle.queries import CHANGED
from dripline.lifecycle.rules import CHURNED, FIRST_START, Rules
from dripline.lifecycle.send import address_of, send
from dripline.lifecycle.verify import COUNTED

CONSUMER: Final = "lifecycle"
BACK: Final = "lifecycle.returned"
_STARTED, _PRESSED, _CLICKED, _REGISTERED = (
    "bot.started",
    "callback.pressed",
    "link.clicked",
    "registered",
)
_SIGNS_OF_LIFE: Final = frozenset(
    {_STARTED, _PRESSED, "message.received", _CLICKED, "payment.succeeded"}
)
_OWN: Final = ("lifecycle.", "referral.", "contact.")
_LONGEST_TRACE: Final = 128

subscribe(CONSUMER, {ANY_OTHER})


class LifecycleReactions:
    """Reacts to events on behalf of states and referrals."""

    def __init__(self, store: ContentStore, programs: Programs) -> None:
        self._store = store
        self._programs = programs

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        if event.contact_id is None:
            return
        rules = rules_of(await self._store.current(session))
        consequence = self._consequences().get(event.name)
        if consequence is not None:
            await consequence(session, rules, event.contact_id, event.data, now)
        elif event.name == _REGISTERED:
            await _registered(session, rules, event.contact_id, event.occurred_at, now)
        elif not event.name.startswith(_OWN):
            await self._sign(session, rules, event.contact_id, event, now)

    def _consequences(
        self,
    ) -> dict[
        str,
        Callable[[AsyncSession, Rules, uuid.UUID, dict[str, Any], datetime], Awaitable[None]],
    ]:
        return {CHANGED: self._changed, COUNTED: _counted, DECAYED: self._decayed}

    async def _sign(
        self,
        session: AsyncSession,
        rules: Rules,
        contact_id: uuid.UUID,
        event: Happened,
        now: datetime,
    ) -> None:
        """Somebody did something: a link followed, a click, a way to register."""
        data = event.data
        if event.name == _CLICKED:
            await _trace(session, contact_id, data, event.occurred_at)
        if event.name in _SIGNS_OF_LIFE:
            await self._back(session, rules, contact_id, event, now)
        if event.name == _STARTED:
            await _started(session, rules, contact_id, data, now)
        way = f"callback:{data.get('data')}" if event.name == _PRESSED else f"event:{event.name}"
        if event.name == _STARTED:
            way = FIRST_START
        if way in rules.registration:
            source_id = f"registered:{contact_id.hex}"
            registered = NewEvent(
                _REGISTERED, contact_id, CONSUMER, source_id, event.occurred_at, {"by": way}
            )
            await append(session, registered)

    async def _back(
        self,
        session: AsyncSession,
        rules: Rules,
        contact_id: uuid.UUID,
        event: Happened,
        now: datetime,
    ) -> None:
        """Activity brings back: to the leaderboard, and from CHURNED."""
        if event.name == _CLICKED:  # the bot notes its own
            await queries.set_seen(session, contact_id, event.occurred_at)
        present = await queries.present(session, contact_id)
        if present is None or not (
            present.decay_warned_at or present.decay_hidden_at or present.state == CHURNED
        ):
            return
        away = present.decay_hidden_at or present.decay_warned_at
        if away is not None and event.occurred_at < away:
            return  # it happened before, and is only heard of now
        await queries.save(session, contact_id, decay_warned_at=None, decay_hidden_at=None)
        source_id = f"{contact_id.hex}:{event.id.hex}"
        await append(session, NewEvent(BACK, contact_id, CONSUMER, source_id, now, {}))
        for program in _reactivating(rules):
            await self._programs.cancel(session, contact_id, program, now, reason="returned")
        await settle(session, rules, contact_id, Cause(RETURNED), now)

    async def _changed(
        self,
        session: AsyncSession,
        rules: Rules,
        contact_id: uuid.UUID,
        data: dict[str, Any],
        now: datetime,
    ) -> None:
        """A new state enters its program the first time, and shows its menu."""
        present = await queries.present(session, contact_id)
        if present is None or present.state != data.get("to"):
            return  # it has changed again since
        if present.state == CHURNED:
            await self._churned(session, rules, contact_id, now)
            return
        state = rules.state(present.state)
        if state is None or data.get("cause") == INACTIVE:
            return
        up = rules.place(state.id) > rules.place(str(data.get("from")))
        up = up and data.get("cause") not in {FEWER_REFERRALS, RETURNED}
        changes = await queries.changes_of(session, contact_id)
        first = sum(change.data.get("to") == state.id for change in changes) <= 1
        if up and first and state.enters is not None:
            program, force = state.enters.program, state.enters.force
            await self._enter(session, contact_id, program, now, state.id, force=force)
        await _show(session, rules, present, now, up=up and first)

    async def _churned(
        self, session: AsyncSession, rules: Rules, contact_id: uuid.UUID, now: datetime
    ) -> None:
        program = rules.churn.program if rules.churn else None
        if program is None and rules.decay is not None:
            program = rules.decay.program
        await self._enter(session, contact_id, program, now, CHURNED)

    async def _decayed(
        self,
        session: AsyncSession,
        rules: Rules,
        contact_id: uuid.UUID,
        data: dict[str, Any],
        now: datetime,
    ) -> None:
        program = rules.decay.program if rules.decay else None
        await self._enter(session, contact_id, program, now, "decay")

    async def _enter(
        self,
        session: AsyncSession,
        contact_id: uuid.UUID,
        program: str | None,
        now: datetime,
        why: str,
        *,
        force: bool = False,
    ) -> None:
        if program is not None:
            reason = f"state:{why}"
            await self._programs.enroll(
                session, contact_id, program, now, force=force, reason=reason
            )


def _reactivating(rules: Rules) -> set[str]:
    programs = {rules.decay.program if rules.decay else None}
    programs.add(rules.churn.program if rules.churn else None)
    return {program for program in programs if program}


async def _started(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    data: dict[str, Any],
    now: datetime,
) -> None:
    code = data.get("code") or {}
    if code.get("kind") == "referral":
        is_new = data.get("first") is True
        await invite.followed(
            session, rules, contact_id, str(code.get("value") or ""), now, is_new=is_new
        )
    if rules.churn is not None and data.get("first") is True:
        present = await queries.lock(session, contact_id)
        if present is not None:
            await plan_look(session, rules, present, now)


async def _registered(
    session: AsyncSession, rules: Rules, contact_id: uuid.UUID, at: datetime, now: datetime
) -> None:
    if not await queries.set_registered(session, contact_id, at):
        return
    await settle(session, rules, contact_id, Cause(REGISTERED), now)
    await invite.registered(session, rules, contact_id, at, now)


async def _counted(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    data: dict[str, Any],
    now: datetime,
) -> None:
    """Tell who invited, unless a new state tells them anyway."""
    present = await queries.present(session, contact_id)
    if present is None or data.get("moved") or not (rules.configured and rules.referrals.tell):
        return
    text = words.referral_counted(rules, present.state, present.referral_count, present.language)
    await _say(session, contact_id, text, now)


async def _show(
    session: AsyncSession, rules: Rules, present: queries.Present, now: datetime, *, up: bool
) -> None:
    """Send what a new state has to say: its own message, and the menu as it is from now on."""
    state, menu = rules.state(present.state), rules.menus.get(present.state)
    address = await address_of(session, present.contact_id)
    if state is None or address is None:
        return
    if up and state.message is not None:
        await send(session, address, state.message, now)
    if menu is not None:
        text = words.state_reached(state, present.language) if up and not state.message else ""
        await send(session, address, menu.id, now, text)


async def _say(session: AsyncSession, contact_id: uuid.UUID, text: str, now: datetime) -> None:
    address = await address_of(session, contact_id)
    if address is None:
        return
    ref = AddressRef(address.id, contact_id, address.channel, address.bot, address.value)
    await system.say(session, ref, escape(text), now)


async def _trace(
    session: AsyncSession, contact_id: uuid.UUID, data: dict[str, Any], at: datetime
) -> None:
    """Remember where a click came from; whatever sent it may have written anything there."""
    for kind, names in (
        (evidence.IP, ("ip", "ip_address")),
        (evidence.DEVICE, ("device", "device_fingerprint")),
    ):
        value = next((data[name] for name in names if isinstance(data.get(name), str)), "")
        if value.strip():
            plain = value.strip()[:_LONGEST_TRACE]
            await referrals.insert_trace(session, kind, plain, contact_id, at)
    agent = data.get("user_agent")
    if isinstance(agent, str) and agent:
        await referrals.note_agent(session, contact_id, agent[:1000])
