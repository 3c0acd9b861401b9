"""Outbound webhooks: who outside hears of which events; what went there, and again."""

import uuid
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from dripline.api.auth import Role
from dripline.api.guarded import GuardedRoute, Here, Now, Session, needs, tells_a_secret
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Given, Id, Moment, Told
from dripline.webhooks import endpoints, queries
from dripline.webhooks.replay import replay as send_again

routes = APIRouter(
    prefix="/api/v1/webhooks", tags=["webhooks"], route_class=GuardedRoute, responses=ERRORS
)
Names = Annotated[
    list[Annotated[str, Field(max_length=200)]],
    Field(
        min_length=1,
        max_length=100,
        description="Names of events, such as message.sent, email.* or * for all.",
        examples=[["message.sent", "payment.*"]],
    ),
]
Url = Annotated[str, Field(max_length=2000, examples=["https://example.com/hook"])]


class Webhook(Told):
    """Somewhere that hears of events, signed by the Standard Webhooks scheme."""

    id: Id
    url: str = Field(examples=["https://example.com/hook"])
    description: str = Field(examples=["CRM"])
    names: list[str] = Field(examples=[["message.sent", "payment.*"]])
    is_on: bool
    created_at: Moment
    failing_since: Moment | None
    disabled_reason: str | None = Field(examples=[None])


class Secret(Told):
    """What a webhook is verified with."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class MadeWebhook(Webhook, Secret):
    """A webhook just made, with its secret."""


class NewWebhook(Given):
    """A webhook to add."""

    url: Url
    names: Names
    description: Annotated[str, Field(max_length=200)] = ""


class Changes(Given):
    """What to change; what is not given stays."""

    url: Url | None = None
    names: Names | None = None
    description: Annotated[str | None, Field(max_length=200)] = None
    is_on: bool | None = None


class WebhookDelivery(Told):
    """One event on its way to one webhook, or how it ended."""

    id: Id
    event_id: Id
    event_name: str = Field(examples=["message.sent"])
    status: str = Field(examples=["delivered"])
    attempts: int = Field(examples=[1])
    created_at: Moment
    due_at: Moment
    ended_at: Moment | None
    answer: int | None = Field(examples=[200])
    error: str | None = Field(examples=[None])


class Since(Given):
    """From when on to send again: what failed, or everything."""

    since: AwareDatetime
    everything: bool = False


class Queued(Told):
    """How many are on their way again."""

    queued: int = Field(examples=[12])


@routes.get("", summary="List webhooks")
async def list_webhooks(session: Session) -> list[Webhook]:
    """Return every webhook: where it goes, what for, whether it gets through."""
    return [Webhook.model_validate(one) for one in await queries.endpoints(session)]


@routes.post("", summary="Add a webhook", status_code=201, dependencies=[tells_a_secret])
@needs(Role.ADMIN)
async def add(body: NewWebhook, session: Session, here: Here, now: Now) -> MadeWebhook:
    """Add a webhook, switched on; the answer has its secret."""
    made = await endpoints.add(
        session,
        body.url,
        body.names,
        now,
        description=body.description,
        allow_http=here.settings.webhook_private_networks,
    )
    shown = Webhook.model_validate(made)
    return MadeWebhook(**dict(shown), secret=endpoints.secret_of(here.settings.signing_key, made))


@routes.get("/{webhook}", summary="Get a webhook")
async def get(webhook: uuid.UUID, session: Session) -> Webhook:
    """Return a webhook."""
    return Webhook.model_validate(await endpoints.get(session, webhook))


@routes.patch("/{webhook}", summary="Change a webhook")
@needs(Role.ADMIN)
async def change(webhook: uuid.UUID, body: Changes, session: Session, here: Here) -> Webhook:
    """Change where it goes and what for, or switch it off and on."""
    known = await endpoints.change(
        session,
        webhook,
        **body.model_dump(),
        allow_http=here.settings.webhook_private_networks,
    )
    return Webhook.model_validate(known)


@routes.delete("/{webhook}", summary="Remove a webhook")
@needs(Role.ADMIN)
async def remove(webhook: uuid.UUID, session: Session) -> dict[str, str]:
    """Remove a webhook, and what was to go there."""
    await endpoints.remove(session, webhook)
    return {"removed": str(webhook)}


@routes.post(
    "/{webhook}/rotate", summary="Give a webhook a new secret", dependencies=[tells_a_secret]
)
@needs(Role.ADMIN)
async def rotate(webhook: uuid.UUID, session: Session, here: Here) -> Secret:
    """Return a new secret; the old one is worthless at once."""
    known = await endpoints.rotate(session, webhook)
    return Secret(secret=endpoints.secret_of(here.settings.signing_key, known))


@routes.get("/{webhook}/deliveries", summary="What went to a webhook")
async def deliveries(webhook: uuid.UUID, session: Session, pages: Pages) -> Page[WebhookDelivery]:
    """Return what waits and what went, newest first."""
    await endpoints.get(session, webhook)
    rows = await queries.log_of(session, webhook, pages.limit + 1, pages.behind)
    return pages.page(rows, WebhookDelivery.model_validate, lambda row: row.id)


@routes.post("/{webhook}/replay", summary="Send again")
async def replay(webhook: uuid.UUID, body: Since, session: Session, now: Now) -> Queued:
    """Send again what failed since a moment, or every event; ids stay the same."""
    queued = await send_again(session, webhook, body.since, now, everything=body.everything)
    return Queued(queued=queued)
