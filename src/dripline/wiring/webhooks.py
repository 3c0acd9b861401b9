"""Outbound webhooks, joined from the settings."""

from collections.abc import Callable
from datetime import datetime, timedelta

from dripline.clients.outside import Outside
from dripline.clock import RealTime
from dripline.database import Database
from dripline.settings import Settings
from dripline.webhooks import queries
from dripline.webhooks.catch_up import CatchUp
from dripline.webhooks.endpoints import WAKE, WAKE_NAMES
from dripline.webhooks.follow import FollowNames
from dripline.webhooks.send import SendWebhooks
from dripline.worker import Duty

_KEEP = timedelta(days=30)
_LOOK_EVERY_S = 5.0


def sender_of(settings: Settings, database: Database) -> SendWebhooks:
    """Return what sends webhooks."""
    post = Outside(private=settings.webhook_private_networks)
    return SendWebhooks(database, lambda: settings.signing_key, post)


def names_duty(database: Database) -> Duty:
    """Return the duty by which a process knows which events somebody wants to hear of."""
    return Duty("webhook_names", FollowNames(database).run_once, _LOOK_EVERY_S, WAKE_NAMES)


def duties(
    settings: Settings, database: Database, real_time: RealTime, now: Callable[[], datetime]
) -> list[Duty]:
    """Return the duties of a worker."""
    sender, catch_up = sender_of(settings, database), CatchUp(database, real_time)
    return [
        Duty("webhooks", lambda: sender.run_once(now()), 1.0, WAKE),
        Duty("webhooks_catch_up", lambda: catch_up.run_once(now()), 5.0),
    ]


async def prune(database: Database, now: datetime) -> None:
    """Forget what was sent long ago."""
    async with database.transaction() as session:
        await queries.prune(session, now - _KEEP)
