"""Emails of the page: read, and left in one click as mail programs do it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from dripline.sandbox.control.answers import Refused, answering
from dripline.sandbox.page import views
from dripline.sandbox.sandbox import Sandbox
from dripline.sandbox.world.mail import Mail


async def read(sandbox: Sandbox, request: Request) -> Any:
    """Note that an email was opened."""
    mail = _named(sandbox, request)
    if not mail.read:
        mail.read = True
        sandbox.telegram.post.changed(mail)
    return views.mail(mail)


async def leave(sandbox: Sandbox, request: Request) -> Any:
    """Unsubscribe by an email's List-Unsubscribe (RFC 8058): a POST, without asking."""
    mail = _named(sandbox, request)
    if not mail.unsubscribe or sandbox.one_click is None:
        raise Refused(409, "this email has no one-click unsubscribe")
    status = await sandbox.one_click(mail.unsubscribe)
    if status != 200:
        raise Refused(502, f"unsubscribing was answered with {status}")
    mail.left = True
    sandbox.telegram.post.changed(mail)
    return views.mail(mail)


def _named(sandbox: Sandbox, request: Request) -> Mail:
    mail = sandbox.telegram.post.find(int(request.path_params["mail"]))
    if mail is None:
        raise Refused(404, "there is no such email")
    return mail


ROUTES = [
    Route("/mail/{mail:int}/read", answering(read), methods=["POST"]),
    Route("/mail/{mail:int}/leave", answering(leave), methods=["POST"]),
]
