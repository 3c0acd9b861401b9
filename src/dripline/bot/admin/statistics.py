"""`/stats`: how many people, where they are, and what was sent."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.admin import queries
from dripline.bot.admin.catalog import default_of, ids_of, name_of
from dripline.bot.admin.desk import shown
from dripline.contacts import queries as contacts
from dripline.content import edit
from dripline.texts import gettext as _

_MOST = 30


async def statistics(session: AsyncSession, language: str | None, now: datetime) -> str:
    """Return the numbers as a text (HTML); today begins at midnight UTC."""
    state = await edit.read_state(session)
    standings = await queries.standings(session)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = await queries.sent_since(session, midnight)
    week = await queries.sent_since(session, now - timedelta(days=7))
    lines = [
        _("👥 Contacts: {n}", language, n=await contacts.count(session)),
        "",
        _("✉️ Sent today (UTC): {sent}, failed: {failed}", language, **today._asdict()),
        _("✉️ Sent in 7 days: {sent}, failed: {failed}", language, **week._asdict()),
        "",
        _("<b>Scenarios</b>: in it now / completed", language),
    ]
    ids = ids_of(state)
    for one in ids[:_MOST]:
        found = standings.get(one, {})
        star = "⭐ " if one == default_of(state) else ""
        name = shown(name_of(state, one))
        lines.append(f"• {star}{name}: {found.get('active', 0)} / {found.get('completed', 0)}")
    if len(ids) > _MOST:
        lines.append(f"… +{len(ids) - _MOST}")
    if not ids:
        lines.append(_("There is no scenario yet.", language))
    return "\n".join(lines)
