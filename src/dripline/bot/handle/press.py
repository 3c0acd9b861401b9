"""A pressed button: an event that waits may hear, or the way into another scenario."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle import settings
from dripline.bot.handle.menu import is_menu, pressed
from dripline.bot.handle.scene import Scene, happened, meet, say
from dripline.bot.handle.talk import talk_of
from dripline.bot.updates import Pressed, PressedPost
from dripline.contacts import identify
from dripline.contacts.identify import Known, TelegramPerson
from dripline.contacts.models import NEEDS_START
from dripline.content.compile import GO, OPEN
from dripline.engagement import arrive
from dripline.engagement import post_queries as posts
from dripline.errors import NotFound
from dripline.scenarios import switch
from dripline.scenarios.switch import Outcome
from dripline.texts import gettext as _


async def press(session: AsyncSession, scene: Scene, update: Pressed, now: datetime) -> None:
    """Tell by an event what was pressed; start the scenario of a `go:` button."""
    known = await meet(session, scene, update.person, now)
    data = {"bot": scene.bot, "data": update.data}
    if not await happened(session, scene, known, "callback.pressed", data, now):
        return
    await follow(session, scene, known, update.person, update.data, now)


async def follow(
    session: AsyncSession,
    scene: Scene,
    known: Known,
    person: TelegramPerson,
    data: str,
    now: datetime,
) -> None:
    """Do what a button leads to, apart from the waits that hear of it by its event."""
    if is_menu(data):
        await pressed(session, scene, known, person, data, now)
        return
    if data.startswith(settings.SETTINGS):
        await settings.pressed(talk_of(session, scene, known, person, now), data)
        return
    if not data.startswith(GO):
        return
    scenario_id = data.removeprefix(GO)
    ids = (known.contact_id, known.address_id)
    try:
        if data == OPEN:
            outcome = await switch.start(session, scene.library, *ids, now)
        else:
            outcome = await switch.request(session, scene.library, *ids, scenario_id, now)
    except NotFound:
        outcome = Outcome.NOTHING
    if outcome is Outcome.NOTHING:
        text = _("This part is not available any more.", known.language)
        await say(session, scene, known, person, text, now)


async def press_post(
    session: AsyncSession, scene: Scene, update: PressedPost, now: datetime
) -> bool:
    """Note who pressed a post's button; return False for a code that is none of ours.

    Whoever did so has not written to the bot: until they start it, it cannot write to them.
    """
    found = scene.codes.read(update.data) if scene.codes else None
    post = await posts.post(session, found.post) if found else None
    if found is None or post is None:
        return False
    known = await identify.by_telegram(
        session, scene.bot, update.person, now, reachability=NEEDS_START
    )
    data = {
        "bot": scene.bot,
        "data": update.data,
        "post_id": post.id,
        "button": found.button,
        "promo": post.promo,
        "chat": post.chat,
    }
    if not await happened(session, scene, known, "callback.pressed", data, now):
        return True
    await arrive.by_button(session, known.contact_id, post, found.button, now)
    return True
