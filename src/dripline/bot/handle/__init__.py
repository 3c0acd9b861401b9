"""What an update leads to: one function a kind, over a session, without any network.

An update's event is appended first; when it is there already, the update was handled before.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle.membership import membership
from dripline.bot.handle.press import press, press_post
from dripline.bot.handle.scene import NO_MAIL, Mail, Scene
from dripline.bot.handle.start import start
from dripline.bot.handle.write import write
from dripline.bot.updates import Ignored, Membership, Pressed, PressedPost, Started, Update, Wrote

__all__ = ["NO_MAIL", "Mail", "Scene", "handle"]


async def handle(session: AsyncSession, scene: Scene, update: Update, now: datetime) -> bool:
    """Do what an update asks for; return False when it was ignored."""
    match update:
        case Started():
            await start(session, scene, update, now)
        case Pressed():
            await press(session, scene, update, now)
        case PressedPost():
            return await press_post(session, scene, update, now)
        case Wrote():
            await write(session, scene, update, now)
        case Membership():
            return await membership(session, scene, update, now)
        case Ignored():
            return False
    return True
