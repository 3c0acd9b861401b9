"""Menus, drawn as lifecycle says them: `/menu`, `/progress`, `/top`, and their buttons."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle.scene import Scene, say
from dripline.contacts.identify import Known, TelegramPerson
from dripline.content.compile import PROGRESS
from dripline.lifecycle import menus
from dripline.lifecycle.document import MENU, rules_of
from dripline.scenarios.progress import Progress, progress
from dripline.texts import gettext as _

_COMMANDS = {"progress": PROGRESS, "top": f"{MENU}leaderboard"}

COMMANDS = frozenset({"menu", *_COMMANDS})


def is_menu(data: str) -> bool:
    """Whether a button is one of a menu, or asks for progress."""
    return data == PROGRESS or data.startswith(MENU)


async def command(
    session: AsyncSession,
    scene: Scene,
    known: Known,
    person: TelegramPerson,
    name: str | None,
    now: datetime,
) -> None:
    """Answer the commands of this file; any other means nothing here."""
    if name == "menu":
        rules = rules_of(scene.library)
        refused = await menus.show(session, rules, known.contact_id, known.address_id, now)
        if refused is not None:
            await say(session, scene, known, person, refused, now)
    elif name in _COMMANDS:
        await pressed(session, scene, known, person, _COMMANDS[name], now)


async def pressed(
    session: AsyncSession,
    scene: Scene,
    known: Known,
    person: TelegramPerson,
    data: str,
    now: datetime,
) -> None:
    """Do what a menu's button asks for."""
    rules = rules_of(scene.library)
    if data in {PROGRESS, menus.PROGRESS}:
        text: str | None = await _standing(session, scene, known)
    else:
        text = await menus.pressed(session, rules, known.contact_id, known.address_id, data, now)
    if text is not None:
        await say(session, scene, known, person, text, now)


async def _standing(session: AsyncSession, scene: Scene, known: Known) -> str:
    """Return in words how far somebody is: in scenarios, and in bringing others."""
    rules = rules_of(scene.library)
    lines = [
        _line(each, known.language)
        for each in await progress(session, scene.library, known.contact_id)
    ]
    brought = await menus.progress(session, rules, known.contact_id)
    if brought is not None:
        lines.append(brought)
    if not lines:
        return _("You have not begun anything yet. Send /start to begin.", known.language)
    return "\n".join(lines)


def _line(standing: Progress, language: str | None) -> str:
    values = {"name": standing.name, "had": standing.had, "of": standing.of}
    if standing.completed:
        return _("✅ {name}: completed", language, **values)
    if standing.waiting:
        return _("⏳ {name}: {had} of {of} messages, now it is your turn", language, **values)
    return _("▶️ {name}: {had} of {of} messages", language, **values)
