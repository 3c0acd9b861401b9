"""`/start`: enter the default scenario, or the one that a deep link names."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle.scene import Scene, happened, meet, say
from dripline.bot.updates import Started
from dripline.contacts import consent
from dripline.contacts import queries as contacts
from dripline.contacts.identify import Known
from dripline.content.store import Library
from dripline.engagement import arrive
from dripline.engagement import post_queries as posts
from dripline.scenarios import switch
from dripline.scenarios.switch import Outcome
from dripline.texts import gettext as _

# Typed codes of deep links: kept on the event, for the rooms that know what they mean.
_REFERRAL = "r_"


async def start(session: AsyncSession, scene: Scene, update: Started, now: datetime) -> None:
    """Follow a `/start`, bare or of a deep link."""
    known = await meet(session, scene, update.person, now)
    scenario_id = _scenario_of(scene.library, update.payload)
    code = None if scenario_id else await _code_of(session, scene, update.payload)
    data = {
        "bot": scene.bot,
        "payload": update.payload,
        "scenario_id": scenario_id,
        "code": code,
        "first": known.created,  # whoever was known before is nobody's referral
    }
    if not await happened(session, scene, known, "bot.started", data, now):
        return
    await _take_up_again(session, known, now)
    await _arrived(session, known, code, scenario_id, now)
    language = known.language
    if update.payload and scenario_id is None and code is None:
        text = _("This link leads nowhere any more, so here is our main course.", language)
        await say(session, scene, known, update.person, text, now)
        scenario_id = _default_of(scene.library)
    elif code is not None and scenario_id is None:
        scenario_id = _scenario_of(scene.library, code.get("scenario_id"))
    ids = (known.contact_id, known.address_id)
    if scenario_id is not None:
        outcome = await switch.request(session, scene.library, *ids, scenario_id, now)
    else:
        outcome = await switch.start(session, scene.library, *ids, now)
    if outcome is Outcome.NOTHING:
        text = _("There is nothing new for you here right now. We will write to you.", language)
        await say(session, scene, known, update.person, text, now)


async def _arrived(
    session: AsyncSession,
    known: Known,
    code: dict[str, Any] | None,
    scenario_id: str | None,
    now: datetime,
) -> None:
    """Note what brought them: a post, somebody's link, a link to a scenario.

    A bare start is nothing of the kind, and a scenario's link brings only whoever is new: those we
    know may have it from our own messages.
    """
    if code is None:
        if scenario_id is not None and known.created:
            await arrive.by(session, known.contact_id, arrive.BY_LINK, scenario_id, now)
    elif code["kind"] == "referral":
        await arrive.by(session, known.contact_id, arrive.BY_REFERRAL, code["value"], now)
    elif (post := await posts.post(session, code["post_id"])) is not None:
        await arrive.by_deep_link(session, known.contact_id, post, code["button"], now)


async def _take_up_again(session: AsyncSession, known: Known, now: datetime) -> None:
    """Whoever had sent `/stop` and starts again wants courses again."""
    if known.created:
        return
    wants = (await contacts.preferences_of(session, [known.contact_id])).get(known.contact_id)
    if wants is not None and not wants.sequences:
        again = {consent.SEQUENCES: True}
        said = consent.Evidence("bot", "/start")
        await consent.change(session, known.contact_id, again, said, now)


def _scenario_of(library: Library, payload: str | None) -> str | None:
    """Return the payload if it is exactly the id of a scenario that may be entered."""
    scenario = library.scenario(payload) if payload else None
    return scenario.id if scenario is not None and scenario.is_active else None


def _default_of(library: Library) -> str | None:
    """Return the id of the default scenario, if it may be entered."""
    default = library.scenario(library.default_scenario_id)
    return default.id if default is not None and default.is_active else None


async def _code_of(
    session: AsyncSession, scene: Scene, payload: str | None
) -> dict[str, Any] | None:
    """Return what a typed code says; None for no code, and for one of a post that nobody made."""
    if not payload:
        return None
    if payload.startswith(_REFERRAL):
        return {"kind": "referral", "value": payload[2:66]}
    found = scene.codes.read(payload) if scene.codes else None
    post = await posts.post(session, found.post) if found else None
    if found is None or post is None:
        return None
    return {
        "kind": "post",
        "value": payload[2:66],
        "post_id": post.id,
        "button": found.button,
        "scenario_id": post.scenario_id,
        "promo": post.promo,
        "chat": post.chat,
    }
