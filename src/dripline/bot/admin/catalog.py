"""The list of scenarios, and the card of one: how it stands, and what can be done with it."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.admin import cards, queries
from dripline.bot.admin.desk import Desk, Row, shown
from dripline.content import queries as content
from dripline.content.edit import State
from dripline.content.telegram_html import escape
from dripline.texts import gettext as _
from dripline.texts import ngettext

_PAGE: Final = 10


async def scenarios(desk: Desk, state: State, page: int = 0) -> None:
    """Show the list, ten at a time."""
    ids = ids_of(state)
    language = desk.language
    new = ((_("➕ New scenario", language), "~n:"),)
    if not ids:
        await desk.say(_("There is no scenario yet.", language), new)
        return
    pages = (len(ids) + _PAGE - 1) // _PAGE
    page = min(max(page, 0), pages - 1)
    paused = await content.paused(desk.session)
    rows: list[Row] = [
        ((_line(state, one, one in paused), f"~c:{one}"),)
        for one in ids[page * _PAGE : (page + 1) * _PAGE]
    ]
    turn = []
    if page:
        turn.append(("←", f"~l:{page - 1}"))
    if page + 1 < pages:
        turn.append(("→", f"~l:{page + 1}"))
    text = ngettext("{n} scenario:", "{n} scenarios:", len(ids), language)
    await desk.say(text, *rows, tuple(turn), new)


def ids_of(state: State) -> list[str]:
    """Return the ids of all scenarios, in their order."""
    order = state.documents.get(("registry", "registry"), {}).get("order", ())
    present = [key for kind, key in state.documents if kind == "scenario"]
    return [*(one for one in order if one in present), *(o for o in present if o not in order)]


async def is_there(desk: Desk, state: State, scenario_id: str) -> bool:
    """Whether there is a scenario of this id; says so when there is none."""
    if ("scenario", scenario_id) in state.documents:
        return True
    await desk.say(
        _("There is no scenario “{id}”; /scenarios lists them.", desk.language,
          id=shown(scenario_id))
    )  # fmt: skip
    return False


def name_of(state: State, scenario_id: str) -> str:
    """Return what a scenario is called."""
    body = state.documents.get(("scenario", scenario_id), {})
    return str(body.get("config", {}).get("name") or scenario_id)


def default_of(state: State) -> str | None:
    """Return the id of the default scenario."""
    found = state.documents.get(("registry", "registry"), {}).get("default_scenario_id")
    return str(found) if found else None


def is_active(body: Mapping[str, Any]) -> bool:
    """Whether a scenario is switched on."""
    entry, config = body.get("entry", {}), body.get("config", {})
    return bool(entry.get("is_active", config.get("is_active", True)))


def _line(state: State, scenario_id: str, paused: bool) -> str:  # noqa: FBT001
    body = state.documents["scenario", scenario_id]
    marks = "⭐ " if scenario_id == default_of(state) else ""
    marks += "" if is_active(body) else "🚫 "
    marks += "⏸ " if paused else ""
    return marks + " ".join(name_of(state, scenario_id).split())[:60]


async def card(desk: Desk, state: State, scenario_id: str) -> None:
    """Show a scenario's card."""
    body = state.documents[("scenario", scenario_id)]
    language = desk.language
    paused = scenario_id in await content.paused(desk.session)
    counts = await queries.standing(desk.session, scenario_id)
    lines = [
        f"<b>{shown(name_of(state, scenario_id), 200)}</b> · <code>{escape(scenario_id)}</code>",
        *_standing(state, body, scenario_id, paused, language),
        _("👥 In it now: {active} · completed: {completed} · stopped: {stopped}", language,
          active=counts.get("active", 0), completed=counts.get("completed", 0),
          stopped=counts.get("stopped", 0)),
        "",
        *cards.flow(dict(body), language),
    ]  # fmt: skip
    history = await queries.revisions_of(desk.session, scenario_id)
    if history:
        last = history[-1]
        lines += ["", _("Revision {n}, by {author}, {when} UTC", language, n=last.number,
                        author=shown(last.author),
                        when=last.created_at.strftime("%Y-%m-%d %H:%M"))]  # fmt: skip
    head = state.heads["scenario", scenario_id].revision_id.hex
    undo = head if len(history) > 1 else None
    is_default = default_of(state) == scenario_id
    rows = _rows(scenario_id, undo, language, paused=paused, is_default=is_default)
    await desk.say("\n".join(lines), *rows)


def _standing(
    state: State,
    body: Mapping[str, Any],
    scenario_id: str,
    paused: bool,  # noqa: FBT001
    language: str | None,
) -> list[str]:
    found = []
    if default_of(state) == scenario_id:
        found.append(_("⭐ The default: a bare /start leads here", language))
    if not is_active(body):
        found.append(_("🚫 Switched off: nobody can enter it", language))
    if paused:
        found.append(_("⏸ Paused: people in it wait, and lose nothing", language))
    return found


def _rows(
    scenario_id: str, undo: str | None, language: str | None, *, paused: bool, is_default: bool
) -> list[Row]:
    pause = (
        (_("▶️ Resume", language), f"~r:{scenario_id}")
        if paused
        else (_("⏸ Pause", language), f"~p:{scenario_id}")
    )
    default = [] if is_default else [(_("⭐ Make default", language), f"~f:{scenario_id}")]
    delete = [] if is_default else [(_("🗑 Delete", language), f"~x:{scenario_id}")]
    back = [(_("↩️ Undo the last change", language), f"~u:{undo}")] if undo else []
    return [
        (
            (_("✏️ Edit", language), f"~e:{scenario_id}"),
            (_("👁 Demo", language), f"~m:{scenario_id}"),
        ),
        (*default, pause),
        (*delete, *back),
        ((_("← All scenarios", language), "~l:0"),),
    ]


async def author_of(session: AsyncSession, scenario_id: str) -> str:
    """Return who saved a scenario last."""
    history = await queries.revisions_of(session, scenario_id)
    return history[-1].author if history else ""
