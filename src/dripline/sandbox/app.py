"""Builds the sandbox's web application: the Bot API, the control API and the page."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.endpoint import BotApi
from dripline.sandbox.botapi.faults import Faults
from dripline.sandbox.botapi.limits import Limits, Seconds
from dripline.sandbox.botapi.webhooks import Webhooks
from dripline.sandbox.control import chats, clock, contacts, faults, mail
from dripline.sandbox.page import routes as page
from dripline.sandbox.page.feed import Feed
from dripline.sandbox.page.headers import SafeHeaders
from dripline.sandbox.ports import ClockControl, OneClick, WhyReader
from dripline.sandbox.sandbox import Sandbox
from dripline.sandbox.world.telegram import Telegram

CONTROL = [*clock.ROUTES, *chats.ROUTES, *contacts.ROUTES, *faults.ROUTES, *mail.ROUTES]


class SandboxApp(Starlette):
    """The application. Calls of bots go past the router: they come by the thousand."""

    bot_api: BotApi

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].startswith(("/bot", "/file/bot")):
            await self.bot_api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    telegram: Telegram,
    clock: ClockControl,
    why: WhyReader | None,
    *,
    limits: bool = True,
    webhook_pause: float = 1.0,
    one_click: OneClick | None = None,
) -> SandboxApp:
    """The whole sandbox as one ASGI application.

    `/bot<token>/<method>` and `/file/bot<token>/<path>` are the Bot API, `/sandbox/` is the page,
    `/sandbox/api/` the control API. Without an engine there is no `why`. `limits` switches
    Telegram's rate limits, which run on this clock; `webhook_pause` is the wait in seconds after a
    webhook's first refusal; `one_click` unsubscribes as mail programs do.
    `app.state.sandbox` holds everything; await its `close()` before the server is told to stop.
    """
    pace = Limits(enabled=limits, monotonic=Seconds(clock.now))
    api = Api(telegram, pace, Faults(), Webhooks(pause=webhook_pause))
    app = SandboxApp(
        routes=[
            Route("/", _to_page),
            Mount("/sandbox/api", routes=CONTROL),
            Mount("/sandbox", routes=page.ROUTES),
        ],
        middleware=[Middleware(SafeHeaders)],
    )
    app.bot_api = BotApi(api)
    app.state.sandbox = Sandbox(api, clock, why, Feed(telegram, clock), one_click)
    return app


async def _to_page(_request: object) -> RedirectResponse:
    return RedirectResponse("/sandbox/")
