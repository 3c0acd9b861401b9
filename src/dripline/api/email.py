"""What the email provider tells us: verified, stored raw, then answered; a duty handles it."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from dripline.api.ports import EmailWebhook
from dripline.errors import Forbidden

PATH = "/admin/api/email/webhook"


def router(webhook: EmailWebhook) -> APIRouter:
    """Return the route that Resend calls; its signature stands for a key."""
    routes = APIRouter(tags=["email"])

    @routes.post(PATH, summary="What became of emails, from Resend")
    async def told(request: Request) -> dict[str, bool]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            new = await webhook.receive(headers, await request.body())
        except Forbidden as refused:
            raise HTTPException(401, refused.message) from None
        return {"received": True, "new": new}

    return routes
