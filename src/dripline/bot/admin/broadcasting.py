"""Broadcasts from the chat: saved as content, aimed, tested on oneself, sent, followed."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from dripline.bot.admin.checking import told
from dripline.bot.admin.desk import Desk, Row, shown
from dripline.bot.admin.document import broadcast_ids, finished_broadcast, harmless
from dripline.bot.admin.draft import Draft, is_empty
from dripline.bot.admin.errands import BROADCAST_CARD, send_for
from dripline.broadcasts import switch
from dripline.broadcasts.models import CANCELLED, DONE, DRAFT, PAUSED, RUNNING, SCHEDULED, Broadcast
from dripline.broadcasts.plan import Plan, Progress
from dripline.contacts import queries as contacts
from dripline.content import edit
from dripline.content import queries as content
from dripline.content.check_documents import check_broadcast
from dripline.content.edit import State
from dripline.errors import DriplineError
from dripline.texts import gettext as _
from dripline.texts import marked, ngettext

VIA: Final = "wizard"
_KEY: Final = ("broadcasts", "broadcasts")
_AIMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "0": (marked("Everybody"), ()),
    "1": (marked("In no scenario"), ("no_active_scenario",)),
    "2": (marked("Has not paid"), ("has_not_paid",)),
    "3": (marked("Neither in a scenario nor paid"), ("no_active_scenario", "has_not_paid")),
}
_STATES: Final = {
    DRAFT: marked("not sent yet"), SCHEDULED: marked("scheduled"), RUNNING: marked("being sent"),
    PAUSED: marked("paused"), DONE: marked("done"), CANCELLED: marked("cancelled"),
}  # fmt: skip


async def save(desk: Desk, draft: Draft) -> bool:
    """Save a broadcast; return False, after saying why, when it cannot be."""
    await content.lock(desk.session)
    state = await edit.read_state(desk.session)
    spec = draft.body.get("summary")
    if spec is None or is_empty(spec):
        await desk.say(_("A message needs a text or a file.", desk.language))
        return False
    if draft.scenario_id in broadcast_ids(state):
        await desk.say(
            _("There is a broadcast “{id}” already. Choose another id.", desk.language,
              id=shown(draft.scenario_id))
        )  # fmt: skip
        return False
    entry = {
        "id": draft.scenario_id,
        "name": draft.name,
        "created_at": desk.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "targeting": {"conditions": []},
        **({} if desk.bot == "main" else {"bot": desk.bot}),
        **finished_broadcast(spec, draft.scenario_id),
    }
    errors = check_broadcast(state.documents, entry).errors
    if errors:
        text = _("This cannot be saved yet:", desk.language)
        await desk.say(f"{text}\n{told(errors, desk.language)}")
        return False
    document = state.documents.get(_KEY, {"extra": {}, "broadcasts": []})
    await _write(desk, state, {**document, "broadcasts": [*document["broadcasts"], entry]})
    name = shown(draft.name)
    await desk.say(_("💾 “{name}” is saved. Now: to whom?", desk.language, name=name))
    await _ask_card(desk, draft.scenario_id)
    return True


async def _write(desk: Desk, state: State, document: Mapping[str, Any]) -> None:
    wanted = {**state.documents, _KEY: document}
    await edit.apply(desk.session, state, wanted, desk.author, VIA, desk.now)


async def choose(desk: Desk, state: State, broadcast_id: str) -> None:
    """Show a broadcast's card; without an id, the list."""
    if broadcast_id in broadcast_ids(state):
        await _ask_card(desk, broadcast_id)
        return
    text = _("Which broadcast?", desk.language)
    if broadcast_id:
        text = _("There is no broadcast “{id}”.", desk.language, id=shown(broadcast_id))
    document = state.documents.get(_KEY, {})
    rows: list[Row] = [
        ((" ".join(str(one.get("name") or one["id"]).split())[:60], f"~b:{one['id']}"),)
        for one in (document.get("broadcasts") or ())[-20:]
    ]
    new = ((_("➕ New broadcast", desk.language), "~n:newb"),)
    await desk.say(text, *rows, new)


async def _ask_card(desk: Desk, broadcast_id: str) -> None:
    """Have the audience counted, outside of this transaction, and the card sent."""
    await send_for(desk, BROADCAST_CARD, {"key": broadcast_id})


async def act(desk: Desk, state: State, action: str, broadcast_id: str) -> None:
    """Follow a button of a broadcast's card."""
    if broadcast_id not in broadcast_ids(state):
        await choose(desk, state, broadcast_id)
    elif action in _AIMS:
        await _aim(desk, state, broadcast_id, _AIMS[action][1])
    elif action == "b":
        await _ask_card(desk, broadcast_id)
    else:
        try:
            broadcast = await switch.draft(
                desk.session, desk.library, broadcast_id, desk.author, desk.now
            )
            await _SWITCHES[action](desk, broadcast)
        except DriplineError:
            await desk.say(_("That is not possible just now.", desk.language))
            await _ask_card(desk, broadcast_id)


async def _aim(desk: Desk, state: State, broadcast_id: str, conditions: tuple[str, ...]) -> None:
    await content.lock(desk.session)
    state = await edit.read_state(desk.session)
    document = state.documents[_KEY]
    entries = [
        {**one, "targeting": {"conditions": list(conditions)}} if one["id"] == broadcast_id else one
        for one in document["broadcasts"]
    ]
    await _write(desk, state, {**document, "broadcasts": entries})
    await _ask_card(desk, broadcast_id)


async def _test(desk: Desk, broadcast: Broadcast) -> None:
    address = await contacts.address(desk.session, desk.address.id)
    if address is not None:
        await switch.test(desk.session, broadcast, address, desk.now)


async def _send(desk: Desk, broadcast: Broadcast) -> None:
    await switch.send(desk.session, broadcast, desk.now)
    name = shown(broadcast.name)
    follow = ((_("📊 How far is it?", desk.language), f"~b:{broadcast.key}"),)
    await desk.say(_("📣 “{name}” is on its way.", desk.language, name=name), follow)


async def _pause(desk: Desk, broadcast: Broadcast) -> None:
    await switch.pause(desk.session, broadcast, desk.now)
    await _ask_card(desk, broadcast.key)


async def _resume(desk: Desk, broadcast: Broadcast) -> None:
    await switch.resume(desk.session, broadcast, desk.now)
    await _ask_card(desk, broadcast.key)


async def _cancel(desk: Desk, broadcast: Broadcast) -> None:
    await switch.cancel(desk.session, broadcast, desk.now)
    await _ask_card(desk, broadcast.key)


async def card(desk: Desk, broadcast: Broadcast, plan: Plan, far: Progress) -> None:
    """Show a broadcast: whom it reaches, how long that takes, and how far it is."""
    language, key = desk.language, broadcast.key
    is_open = broadcast.status in (DRAFT, DONE, CANCELLED)
    if not broadcast.launches and plan.preview is not None:
        await desk.show(harmless(plan.preview))
    lines = [
        f"📣 <b>{shown(broadcast.name, 200)}</b> · {_(_STATES[broadcast.status], language)}",
        _("To: {aim}", language, aim=_aim_of(broadcast, language)),
    ]
    if broadcast.launches:
        lines.append(
            _("Sent: {sent}, failed: {failed}, left out: {skipped}, to go: {left}", language,
              sent=far.sent, failed=far.failed, skipped=far.skipped, left=far.left)
        )  # fmt: skip
        if far.eta is not None:
            eta = far.eta.strftime("%Y-%m-%d %H:%M")
            lines.append(_("Done at about {when} UTC", language, when=eta))
    if is_open:
        lines += _plan_lines(plan, language)
    await desk.say("\n".join(lines), *_rows(key, broadcast.status, plan.count, language))


def _plan_lines(plan: Plan, language: str | None) -> list[str]:
    people = ngettext(
        "👥 {n} person will get it.", "👥 {n} people will get it.", plan.count, language
    )
    lines = [people]
    names = [shown(one.first_name or one.username or "…", 30) for one, _a in plan.sample]
    if names:
        lines.append(_("For example: {names}", language, names=", ".join(names)))
    minutes = max(1, round(plan.duration.total_seconds() / 60))
    lines.append(
        ngettext("⏱ It takes about {n} minute.", "⏱ It takes about {n} minutes.", minutes, language)
    )
    if plan.stars:
        lines.append(
            _("As a paid broadcast it would cost {stars} Stars.", language, stars=plan.stars)
        )
    return lines


def _aim_of(broadcast: Broadcast, language: str | None) -> str:
    targeting = broadcast.definition.get("targeting") or []
    for title, conditions in _AIMS.values():
        if list(conditions) == targeting:
            return _(title, language)
    return _("by the conditions in the content files", language)


def _rows(key: str, status: str, count: int, language: str | None) -> list[Row]:
    if status in (RUNNING, PAUSED, SCHEDULED):
        stop = (_("✖ Stop for good", language), f"~z:{key}")
        pause = {
            RUNNING: ((_("⏸ Pause", language), f"~y:{key}"),),
            PAUSED: ((_("▶️ Resume", language), f"~q:{key}"),),
        }
        again = (_("📊 How far is it?", language), f"~b:{key}")
        return [(*pause.get(status, ()), stop), (again,)]
    aims: list[Row] = [((_(title, language), f"~{n}:{key}"),) for n, (title, _c) in _AIMS.items()]
    test = ((_("✉️ Send it to me first", language), f"~t:{key}"),)
    label = ngettext("📣 Send to {n} person", "📣 Send to {n} people", count, language)
    return [*aims, test, *([((label, f"~g:{key}"),)] if count else [])]


_SWITCHES: Final[dict[str, Callable[[Desk, Broadcast], Awaitable[None]]]] = {
    "t": _test,
    "g": _send,
    "y": _pause,
    "q": _resume,
    "z": _cancel,
}
ACTIONS: Final = frozenset({"b", *_AIMS, *_SWITCHES})
