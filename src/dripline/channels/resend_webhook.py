"""What Resend tells us by webhook: verified, stored raw and once, and only then answered.

The HTTP route is `api/email.py`; `resend_drain.py` handles what is stored.
"""

from collections.abc import Mapping

import structlog

from dripline.clock import Clock, RealClock
from dripline.database import Database
from dripline.errors import Forbidden
from dripline.events import inbox
from dripline.webhooks import signature

log = structlog.get_logger()
SOURCE = "resend"
NO_SECRET = "NO_WEBHOOK_SECRET"  # noqa: S105 - an error's code


class ResendWebhook:
    """Takes what is signed with `secret`; without one, nothing."""

    def __init__(self, database: Database, clock: Clock, secret: str | None) -> None:
        self._database = database
        self._clock = clock
        # The window against replays is the world's, however fast the domain's clock runs.
        self._real = RealClock()
        self._key = signature.key_of(secret) if secret else None

    async def receive(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Store one webhook; it is durable when this returns. Return whether it was new.

        Raises Forbidden for a wrong signature, or when no secret is set.
        """
        if self._key is None:
            raise Forbidden(
                "RESEND_WEBHOOK_SECRET is not set, so nobody can tell who sends this.",
                code=NO_SECRET,
            )
        webhook_id = signature.verify(self._key, headers, body, self._real.now())
        async with self._database.transaction() as session:
            stored = await inbox.store(session, SOURCE, [(webhook_id, body)], self._clock.now())
        if not stored:
            log.info("email.webhook_repeated", webhook_id=webhook_id)
        return bool(stored)
