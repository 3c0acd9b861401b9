"""Updates that Telegram delivers by itself: verified, stored, and only then answered.

The HTTP route is `api/telegram.py`; the secret is derived from the installation's signing key, so
there is nothing to configure and nothing to keep.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

import structlog

from dripline import metrics
from dripline.bot.updates import ALLOWED_UPDATES, id_of, source_of
from dripline.clients.telegram import TelegramClient, loads
from dripline.clock import Clock
from dripline.database import Database
from dripline.errors import Forbidden, Invalid, NotFound, SendFailure
from dripline.events import inbox

log = structlog.get_logger()
LONGEST_BODY = 1024 * 1024  # bytes; an update is a few kilobytes
PATH = "/telegram/webhook"


def secret_of(signing_key: bytes, bot: str) -> str:
    """Return a bot's secret token: 64 of the characters that Telegram allows."""
    return hmac.new(signing_key, f"telegram-webhook:{bot}".encode(), hashlib.sha256).hexdigest()


class Webhook:
    """Takes the updates of bots by name."""

    def __init__(
        self, database: Database, clock: Clock, signing_key: bytes, bots: Iterable[str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._secrets = {bot: secret_of(signing_key, bot) for bot in bots}

    async def receive(self, bot: str, secret: str | None, body: bytes) -> None:
        """Store one update; it is durable when this returns, and a repeat changes nothing.

        Raises NotFound for an unknown bot, Forbidden for a wrong secret token, Invalid for a body
        that is no update or too long.
        """
        self._verify(bot, secret)
        if len(body) > LONGEST_BODY:
            raise Invalid("the update is too long", code="TOO_LARGE")
        number = id_of(loads(body))
        if number is None:
            raise Invalid("this is no update of Telegram's", code="INVALID_UPDATE")
        async with self._database.transaction() as session:
            item = (str(number), body)
            new = await inbox.store(session, source_of(bot), [item], self._clock.now())
        metrics.UPDATES.labels(bot, "duplicate").inc(1 - new)

    def _verify(self, bot: str, secret: str | None) -> None:
        expected = self._secrets.get(bot)
        if expected is None:
            raise NotFound("there is no such bot")
        if not hmac.compare_digest(expected.encode(), (secret or "").encode()):
            raise Forbidden("the secret token is wrong", code="WRONG_SECRET")


class Registration:
    """Duty: have Telegram deliver to us, once a start; a bot it does not hear is tried again.

    An outage at the start must not leave a bot deaf for good.
    """

    def __init__(
        self, clients: Mapping[str, TelegramClient], public_url: str, signing_key: bytes
    ) -> None:
        self._open = dict(clients)
        self._public_url = public_url
        self._signing_key = signing_key

    async def run_once(self) -> int:
        """Register the bots that are not yet; return 0, so that the next attempt is not at once."""
        for bot, client in tuple(self._open.items()):
            try:
                await register(client, bot, self._public_url, self._signing_key)
            except SendFailure as failure:
                log.error("bot.webhook_refused", bot=bot, reason=failure.reason)
            else:
                del self._open[bot]
        return 0


async def register(client: TelegramClient, bot: str, public_url: str, signing_key: bytes) -> None:
    """Have Telegram deliver a bot's updates to us; done at each start, since it changes nothing.

    Raises a SendFailure when Telegram does not accept it.
    """
    await client.call(
        "setWebhook",
        {
            "url": f"{public_url.rstrip('/')}{PATH}/{bot}",
            "secret_token": secret_of(signing_key, bot),
            "allowed_updates": ALLOWED_UPDATES,
        },
    )
    log.info("bot.webhook_set", bot=bot)
