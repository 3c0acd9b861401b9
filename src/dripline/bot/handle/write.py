"""A private message that is no `/start`: it is kept, and says that the contact can be reached."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle.menu import command
from dripline.bot.handle.scene import Scene, happened, meet, say
from dripline.bot.updates import Wrote
from dripline.texts import gettext as _


async def write(session: AsyncSession, scene: Scene, update: Wrote, now: datetime) -> None:
    """Append what was written; answer `/help` and the commands of menus."""
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
            "/progress – how far you are",
            known.language,
        )
        await say(session, scene, known, update.person, text, now)
    else:
        await command(session, scene, known, update.person, update.command, now)
