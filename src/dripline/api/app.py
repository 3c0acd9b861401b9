"""The web application, put together from its routers."""

from collections.abc import Mapping

from fastapi import FastAPI

from dripline import __version__
from dripline.api import errors, health, telegram
from dripline.api.edge import Edge
from dripline.api.ports import Check, TelegramWebhook

MAX_BODY = 1024 * 1024  # Telegram's updates and our own requests are a few kilobytes


def create_app(
    checks: Mapping[str, Check],
    telegram_webhook: TelegramWebhook | None = None,
    *,
    max_body: int = MAX_BODY,
) -> FastAPI:
    """Return the application; `max_body` is in bytes.

    No page of documentation is served: its files would come from elsewhere. The description is at
    `/openapi.json`.
    """
    app = FastAPI(
        title="dripline",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    errors.install(app)
    app.add_middleware(Edge, max_body=max_body)
    app.include_router(health.router(checks))
    if telegram_webhook is not None:
        app.include_router(telegram.router(telegram_webhook))
    return app
