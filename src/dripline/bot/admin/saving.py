"""Save a draft as a revision, by the rules of `content check`; nobody's work is undone."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from dripline.bot.admin import catalog
from dripline.bot.admin.answers import name_anew
from dripline.bot.admin.checking import told
from dripline.bot.admin.desk import Desk, shown
from dripline.bot.admin.document import checked, compiled
from dripline.bot.admin.draft import Draft
from dripline.bot.admin.merging import Path, changed_places, merge
from dripline.content import edit, queries
from dripline.content.edit import State
from dripline.content.telegram_html import escape
from dripline.scenarios.touches import touched
from dripline.texts import gettext as _
from dripline.texts import marked, ngettext

VIA: Final = "wizard"
_RISK: Final = "unguarded-variable"  # whoever enters by a link would not get the message
_PLACES: Final = {
    "config": marked("General"), "summary": marked("Summary"), "order": marked("the order"),
}  # fmt: skip


async def save(desk: Desk, draft: Draft) -> bool:
    """Save; return False, after saying why, when there is something to look at first."""
    await queries.lock(desk.session)
    state = await edit.read_state(desk.session)
    if not draft.order:
        await desk.say(_("A scenario needs at least one message.", desk.language))
        return False
    if draft.creating and ("scenario", draft.scenario_id) in state.heads:
        name_anew(state, draft)
    if draft.creating and ("scenario", draft.scenario_id) in state.heads:
        await desk.say(
            _(
                "Meanwhile somebody made a scenario “{id}”. Choose another id under “General”.",
                desk.language,
                id=shown(draft.scenario_id),
            )
        )
        return False
    if not draft.creating and await _moved_on(desk, state, draft):
        return False
    found = checked(state.documents, draft.scenario_id, draft.body)
    if found.errors or found.body is None:
        text = _("This cannot be saved yet:", desk.language)
        await desk.say(f"{text}\n{told(found.errors, desk.language)}")
        return False
    await _apply(desk, state, draft, found.body)
    await _tell_saved(desk, draft)
    return True


async def _apply(desk: Desk, state: State, draft: Draft, body: Mapping[str, Any]) -> None:
    key = ("scenario", draft.scenario_id)
    registry = state.documents.get(("registry", "registry"), {})
    order = list(registry.get("order", ()))
    if draft.scenario_id not in order:
        order.append(draft.scenario_id)
    default = registry.get("default_scenario_id") or draft.scenario_id
    changed = {**registry, "order": order, "default_scenario_id": default}
    if draft.creating:
        created = {"created_at": desk.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        body = {
            **body,
            "config": {**body["config"], **created},
            "entry": {**body["entry"], **created, "is_active": True},
        }
    wanted = {**state.documents, key: body, ("registry", "registry"): changed}
    await edit.apply(desk.session, state, wanted, desk.author, VIA, desk.now)


async def _tell_saved(desk: Desk, draft: Draft) -> None:
    link = f"<code>/start {escape(draft.scenario_id)}</code>"
    text = _(
        "💾 “{name}” is saved. Contacts enter it by {link}.",
        desk.language,
        name=shown(draft.name),
        link=link,
    )
    await desk.say(text)
    await catalog.card(desk, await edit.read_state(desk.session), draft.scenario_id)


async def _moved_on(desk: Desk, state: State, draft: Draft) -> bool:
    """Join what somebody else saved meanwhile, and show it; False when nobody did."""
    key = ("scenario", draft.scenario_id)
    head = state.heads.get(key)
    revision = head.revision_id.hex if head is not None else ""
    if key not in state.documents:
        if draft.base_revision == "deleted":
            return False  # told before, and wanted all the same
        draft.base_revision = "deleted"
        await desk.say(
            _(
                "Somebody deleted this scenario meanwhile. Save again to bring it back, or cancel.",
                desk.language,
            )
        )
        return True
    if revision == draft.base_revision:
        return False
    theirs, base = dict(state.documents[key]), draft.base or {}
    merged, clashes = merge(base, draft.body, theirs)
    changes = changed_places(base, theirs)
    draft.body, draft.base, draft.base_revision = merged, theirs, revision
    draft.theirs = {"body": theirs, "places": [list(path) for path in clashes]} if clashes else None
    await _tell_moved(desk, draft, theirs, changes, clashes)
    return True


async def _tell_moved(
    desk: Desk, draft: Draft, theirs: dict[str, Any], changes: list[Path], clashes: list[Path]
) -> None:
    author = await catalog.author_of(desk.session, draft.scenario_id)
    lines = [
        _("{author} saved this scenario while you were editing it. Changed there:", desk.language,
          author=shown(author)),
        *(f"• {_place(path, theirs, desk.language)}" for path in dict.fromkeys(changes)),
    ]  # fmt: skip
    if clashes:
        lines += ["", _("You both changed this; there it says now:", desk.language)]
        lines += [_clash(path, theirs, desk.language) for path in clashes[:10]]
        lines.append(
            _("Yours is kept unless you take the other version; theirs stays in the history.",
              desk.language)
        )  # fmt: skip
    else:
        lines += ["", _("Both are joined below. Have a look, then save again.", desk.language)]
    await desk.say("\n".join(lines))


def _place(path: Path, body: Mapping[str, Any], language: str | None) -> str:
    if path[0] == "messages" and len(path) > 1:
        order = list(body.get("order", ()))
        if path[1] not in order:
            return _("a message was removed", language)
        return _("Message {n}", language, n=order.index(path[1]) + 1)
    return _(_PLACES.get(path[0], path[0]), language)


def _clash(path: Path, theirs: Mapping[str, Any], language: str | None) -> str:
    value: Any = theirs
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    said = shown(value, 300) if isinstance(value, str) else "…" if value else "—"
    return f"• {_place(path, theirs, language)}: {said}"


def take_theirs(draft: Draft) -> None:
    """Take the other version wherever both had changed something."""
    if draft.theirs is None:
        return
    for path in draft.theirs["places"]:
        mine, theirs = draft.body, draft.theirs["body"]
        for key in path[:-1]:
            mine, theirs = mine.setdefault(key, {}), theirs.get(key) or {}
        if path[-1] in theirs:
            mine[path[-1]] = theirs[path[-1]]
        else:
            mine.pop(path[-1], None)
    messages = draft.body["messages"]
    draft.body["order"] = [key for key in draft.body["order"] if key in messages]
    draft.theirs = None


async def outlook(desk: Desk, state: State, draft: Draft) -> str:
    """Return whom saving touches, and what keeps it from being saved."""
    found = checked(state.documents, draft.scenario_id or "new", draft.body)
    lines: list[str] = []
    if not draft.creating and found.body is not None and not found.errors:
        lines += await _touched(desk, state, draft, found.body)
    if found.errors and draft.order:
        lines += [
            _("⚠️ Before it can be saved:", desk.language),
            told(found.errors, desk.language),
        ]
    risks = [one for one in found.problems if one.code == _RISK]
    if risks:
        lines += [_("💡 It can be saved so, but:", desk.language), told(risks, desk.language)]
    return "\n\n" + "\n".join(lines) if lines else ""


async def _touched(desk: Desk, state: State, draft: Draft, body: Mapping[str, Any]) -> list[str]:
    before = state.documents.get(("scenario", draft.scenario_id))
    old = (before or {}).get("messages", {})
    new = frozenset(key for key in body["order"] if key not in old)
    reached = await touched(desk.session, compiled(state, body, before), new)
    if not reached.people:
        return []
    text = ngettext(
        "👥 {n} person is in this scenario.",
        "👥 {n} people are in this scenario.",
        reached.people,
        desk.language,
    )
    most = max(reached.ahead.values(), default=0)
    if new:
        text += " " + ngettext(
            "{n} of them will get the new message.",
            "{n} of them will get the new message.",
            most,
            desk.language,
        )
    return [text]


def as_uuid(text: str) -> uuid.UUID:
    """Return an id out of what a draft keeps."""
    return uuid.UUID(text)
