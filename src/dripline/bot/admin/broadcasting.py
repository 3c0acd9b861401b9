"""Broadcasts from the chat: saved as content, aimed, tested on oneself, sent, followed."""

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from dripline.bot.admin.answers import name_anew
from dripline.bot.admin.broadcast_cards import AIMS, AUDIENCE
from dripline.bot.admin.checking import told
from dripline.bot.admin.desk import Desk, Row, shown
from dripline.bot.admin.document import broadcast_entry, broadcast_ids, finished_broadcast
from dripline.bot.admin.draft import Draft, is_empty
from dripline.bot.admin.errands import BROADCAST_CARD, send_for
from dripline.broadcasts import queries as broadcasts
from dripline.broadcasts import switch
from dripline.broadcasts.models import FROZEN, LIVE, PAUSED, RUNNING, SCHEDULED, Broadcast
from dripline.contacts import queries as contacts
from dripline.content import edit
from dripline.content import queries as content
from dripline.content.check_documents import check_broadcast
from dripline.content.edit import State
from dripline.errors import DriplineError
from dripline.texts import gettext as _

VIA: Final = "wizard"
_KEY: Final = ("broadcasts", "broadcasts")
# What a broadcast has beside its message: an edit of the message leaves it as it is.
_OWN: Final = ("id", "name", "created_at", "targeting", "audience", "bot")


async def save(desk: Desk, draft: Draft) -> bool:
    """Save a broadcast; return False, after saying why, when it cannot be."""
    await content.lock(desk.session)
    state = await edit.read_state(desk.session)
    spec = draft.body.get("summary")
    if spec is None or is_empty(spec):
        await desk.say(_("A message needs a text or a file.", desk.language))
        return False
    there = broadcast_entry(state.documents, draft.scenario_id)
    if draft.creating and there is not None and not draft.own_id:
        name_anew(state, draft)
        there = None
    if await _stands_in_the_way(desk, draft, there):
        return False
    entry = {**_own(desk, draft, there), **finished_broadcast(spec, draft.scenario_id)}
    errors = check_broadcast(state.documents, entry).errors
    if errors:
        text = _("This cannot be saved yet:", desk.language)
        await desk.say(f"{text}\n{told(errors, desk.language)}")
        return False
    await put(desk, state, entry)
    name = shown(draft.name)
    said = (
        _("💾 “{name}” is saved. Now: to whom?", desk.language, name=name)
        if draft.creating
        else _("💾 “{name}” is saved.", desk.language, name=name)
    )
    await desk.say(said)
    await ask_card(desk, draft.scenario_id, renew=True)
    return True


async def _stands_in_the_way(desk: Desk, draft: Draft, there: Mapping[str, Any] | None) -> bool:
    """Say what keeps a draft from being saved: another's broadcast, or another's change."""
    if draft.creating:
        if there is None:
            return False
        text = _("There is a broadcast “{id}” already. Choose another id.", desk.language,
                 id=shown(draft.scenario_id))  # fmt: skip
    elif there is None:
        draft.creating = True
        text = _("Somebody deleted this broadcast meanwhile. Save once more to keep yours.",
                 desk.language)  # fmt: skip
    elif (found := await broadcasts.by_key(desk.session, draft.scenario_id)) and (
        found.status in (RUNNING, PAUSED)
    ):
        text = _("It was started meanwhile, so its message cannot change any more.",
                 desk.language)  # fmt: skip
    elif draft.base is not None and _message_of(there) != _message_of(draft.base):
        draft.base = dict(there)
        text = _(
            "Somebody saved this broadcast while you were editing it. Save once more to put yours "
            "in its place; theirs stays in the history.",
            desk.language,
        )
    else:
        return False
    await desk.say(text)
    return True


def _message_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an edit here can change: all but whom it goes to, and when it was made."""
    return {key: value for key, value in entry.items() if key not in {"targeting", "created_at"}}


def _own(desk: Desk, draft: Draft, there: Mapping[str, Any] | None) -> dict[str, Any]:
    if there is not None:
        own = {key: there[key] for key in _OWN if key in there}
        return {**own, "name": draft.name}
    return {
        "id": draft.scenario_id,
        "name": draft.name,
        "created_at": desk.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "targeting": {"conditions": []},
        **({} if desk.bot == "main" else {"bot": desk.bot}),
    }


def spec_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a broadcast's message, to be edited."""
    return {key: value for key, value in deepcopy(dict(entry)).items() if key not in _OWN}


async def put(desk: Desk, state: State, entry: Mapping[str, Any], via: str = VIA) -> None:
    """Put a broadcast into the content, in its place or at the end."""
    document = state.documents.get(_KEY, {"extra": {}, "broadcasts": []})
    entries = list(document["broadcasts"])
    places = [at for at, one in enumerate(entries) if one.get("id") == entry["id"]]
    if places:
        entries[places[0]] = dict(entry)
    else:
        entries.append(dict(entry))
    await _write(desk, state, {**document, "broadcasts": entries}, via)


async def _write(desk: Desk, state: State, document: Mapping[str, Any], via: str = VIA) -> None:
    wanted = {**state.documents, _KEY: document}
    await edit.apply(desk.session, state, wanted, desk.author, via, desk.now)


async def choose(desk: Desk, state: State, broadcast_id: str) -> None:
    """Show a broadcast's card; without an id, the list."""
    if broadcast_id in broadcast_ids(state):
        await ask_card(desk, broadcast_id)
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


async def ask_card(desk: Desk, broadcast_id: str, *, renew: bool = False) -> None:
    """Have the audience counted, outside of this transaction, and the card sent.

    With `renew`, one that is scheduled takes what content says now.
    """
    await send_for(desk, BROADCAST_CARD, {"key": broadcast_id, "renew": renew})


async def act(desk: Desk, state: State, action: str, broadcast_id: str) -> None:
    """Follow a button of a broadcast's card."""
    if broadcast_id not in broadcast_ids(state):
        await choose(desk, state, broadcast_id)
    elif action in AIMS:
        await aim(desk, broadcast_id, list(AIMS[action][1]))
    elif action == AUDIENCE:
        await _change_audience(desk, broadcast_id)
    elif action == "b":
        await ask_card(desk, broadcast_id)
    else:
        try:
            broadcast = await switch.draft(
                desk.session, desk.library, broadcast_id, desk.author, desk.now
            )
            await _SWITCHES[action](desk, broadcast)
        except DriplineError:
            await desk.say(_("That is not possible just now.", desk.language))
            await ask_card(desk, broadcast_id)


async def _change_audience(desk: Desk, broadcast_id: str) -> None:
    """Let the audience be asked again before each message, or freeze it at the start."""
    await content.lock(desk.session)
    state = await edit.read_state(desk.session)
    entry = broadcast_entry(state.documents, broadcast_id)
    if entry is not None:
        audience = FROZEN if entry.get("audience") == LIVE else LIVE
        await put(desk, state, {**entry, "audience": audience})
        await ask_card(desk, broadcast_id, renew=True)


async def aim(desk: Desk, broadcast_id: str, conditions: list[Any]) -> None:
    """Let a broadcast go to those who match these conditions."""
    await content.lock(desk.session)
    state = await edit.read_state(desk.session)
    entry = broadcast_entry(state.documents, broadcast_id)
    if entry is not None:
        await put(desk, state, {**entry, "targeting": {"conditions": conditions}})
        await ask_card(desk, broadcast_id, renew=True)


async def is_on_its_way(desk: Desk, broadcast_id: str) -> bool:
    """Whether its message cannot change any more; says so."""
    found = await broadcasts.by_key(desk.session, broadcast_id)
    if found is None or found.status not in (RUNNING, PAUSED):
        return False
    await desk.say(
        _("“{name}” is on its way, so its message cannot change any more. Stop it for good first, "
          "or make a new one.", desk.language, name=shown(found.name))
    )  # fmt: skip
    return True


async def delete(desk: Desk, state: State, broadcast_id: str, *, sure: bool) -> None:
    """Take a broadcast out of the content; what was sent of it stays in the history."""
    entry = broadcast_entry(state.documents, broadcast_id)
    found = await broadcasts.by_key(desk.session, broadcast_id)
    if entry is None:
        await choose(desk, state, broadcast_id)
        return
    name = shown(str(entry.get("name") or broadcast_id))
    if found is not None and found.status in (RUNNING, PAUSED, SCHEDULED):
        await desk.say(
            _(
                "“{name}” is scheduled or being sent; stop it for good first.",
                desk.language,
                name=name,
            )
        )
    elif not sure:
        yes = (_("🗑 Yes, delete", desk.language), f"~D:{broadcast_id}")
        no = (_("No", desk.language), f"~b:{broadcast_id}")
        text = _("Delete “{name}”? It can be undone.", desk.language, name=name)
        await desk.say(text, (yes, no))
    else:
        await content.lock(desk.session)
        state = await edit.read_state(desk.session)
        document = state.documents[_KEY]
        left = [one for one in document["broadcasts"] if one.get("id") != broadcast_id]
        await _write(desk, state, {**document, "broadcasts": left})
        undo = (_("↩️ Undo", desk.language), f"~U:{broadcast_id}")
        await desk.say(_("🗑 “{name}” is deleted.", desk.language, name=name), (undo,))


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
    await ask_card(desk, broadcast.key)


async def _resume(desk: Desk, broadcast: Broadcast) -> None:
    await switch.resume(desk.session, broadcast, desk.now)
    await ask_card(desk, broadcast.key)


async def _cancel(desk: Desk, broadcast: Broadcast) -> None:
    await switch.cancel(desk.session, broadcast, desk.now)
    await ask_card(desk, broadcast.key)


_SWITCHES: Final[dict[str, Callable[[Desk, Broadcast], Awaitable[None]]]] = {
    "t": _test,
    "g": _send,
    "y": _pause,
    "q": _resume,
    "z": _cancel,
}
ACTIONS: Final = frozenset({"b", AUDIENCE, *AIMS, *_SWITCHES})
