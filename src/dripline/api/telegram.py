"""Updates that Telegram delivers: stored raw, then answered; a duty handles them."""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from dripline.api.ports import TelegramWebhook

PATH = "/telegram/webhook"


def router(webhook: TelegramWebhook) -> APIRouter:
    """Return the route that Telegram calls for each bot, by name."""
    routes = APIRouter(tags=["telegram"])

    @routes.post(PATH + "/{bot}", summary="An update of a bot, from Telegram")
    async def update(
        bot: str,
        request: Request,
        x_telegram_bot_api_secret_token: Annotated[str | None, Header()] = None,
    ) -> dict[str, bool]:
        await webhook.receive(bot, x_telegram_bot_api_secret_token, await request.body())
        return {"ok": True}

    return routes
