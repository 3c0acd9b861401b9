"""Menus are data: what a contact's state offers, and what a pressed button means.

This room knows what is allowed and what is sent; the bot draws it, and starts scenarios.
"""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.content.rendered import Button
from dripline.errors import PermanentFailure
from dripline.lifecycle import leaderboard, links, queries, words
from dripline.lifecycle.document import MENU
from dripline.lifecycle.rules import LEADERBOARD, Rules
from dripline.lifecycle.send import send
from dripline.texts import gettext as _

PROGRESS: Final = f"{MENU}progress"


async def show(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    address_id: uuid.UUID,
    now: datetime,
) -> str | None:
    """Queue the menu of a contact's state to where they asked; or return why there is none."""
    present = await queries.present(session, contact_id)
    address = await contacts.address(session, address_id)
    menu = rules.menus.get(present.state) if present is not None else None
    if menu is None or address is None:
        return _("There is no menu for you yet.", present.language if present else None)
    await send(session, address, menu.id, now)
    return None


async def pressed(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    address_id: uuid.UUID,
    data: str,
    now: datetime,
) -> str | None:
    """Do what a menu's button asks for; return what to say, or None when something was queued.

    What a button once offered may be out of reach by now: it is looked up again.
    """
    present = await queries.present(session, contact_id)
    address = await contacts.address(session, address_id)
    if present is None or address is None:
        return None
    kind, _colon, what = data.removeprefix(MENU).partition(":")
    if kind == LEADERBOARD and not what:
        return await leaderboard.shown(session, rules, present)
    if kind == "gift" and f"gift:{what}" not in rules.unlocked(present.state):
        return words.unlocked_by(rules, f"gift:{what}", present.language)
    if kind in {"gift", "text"} and what in rules.messages and not what.startswith(":"):
        await send(session, address, what, now)
        return None
    return _("This part is not available any more.", present.language)


async def typed(
    session: AsyncSession, rules: Rules, contact_id: uuid.UUID, text: str
) -> Button | None:
    """Return the button of a contact's menu that says this, where menus are reply keyboards."""
    if not rules.reply_menus:
        return None
    present = await queries.present(session, contact_id)
    menu = rules.menus.get(present.state) if present is not None else None
    if present is None or menu is None:
        return None
    user = {"referral_link": await links.link_of(session, contact_id)}
    try:
        shown = menu.render({"user": user, "context": {}}, present.language or "")
    except PermanentFailure:
        return None
    wanted = text.strip()
    return next((one for row in shown.keyboard for one in row if one.text == wanted), None)


async def progress(session: AsyncSession, rules: Rules, contact_id: uuid.UUID) -> str | None:
    """Return how many somebody has brought, in words; None where that matters to nobody."""
    present = await queries.present(session, contact_id)
    if present is None or not (rules.configured or present.referral_count):
        return None
    return words.progress(rules, present.state, present.referral_count, present.language)
