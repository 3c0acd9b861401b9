"""What an admin changes with one press: the default, a pause, deleting, undoing."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from dripline.bot.admin import catalog, queries
from dripline.bot.admin.desk import Desk, shown
from dripline.bot.admin.saving import VIA
from dripline.bot.admin.uses import uses_of
from dripline.content import edit, switches
from dripline.content import queries as content
from dripline.content.edit import State
from dripline.texts import gettext as _
from dripline.texts import ngettext

UNDO: Final = "undo"
_MOST_USES: Final = 15


async def set_default(desk: Desk, state: State, scenario_id: str) -> None:
    """Make a scenario the one that a bare /start enters."""
    name = shown(catalog.name_of(state, scenario_id))
    if catalog.default_of(state) == scenario_id:
        await desk.say(_("“{name}” is the default already.", desk.language, name=name))
        return
    if not catalog.is_active(state.documents["scenario", scenario_id]):
        await desk.say(
            _("“{name}” is switched off, so it cannot be the default.", desk.language, name=name)
        )
        return
    await edit.set_default(desk.session, scenario_id, desk.author, VIA, desk.now)
    await desk.say(_("⭐ A bare /start now leads to “{name}”.", desk.language, name=name))


async def pause(desk: Desk, state: State, scenario_id: str) -> None:
    """Pause a scenario."""
    await switches.pause(desk.session, desk.library, scenario_id, desk.now)
    name = shown(catalog.name_of(state, scenario_id))
    text = _("⏸ “{name}” is paused. People in it wait, and lose nothing.", desk.language, name=name)
    await desk.say(text, ((_("▶️ Resume", desk.language), f"~r:{scenario_id}"),))


async def resume(desk: Desk, state: State, scenario_id: str) -> None:
    """Let a scenario go on."""
    name = shown(catalog.name_of(state, scenario_id))
    if scenario_id not in await content.paused(desk.session):
        await desk.say(_("“{name}” is not paused.", desk.language, name=name))
        return
    await switches.go_on(desk.session, desk.library, scenario_id, desk.now)
    await desk.say(
        _(
            "▶️ “{name}” goes on. Those who waited get their messages one after another.",
            desk.language,
            name=name,
        )
    )


async def ask_delete(desk: Desk, state: State, scenario_id: str) -> None:
    """Ask whether to delete a scenario, or say why it cannot be."""
    if await _refused(desk, state, scenario_id):
        return
    name = shown(catalog.name_of(state, scenario_id))
    text = _("Delete “{name}”? It can be undone.", desk.language, name=name)
    yes = (_("🗑 Yes, delete", desk.language), f"~X:{scenario_id}")
    await desk.say(text, (yes, (_("No", desk.language), f"~c:{scenario_id}")))


async def delete(desk: Desk, state: State, scenario_id: str) -> None:
    """Delete a scenario that nothing leads to and nobody is in."""
    await content.lock(desk.session)
    if await _refused(desk, state, scenario_id):
        return
    name = shown(catalog.name_of(state, scenario_id))
    head = state.heads["scenario", scenario_id].revision_id.hex
    await edit.delete(desk.session, scenario_id, desk.author, VIA, desk.now)
    undo = (_("↩️ Undo", desk.language), f"~u:{head}")
    await desk.say(_("🗑 “{name}” is deleted.", desk.language, name=name), (undo,))


async def _refused(desk: Desk, state: State, scenario_id: str) -> bool:
    name = shown(catalog.name_of(state, scenario_id))
    if catalog.default_of(state) == scenario_id:
        await desk.say(
            _(
                "“{name}” is the default scenario and cannot be deleted. Make another one the "
                "default first.",
                desk.language,
                name=name,
            )
        )
        return True
    active = (await queries.standing(desk.session, scenario_id)).get("active", 0)
    uses = uses_of(state, scenario_id, desk.language)
    if active:
        uses.insert(
            0,
            ngettext("{n} person who is in it", "{n} people who are in it", active, desk.language),
        )
    if uses:
        more = [f"… +{len(uses) - _MOST_USES}"] if len(uses) > _MOST_USES else []
        lines = [f"• {use}" for use in uses[:_MOST_USES]] + more
        text = _("“{name}” is in use, so it cannot be deleted:", desk.language, name=name)
        await desk.say("\n".join([text, *lines]))
    return bool(uses)


async def undo_latest(desk: Desk, state: State, scenario_id: str) -> None:
    """Go back by one change of a scenario, or bring a deleted one back."""
    head = state.heads.get(("scenario", scenario_id))
    if head is None:
        await desk.say(
            _("There is no scenario “{id}”; /scenarios lists them.", desk.language,
              id=shown(scenario_id))
        )  # fmt: skip
        return
    await undo(desk, state, head.revision_id.hex)


async def undo(desk: Desk, state: State, revision: str) -> None:
    """Undo the change that led to a revision, if it is still the present one."""
    await content.lock(desk.session)
    state = await edit.read_state(desk.session)
    wanted = edit.as_id(revision)
    scenario_id = _whose(state, wanted)
    if scenario_id is None:
        await desk.say(
            _("This has changed since, so that button does not fit any more.", desk.language)
        )
        return
    key = ("scenario", scenario_id)
    if state.heads[key].deleted:
        await _bring_back(desk, state, scenario_id, state.buried[key])
        text = _("↩️ “{name}” is back.", desk.language,
                 name=shown(str(state.buried[key]["config"].get("name"))))  # fmt: skip
    else:
        before = before_last(await queries.revisions_of(desk.session, scenario_id))
        if before is None:
            await desk.say(_("There is nothing before this.", desk.language))
            return
        await _bring_back(desk, state, scenario_id, before.body)
        text = _("↩️ Undone: it is again as {author} saved it on {when} UTC.", desk.language,
                 author=shown(before.author),
                 when=before.created_at.strftime("%Y-%m-%d %H:%M"))  # fmt: skip
    await desk.say(text)
    await catalog.card(desk, await edit.read_state(desk.session), scenario_id)


def _whose(state: State, revision: uuid.UUID) -> str | None:
    for (kind, key), head in state.heads.items():
        if kind == "scenario" and head.revision_id == revision:
            return key
    return None


async def _bring_back(desk: Desk, state: State, scenario_id: str, body: Mapping[str, Any]) -> None:
    registry = state.documents.get(("registry", "registry"), {})
    order = list(registry.get("order", ()))
    if scenario_id not in order:
        order.append(scenario_id)
    wanted = {
        **state.documents,
        ("scenario", scenario_id): body,
        ("registry", "registry"): {**registry, "order": order},
    }
    await edit.apply(desk.session, state, wanted, desk.author, UNDO, desk.now)


class _Change(Protocol):
    """One of several changes, oldest first; `via` says how it was made."""

    @property
    def via(self) -> str: ...


_C = TypeVar("_C", bound=_Change)


def before_last(history: Sequence[_C]) -> _C | None:
    """Return what the last change was made to: an undo takes the change before it away too.

    So undoing twice goes two changes back, and does not swing to and fro.
    """
    stack: list[_C] = []
    for revision in history:
        if revision.via == UNDO and len(stack) > 1:
            stack.pop()
        else:
            stack.append(revision)
    return stack[-2] if len(stack) > 1 else None
