"""Everything the sandbox's web side works on."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.page.feed import Feed
from dripline.sandbox.ports import ClockControl, OneClick, WhyReader
from dripline.sandbox.world.telegram import Telegram


@dataclass
class Sandbox:
    """The sandbox's Telegram with its Bot API, clock, explanations and the page's live feed."""

    api: Api
    clock: ClockControl
    why: WhyReader | None
    feed: Feed
    one_click: OneClick | None = None

    @property
    def telegram(self) -> Telegram:
        """The sandbox's Telegram."""
        return self.api.telegram

    async def close(self) -> None:
        """End what never ends by itself: the page's live feeds, deliveries to webhooks, polls.

        Call it before the web server is told to stop: a server waits for open connections.
        """
        await self.feed.close()
        await self.api.webhooks.close()
        for bot in self.telegram.bots.values():
            if bot.poller and not bot.poller.done():
                bot.poller.set_result(None)


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox a request is for."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox
