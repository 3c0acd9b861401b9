"""A private message that is no `/start`: it is kept, and says that the contact can be reached."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle import mail, settings
from dripline.bot.handle.menu import COMMANDS as OF_MENUS
from dripline.bot.handle.menu import command
from dripline.bot.handle.press import follow
from dripline.bot.handle.scene import Scene, happened, meet, say
from dripline.bot.handle.talk import talk_of
from dripline.bot.updates import Wrote
from dripline.contacts.identify import Known
from dripline.lifecycle import menus
from dripline.lifecycle.document import rules_of
from dripline.texts import gettext as _

OF_CONTACTS: Final = settings.COMMANDS | OF_MENUS | {"start", "help", "email"}


async def write(session: AsyncSession, scene: Scene, update: Wrote, now: datetime) -> None:
    """Append what was written; answer `/help`, the commands of menus and of wishes."""
    known = await meet(session, scene, update.person, now)
    data = {
        "bot": scene.bot,
        "kind": update.kind,
        "text": update.text,
        "message_id": update.message_id,
    }
    if not await happened(session, scene, known, "message.received", data, now):
        return
    if update.command == "help":
        text = _(
            "I send you the messages of our courses, one after another.\n\n"
            "/start – begin, or see your last message again\n"
            "/menu – what you can do here\n"
            "/progress – how far you are\n"
            "/settings – what you get, when and where\n"
            "/stop – get nothing more",
            known.language,
        )
        await say(session, scene, known, update.person, text, now)
    elif not (
        await _of_their_own(session, scene, known, update, now)
        or await _of_the_menu(session, scene, known, update, now)
    ):
        await command(session, scene, known, update.person, update.command, now)


async def _of_the_menu(
    session: AsyncSession, scene: Scene, known: Known, update: Wrote, now: datetime
) -> bool:
    """Follow a button of a reply keyboard, which sends its text; False for any other text."""
    rules = rules_of(scene.library)
    if update.command is not None or not update.text:
        return False
    button = await menus.typed(session, rules, known.contact_id, update.text)
    if button is None:
        return False
    if button.kind == "callback":
        await follow(session, scene, known, update.person, button.value, now)
    else:  # such a keyboard carries no links
        await say(session, scene, known, update.person, button.value, now)
    return True


async def _of_their_own(
    session: AsyncSession, scene: Scene, known: Known, update: Wrote, now: datetime
) -> bool:
    """Follow what concerns the contact's wishes and address; return False for anything else."""
    talk = talk_of(session, scene, known, update.person, now)
    if update.command in settings.COMMANDS:
        await settings.command(talk, update.command)
    elif update.command == "email":
        await mail.command(talk, update.text)
    elif update.command is not None or not update.text:
        return False
    else:
        asked = await talk.asked()
        if asked == mail.EMAIL:
            await mail.written(talk, update.text)
        elif asked is not None:
            await settings.written(talk, asked, update.text)
        return asked is not None
    return True
