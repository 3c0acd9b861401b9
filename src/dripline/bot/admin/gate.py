"""The way in: of an admin's updates, those that are meant for us.

Everybody else's commands are ordinary texts, and so are an admin's own words while nothing is under
way. `/start` never comes here: an admin is a contact like any other.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.admin.commands import COMMANDS
from dripline.bot.admin.desk import desk_of
from dripline.bot.admin.draft import Draft
from dripline.bot.admin.jobs import EXPIRED
from dripline.bot.admin.table import MARK, Table
from dripline.bot.handle.scene import Scene, happened, meet
from dripline.bot.handle.write import OF_CONTACTS
from dripline.bot.updates import Pressed, Update, Wrote
from dripline.content import edit
from dripline.operators import queries as operators
from dripline.texts import gettext as _


async def admit(
    session: AsyncSession, scene: Scene, update: Update, admins: frozenset[int], now: datetime
) -> bool:
    """Do what an admin asks for; return False for what is not for us."""
    if not isinstance(update, Pressed | Wrote) or update.person.id not in admins:
        return False
    kept = await operators.wizard(session, scene.bot, update.person.id)
    draft = Draft.of(kept.draft) if kept is not None else None
    if not _is_ours(update, draft):
        return False
    known = await meet(session, scene, update.person, now)
    data = {"bot": scene.bot, "what": _what(update)}
    if not await happened(session, scene, known, "admin.acted", data, now):
        return True
    desk = await desk_of(session, scene.bot, update.person.id, now)
    if desk is None:
        return False
    desk.name = update.person.first_name or desk.name
    desk.library = scene.library
    if kept is not None and kept.expires_at <= now:
        await operators.end_wizard(session, scene.bot, update.person.id)
        await desk.say(_(EXPIRED, desk.language))
        if _goes_to_wizard(update):
            return True
        draft = None
    await Table(desk, scene, await edit.read_state(session), draft).serve(update)
    return True


def _is_ours(update: Pressed | Wrote, draft: Draft | None) -> bool:
    if isinstance(update, Pressed):
        return update.data.startswith(MARK)
    if update.command is not None:
        # One that nobody knows is ours as well: a slip of the pen deserves an answer.
        known = update.command in COMMANDS or update.command not in OF_CONTACTS
        return known or draft is not None
    return draft is not None


def _goes_to_wizard(update: Pressed | Wrote) -> bool:
    if isinstance(update, Pressed):
        return update.data.startswith("~w:")
    return update.command is None or update.command not in COMMANDS


def _what(update: Pressed | Wrote) -> str:
    if isinstance(update, Pressed):
        return update.data
    return f"/{update.command}" if update.command in COMMANDS else update.kind
