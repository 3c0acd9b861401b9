"""`/admin/api/email`: what became of emails, and a test to oneself."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from dripline.analytics import numbers as analytics
from dripline.api.guarded import GuardedRoute, Here, Now, Session, outside
from dripline.api.v1.analytics import Messages
from dripline.api.v1.shapes import ERRORS, Given, Slug, Told
from dripline.contacts.email_address import normalise
from dripline.errors import Conflict, SendFailure

routes = APIRouter(
    prefix="/admin/api/email", tags=["admin"], route_class=GuardedRoute, responses=ERRORS
)
EMAIL = "email"
NOT_SENT = "EMAIL_NOT_SENT"
NOT_CONFIGURED = "EMAIL_NOT_CONFIGURED"


class Stats(Told):
    """What became of the emails of so many days."""

    days: int = Field(examples=[7])
    messages: Messages
    by_day: dict[str, Messages]
    unsubscribed: int = Field(examples=[4])
    complained: int = Field(examples=[0])
    addresses: dict[str, int] = Field(
        description="Addresses by reachability.", examples=[{"reachable": 900, "bounced": 4}]
    )


class Test(Given):
    """Whom to send which test."""

    email_address: Annotated[str, Field(max_length=320, examples=["anna@example.com"])]
    user_name: Annotated[str, Field(max_length=200, examples=["Anna"])] = ""
    template_type: Annotated[
        Slug,
        Field(
            description="The layout: nurture_sequence, welcome_email, or one of your own.",
            examples=["welcome_email"],
        ),
    ] = "welcome_email"


class Tested(Told):
    """The test was handed to the mail server or provider."""

    status: str = Field(examples=["sent"])
    email_address: str = Field(examples=["anna@example.com"])
    message_id: str | None


@routes.get("/stats", summary="What became of emails")
async def stats(
    session: Session, now: Now, days: Annotated[int, Query(ge=1, le=analytics.LONGEST)] = 7
) -> Stats:
    """Return emails sent, delivered, opened, clicked, bounced and failed, by day."""
    by_day = await analytics.messages_of(session, "day", days, now, channel=EMAIL)
    whole = await analytics.messages_of(session, "channel", days, now, channel=EMAIL)
    seen = await analytics.overview(session, days, now)
    prefix = f"{EMAIL}:"
    return Stats(
        days=days,
        messages=Messages.model_validate(whole.get(EMAIL, analytics.Messages())),
        by_day={key: Messages.model_validate(one) for key, one in by_day.items()},
        unsubscribed=seen.unsubscribed,
        complained=seen.complained,
        addresses={
            key.removeprefix(prefix): value
            for key, value in sorted(seen.addresses.items())
            if key.startswith(prefix)
        },
    )


@routes.post("/test", summary="Send a test email")
@outside
async def test(body: Test, here: Here) -> Tested:
    """Send a test in one of the layouts. 409 EMAIL_NOT_CONFIGURED until a way out is set up."""
    address = normalise(body.email_address)
    if here.email_test is None:
        raise Conflict(
            "No way for emails to go out is set up: set SMTP_URL or RESEND_API_KEY, and "
            "FROM_EMAIL.",
            code=NOT_CONFIGURED,
        )
    try:
        message_id = await here.email_test(address, body.user_name, body.template_type)
    except SendFailure as failure:
        raise Conflict(f"It was not sent: {failure.reason}", code=NOT_SENT) from None
    return Tested(status="sent", email_address=address, message_id=message_id)
