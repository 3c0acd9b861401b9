"""The contact blocked the bot, or let it in again."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle.scene import Scene
from dripline.bot.updates import Membership
from dripline.contacts import queries, reachability
from dripline.contacts.identify import TELEGRAM
from dripline.contacts.models import REACHABLE

_BLOCKED = "blocked"


async def membership(
    session: AsyncSession, scene: Scene, update: Membership, now: datetime
) -> bool:
    """Change the reachability of an address we know; return False for a stranger's."""
    address = await queries.address_of_value(session, TELEGRAM, scene.bot, str(update.user_id))
    if address is None:
        return False
    if update.reachable:
        await reachability.change(session, address.id, REACHABLE, "unblocked_the_bot", now)
    else:
        await reachability.change(session, address.id, _BLOCKED, "blocked_the_bot", now)
    return True
