"""A channel that sends nothing and keeps everything: for the simulator, and for tests."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dripline.channels.telegram_parts import requests_for as telegram_requests
from dripline.clock import Clock
from dripline.content.rendered import Rendered
from dripline.deliveries.protocols import AddressRef, Outgoing, Sent


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message that would have gone out: what, where to, and when by the domain's clock."""

    at: datetime
    address: AddressRef
    message: Rendered


class Recorder:
    """Records messages in `sent`, in order.

    `refuse`, when given, sees each message first and may raise the SendFailure of a real channel.
    """

    def __init__(
        self,
        clock: Clock,
        name: str = "telegram",
        refuse: Callable[[Outgoing], None] | None = None,
    ) -> None:
        self.name = name
        self.sent: list[Recorded] = []
        self._clock = clock
        self._refuse = refuse

    async def send(self, outgoing: Outgoing) -> Sent:
        """Record one message; its id is its number."""
        if self._refuse is not None:
            self._refuse(outgoing)
        self.sent.append(Recorded(self._clock.now(), outgoing.address, outgoing.message))
        return Sent((str(len(self.sent)),))

    def requests_for(self, message: Rendered) -> int:
        """Return how many requests a message would take."""
        return telegram_requests(message) if self.name == "telegram" else 1

    async def close(self) -> None:
        """Nothing is open."""
