"""What Resend tells by webhook, signed by Svix: forged, replayed, reordered, huge, and true."""

import itertools
import json
import ssl
import time
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from dripline.analytics import numbers
from dripline.channels.resend_news import read
from dripline.clock import VirtualClock
from dripline.contacts import bounces, segments
from dripline.contacts.models import ConsentEntry
from dripline.database import Database
from dripline.deliveries.models import Delivery
from email_world import ANNA, EmailWorld, emailing, listening
from resend_standin import KEY, SECRET, Resend, signature, signed
from world import DAY, HOUR, MINUTE

# Nothing here is encrypted; a client that reads those of the system takes longer than most tests.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def post(url: str, headers: dict[str, str], body: bytes) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
        return await client.post(url, headers=headers, content=body)


class Told(EmailWorld):
    """A world in which one email has gone out, and that can be told of it."""

    url: str
    sent: Delivery

    async def tell(self, kind: str, **said: Any) -> None:
        """Tell something of the email that went out, and handle it."""
        said.setdefault("webhook_id", f"msg_{time.monotonic_ns()}")
        said.setdefault("email_id", "email-1")
        said.setdefault("created_at", self.clock.now().isoformat())
        headers, body = signed(f"email.{kind}", **said)
        answer = await post(self.url, headers, body)
        assert answer.status_code == 200, answer.text
        await self.hear()

    async def status(self) -> str:
        return (await self.delivery(self.sent.id)).status


@pytest.fixture
async def told(database: Database, clock: VirtualClock) -> Any:
    async with (
        Resend() as resend,
        emailing(database, clock, resend_api_key=KEY, resend_api_base=resend.base) as world,
        listening(world) as url,
    ):
        await world.send()
        clock.advance(MINUTE)  # what happens in the first seconds was done by machines
        world.__class__ = Told
        world.url, (world.sent,) = url, await world.deliveries()  # type: ignore[attr-defined]
        yield world


async def test_delivered(told: Told) -> None:
    await told.tell("delivered")
    delivery = await told.delivery(told.sent.id)
    assert (delivery.status, delivery.delivered_at) == ("delivered", told.clock.now())
    (event,) = await told.events("message.delivered")
    assert event["delivery_id"] == told.sent.id.hex


@pytest.mark.parametrize(
    "tags",
    [
        lambda hexed: {"tracking_id": hexed, "other": 1},
        lambda hexed: [{"name": "x", "value": "y"}, {"name": "tracking_id", "value": hexed}],
    ],
)
async def test_without_a_known_id_the_tags_tell_whose_it_is(told: Told, tags: Any) -> None:
    await told.tell("delivered", email_id="another", tags=tags(told.sent.id.hex))
    assert await told.status() == "delivered"


async def test_its_own_id_goes_before_the_tags(told: Told) -> None:
    await told.tell("delivered", tags={"tracking_id": "0" * 32})
    assert await told.status() == "delivered"


async def test_a_hard_bounce_suppresses_at_once(told: Told) -> None:
    bounce = {"type": "Permanent", "subType": "General", "message": "5.1.1 no such user"}
    await told.tell("bounced", bounce=bounce)
    delivery = await told.delivery(told.sent.id)
    assert (delivery.status, delivery.failure_code) == ("bounced", "bounced")
    assert "no such user" in (delivery.failure_reason or "")
    assert (await told.address()).reachability == "bounced"
    assert await told.suppression() == "bounced"
    (event,) = await told.events("email.bounced")
    assert (event["kind"], event["delivery_id"]) == ("permanent", told.sent.id.hex)


async def test_soft_bounces_count_by_the_day(told: Told) -> None:
    for day in range(bounces.SOFT_DAYS):
        assert await told.suppression() is None, day
        for _ in range(3):  # several on one day are one
            await told.tell("bounced", bounce={"type": "Transient", "subType": "MailboxFull"})
        told.clock.advance(DAY)
    assert await told.suppression() == "bounced"


async def test_an_email_that_arrives_makes_up_for_soft_bounces(told: Told) -> None:
    for _ in range(2 * bounces.SOFT_DAYS):
        await told.tell("bounced", bounce={"type": "Undetermined"})
        await told.tell("delivered")
        told.clock.advance(DAY)
    assert await told.suppression() is None


async def test_complaints_and_bounces_are_counted_and_found_by_segments(told: Told) -> None:
    await told.tell("bounced", bounce={"type": "Transient"})
    await told.tell("complained")
    async with told.database.reading() as session:
        seen = await numbers.overview(session, 7, told.clock.now())
        assert (seen.complained, seen.unsubscribed) == (1, 0)
        for name in ("email.bounced", "email.complained"):
            asked = segments.parse({"event": {"name": name, "within": {"days": 1}}})
            assert await segments.count(session, asked, told.clock.now()) == 1


async def test_a_complaint_is_for_good(told: Told) -> None:
    await told.tell("complained")
    assert (await told.address()).reachability == "complained"
    await told.tell("bounced", bounce={"type": "Permanent"})
    assert (await told.address()).reachability == "complained"
    assert await told.suppression() == "complained"
    assert len(await told.events("email.complained")) == 1
    async with told.database.reading() as session:
        (entry,) = (await session.scalars(select(ConsentEntry))).all()
    assert (entry.source, entry.old, entry.new) == (
        "complaint",
        f"{ANNA} (reachable)",
        f"{ANNA} (complained)",
    )


@pytest.mark.parametrize(
    ("kind", "said", "state", "event"),
    [
        ("failed", {"failed": {"reason": "reached_daily_quota"}}, "reachable", "failed"),
        ("suppressed", {"suppressed": {"type": "OnAccountSuppressionList"}}, "bounced",
         "suppressed"),
        ("suppressed", {"suppressed": {"reason": "complaint"}}, "complained", "suppressed"),
    ],
)  # fmt: skip
async def test_other_ends(told: Told, kind: str, said: Any, state: str, event: str) -> None:
    await told.tell(kind, **said)
    assert (await told.address()).reachability == state
    assert (await told.events("email.bounced"))[0]["kind"] == event
    if kind == "failed":
        assert (await told.status(), await told.suppression()) == ("failed", None)


async def test_a_delay_is_noted_and_changes_nothing(told: Told) -> None:
    await told.tell("delivery_delayed")
    assert await told.status() == "sent"
    assert len(await told.events("email.delayed")) == 1


async def test_opens_and_clicks(told: Told) -> None:
    click = {"ipAddress": "192.0.2.1", "link": "https://example.com/a", "userAgent": "Mozilla/5.0"}
    await told.tell("clicked", click=click)
    await told.tell("opened")
    assert await told.status() == "clicked"
    delivery = await told.delivery(told.sent.id)
    assert delivery.opened_at is not None


@pytest.mark.parametrize("kind", ["scheduled", "received", "invented_tomorrow"])
async def test_what_does_not_concern_us_is_stored_and_ignored(told: Told, kind: str) -> None:
    await told.tell(kind)
    assert await told.status() == "sent"
    (row,) = await told.inbox()
    assert (row.done_at is not None, row.error) == (True, None)


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["sent", "delivered", "opened", "clicked"]))[::5]
)
async def test_any_order_twice(told: Told, order: tuple[str, ...]) -> None:
    for kind in [*order, *order]:
        await told.tell(kind, webhook_id=f"msg_{kind}")
    assert await told.status() == "clicked"
    assert len(await told.events("message.delivered")) == 1
    assert len(await told.inbox()) == 4


async def test_a_batch_is_taken_apart(told: Told) -> None:
    data = {"email_id": "email-1", "to": [ANNA]}
    kinds = ("delivered", "nonsense", "complained")
    body = json.dumps([{"type": f"email.{kind}", "data": data} for kind in kinds])
    answer = await post(told.url, signature("msg_batch", body), body.encode())
    assert answer.status_code == 200
    await told.hear()
    assert (await told.status(), await told.suppression()) == ("delivered", "complained")


async def test_news_may_be_faster_than_our_own_record(told: Told) -> None:
    """The delivery's row is written after the answer, the webhook can be there before."""
    unborn = "01900000-0000-7000-8000-000000000000"
    await told.tell("bounced", email_id="x", tags={"tracking_id": unborn}, to="b@example.org")
    (row,) = await told.inbox()
    assert row.done_at is None
    told.clock.advance(3 * MINUTE)
    assert await told.hear() == 1
    (row,) = await told.inbox()
    assert row.done_at is not None


async def test_an_address_of_another_program_is_spared_too(told: Told) -> None:
    """The same team sends for others as well: what complained there must not be written to."""
    await told.tell("complained", email_id="theirs", to="Stranger@Example.org")
    assert await told.suppression("stranger@example.org") == "complained"


HEADERS = ("svix-id", "svix-timestamp", "svix-signature")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda h, b: ({k: v for k, v in h.items() if k not in HEADERS}, b),
        lambda h, b: (h, b.replace(b"delivered", b"bounced")),
        lambda h, b: ({**h, "svix-id": "another"}, b),
        lambda h, b: ({**h, "svix-timestamp": "1"}, b),
        lambda h, b: ({**h, "svix-timestamp": "99999999999999999999"}, b),
        lambda h, b: ({**h, "svix-timestamp": "soon"}, b),
        lambda h, b: ({**h, "svix-timestamp": "²"}, b),
        lambda h, b: ({**h, "svix-signature": "v1,***not base64***"}, b),
        lambda h, b: ({**h, "svix-signature": "v1"}, b),
        lambda h, b: ({**h, "svix-signature": "v1,abc"}, b),
        lambda h, b: ({**h, "svix-signature": h["svix-signature"].replace("v1,", "v2,")}, b),
        lambda h, b: ({**h, "svix-signature": "," * 5000}, b),
        lambda h, b: ({**h, "svix-id": "x" * 500}, b),
        lambda h, b: (h, b"\xff\xfe" + b),
    ],
)
async def test_what_is_forged_is_refused(told: Told, spoil: Any) -> None:
    headers, body = spoil(*signed("email.delivered", email_id="email-1"))
    encoded = {name: value.encode("utf-8") for name, value in headers.items()}
    answer = await post(told.url, encoded, body)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"
    assert await told.inbox() == []


@pytest.mark.parametrize(("age", "status"), [(0, 200), (290, 200), (310, 401), (-310, 401)])
async def test_what_is_replayed_is_refused(told: Told, age: int, status: int) -> None:
    headers, body = signed("email.delivered", at=time.time() - age)
    assert (await post(told.url, headers, body)).status_code == status


async def test_another_secret_is_refused(told: Told) -> None:
    headers, body = signed("email.delivered", secret="whsec_" + "A" * 32)
    assert (await post(told.url, headers, body)).status_code == 401


async def test_one_right_signature_among_several_is_enough(told: Told) -> None:
    headers, body = signed("email.delivered", email_id="email-1")
    headers["svix-signature"] = f"v1,***  v2,abc v1,AAAA {headers['svix-signature']}"
    assert (await post(told.url, headers, body)).status_code == 200


async def test_the_newer_names_of_the_headers(told: Told) -> None:
    headers, body = signed("email.delivered", email_id="email-1")
    renamed = {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
    assert (await post(told.url, renamed, body)).status_code == 200


async def test_ten_megabytes_are_refused(told: Told) -> None:
    body = b'{"type": "email.delivered", "x": "' + b"a" * 10_000_000 + b'"}'
    headers = signature("msg_big", body.decode())
    assert (await post(told.url, headers, body)).status_code == 413
    assert await told.inbox() == []


async def test_signed_nonsense_is_kept_with_its_error(told: Told) -> None:
    for number, body in enumerate(["", "null", "[1]", '{"type": 7}', "{" * 2000, '"x"']):
        answer = await post(told.url, signature(f"msg_{number}", body), body.encode())
        assert answer.status_code == 200
    await told.hear()
    rows = await told.inbox()
    assert all(row.done_at and row.error for row in rows)
    await told.tell("delivered")
    assert await told.status() == "delivered"


async def test_without_a_secret_nothing_is_believed(
    database: Database, clock: VirtualClock
) -> None:
    async with (
        Resend() as resend,
        emailing(database, clock, resend_api_key=KEY, resend_api_base=resend.base) as world,
        listening(world, secret=None) as url,
    ):
        headers, body = signed("email.delivered", secret=SECRET)
        answer = await post(url, headers, body)
        assert answer.status_code == 401
        assert "RESEND_WEBHOOK_SECRET" in answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "data", "tags", "to", "email_id", "bounce", "name", "value"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=JSON)
def test_any_json_is_read_or_refused(said: Any) -> None:
    try:
        news = read(json.dumps(said).encode())
    except ValueError:
        return
    for one in news:
        assert isinstance(one.kind, str)
        one.text("message", "type")


async def test_a_late_bounce_leaves_what_was_read(told: Told) -> None:
    await told.tell("opened")
    told.clock.advance(HOUR)
    await told.tell("bounced", bounce={"type": "Permanent"})
    assert await told.status() == "opened"
    assert await told.suppression() == "bounced"
