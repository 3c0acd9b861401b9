"""Events go to endpoints outside, signed; again when they fail; never into our own network."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from svix.webhooks import Webhook, WebhookVerificationError

from dripline.clients.outside import Outside, is_public
from dripline.clock import RealTime, VirtualClock
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.database import Database
from dripline.errors import Invalid, NotFound
from dripline.events import NewEvent, append
from dripline.events.models import Event, OutboxRow
from dripline.events.react import React
from dripline.events.subscriptions import consumers_of, subscribe
from dripline.ids import new_id
from dripline.webhooks import endpoints, follow, queries
from dripline.webhooks.catch_up import CatchUp
from dripline.webhooks.models import Endpoint, WebhookDelivery
from dripline.webhooks.replay import replay
from dripline.webhooks.send import SendWebhooks
from scripted_server import ScriptedServer, drop, reply

KEY = b"k" * 32
DAY = timedelta(days=1)


class Died(BaseException):
    """What nobody catches: the end of a process."""


class Hooks:
    """A database, a receiver on loopback, and what sends."""

    def __init__(self, database: Database, clock: VirtualClock, server: ScriptedServer) -> None:
        self.database = database
        self.clock = clock
        self.server = server
        self.url = f"{server.url}/hook?a=1"
        self.sender = SendWebhooks(database, lambda: KEY, Outside(private=True))
        self.react = React(database, {follow.CONSUMER: follow.react})

    async def add(self, *names: str) -> Endpoint:
        async with self.database.transaction() as session:
            made = await endpoints.add(
                session, self.url, names or ["*"], self.clock.now(), allow_http=True
            )
            await follow.refresh(session)
        return made

    async def happen(self, name: str = "message.sent", **data: Any) -> None:
        async with self.database.transaction() as session:
            source_id = new_id().hex
            event = NewEvent(name, None, "test", source_id, self.clock.now(), data)
            await append(session, event)

    async def send(self) -> int:
        while await self.react.run_once(self.clock.now()):
            pass
        done = 0
        while sent := await self.sender.run_once(self.clock.now()):
            done += sent
        return done

    async def log(self, endpoint: Endpoint) -> list[WebhookDelivery]:
        async with self.database.reading() as session:
            return list(await queries.log_of(session, endpoint.id, 100))

    async def endpoint(self, endpoint: Endpoint) -> Endpoint:
        async with self.database.reading() as session:
            return await endpoints.get(session, endpoint.id)


@pytest.fixture
async def hooks(database: Database, clock: VirtualClock) -> AsyncIterator[Hooks]:
    async with ScriptedServer() as server:
        server.default = reply(204)
        yield Hooks(database, clock, server)
    subscribe(follow.CONSUMER, ())


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:]
    return {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}


async def test_an_event_goes_out_signed(hooks: Hooks) -> None:
    endpoint = await hooks.add("message.*")
    await hooks.happen("message.sent", delivery_id="abc")
    await hooks.happen("link.clicked")
    assert await hooks.send() == 1
    (request,) = hooks.server.requests
    secret = endpoints.secret_of(KEY, endpoint)
    headers = headers_of(request.head)
    Webhook(secret).verify(request.body, headers)
    said = json.loads(request.body)
    assert (said["type"], said["data"]["delivery_id"]) == ("message.sent", "abc")
    assert said["timestamp"] == "2026-03-02T12:00:00Z"
    assert request.path == "/hook?a=1"
    assert headers["user-agent"].startswith("dripline/")
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(request.body, headers)
    (row,) = await hooks.log(endpoint)
    assert (row.status, row.answer, row.attempts) == ("delivered", 204, 1)


async def test_without_endpoints_nothing_is_written(hooks: Hooks) -> None:
    await hooks.happen("message.sent")
    await hooks.add("email.bounced")
    await hooks.happen("message.sent")
    async with hooks.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(OutboxRow)) == 0


async def test_nothing_is_missed_while_another_process_does_not_know(hooks: Hooks) -> None:
    """Added by a command; the worker appends events before it has looked at the endpoints."""
    time, catch_up_s = RealTime(), 31_000_000
    async with hooks.database.transaction() as session:
        endpoint = await endpoints.add(
            session, hooks.url, ["message.*"], hooks.clock.now(), allow_http=True
        )
    for number in range(3):
        await hooks.happen("message.sent", number=number)
    await hooks.happen("email.bounced")
    assert await hooks.send() == 0
    async with hooks.database.reading() as session:
        await follow.refresh(session)
    await hooks.happen("message.sent", number=3)
    assert await hooks.send() == 1
    catch_up = CatchUp(hooks.database, time)
    assert await catch_up.run_once(hooks.clock.now()) == 0  # some may still not know
    time.synchronise(time.now_us() + catch_up_s)
    while await catch_up.run_once(hooks.clock.now()):
        pass
    assert await hooks.send() == 3
    told = [json.loads(one.body)["data"]["number"] for one in hooks.server.requests]
    assert sorted(told) == [0, 1, 2, 3]
    assert len(await hooks.log(endpoint)) == 4
    assert (await hooks.endpoint(endpoint)).heard_from is None


async def test_one_that_is_changed_or_switched_on_hears_from_then_on(hooks: Hooks) -> None:
    endpoint = await hooks.add("email.*")
    catch_up = CatchUp(hooks.database, time := RealTime())
    time.synchronise(time.now_us() + 31_000_000)
    assert await catch_up.run_once(hooks.clock.now()) == 0
    async with hooks.database.transaction() as session:
        await endpoints.change(session, endpoint.id, description="still the same")
    assert (await hooks.endpoint(endpoint)).heard_from is None
    async with hooks.database.transaction() as session:
        await endpoints.change(session, endpoint.id, names=["message.*"])
        first = (await endpoints.get(session, endpoint.id)).heard_from
        await endpoints.change(session, endpoint.id, names=["message.*", "link.*"])
    await hooks.happen("message.sent")
    assert (await hooks.endpoint(endpoint)).heard_from == first is not None
    time.synchronise(time.now_us() + 31_000_000)
    await catch_up.run_once(hooks.clock.now())
    assert await hooks.send() == 1


async def test_a_failure_is_tried_again_with_the_same_id(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    hooks.server.script = [reply(500), drop, reply(302, head=b"Location: http://127.0.0.1/\r\n")]
    await hooks.happen()
    for _ in range(4):
        await hooks.send()
        hooks.clock.advance(timedelta(hours=3))
    ids = [headers_of(one.head)["webhook-id"] for one in hooks.server.requests]
    assert (len(ids), len(set(ids))) == (4, 1)
    (row,) = await hooks.log(endpoint)
    assert (row.status, row.attempts) == ("delivered", 4)
    assert (await hooks.endpoint(endpoint)).failing_since is None


async def test_it_waits_longer_each_time_and_as_long_as_is_asked(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    hooks.server.script = [reply(500), reply(429, head=b"Retry-After: 7200\r\n")]
    await hooks.happen()
    pauses = []
    for _ in range(2):
        await hooks.send()
        (row,) = await hooks.log(endpoint)
        pauses.append((row.due_at - hooks.clock.now()).total_seconds())
        hooks.clock.jump_to(row.due_at)
    assert 5 <= pauses[0] <= 6
    assert pauses[1] == 7200


async def test_after_ten_attempts_it_has_failed_and_can_be_replayed(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    hooks.server.default = reply(500)
    await hooks.happen("registered")
    since = hooks.clock.now()
    for _ in range(10):
        await hooks.send()
        (row,) = await hooks.log(endpoint)
        hooks.clock.jump_to(row.due_at)
    assert (row.status, row.attempts) == ("failed", 10)
    assert timedelta(days=3) < hooks.clock.now() - since < timedelta(days=5)
    assert (await hooks.endpoint(endpoint)).failing_since == since
    hooks.server.default = reply(200)
    async with hooks.database.transaction() as session:
        assert await replay(session, endpoint.id, since, hooks.clock.now()) == 1
    assert await hooks.send() == 1
    assert (await hooks.log(endpoint))[0].status == "delivered"


async def test_one_that_fails_for_days_is_switched_off_and_that_is_told(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    hooks.server.default = reply(500)
    for _ in range(6):
        await hooks.happen()
        await hooks.send()
        hooks.clock.advance(DAY)
    known = await hooks.endpoint(endpoint)
    assert not known.is_on
    assert "nothing got through since 2026-03-02" in (known.disabled_reason or "")
    async with hooks.database.transaction() as session:
        told = (await session.scalars(select(Event).where(Event.name == "webhook.disabled"))).all()
        assert [one.data["endpoint_id"] for one in told] == [endpoint.id.hex]
        again = await endpoints.change(session, endpoint.id, is_on=True)
        assert (again.is_on, again.failing_since, again.disabled_reason) == (True, None, None)


async def test_one_that_is_gone_is_switched_off_at_once(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    hooks.server.default = reply(410)
    await hooks.happen()
    await hooks.send()
    known = await hooks.endpoint(endpoint)
    assert (known.is_on, known.disabled_reason) == (False, "it answered 410 Gone")
    await hooks.happen()
    assert await hooks.send() == 0


async def test_everything_can_be_replayed_also_from_before(hooks: Hooks) -> None:
    await hooks.happen("email.bounced")
    await hooks.happen("message.sent")
    endpoint = await hooks.add("email.*")
    since = hooks.clock.now() - DAY
    for _ in range(2):
        async with hooks.database.transaction() as session:
            queued = await replay(session, endpoint.id, since, hooks.clock.now(), everything=True)
        assert queued == 1
        assert await hooks.send() == 1
    assert len({headers_of(one.head)["webhook-id"] for one in hooks.server.requests}) == 1


async def test_a_worker_that_dies_is_followed_up(hooks: Hooks) -> None:
    await hooks.add()
    await hooks.happen()
    await hooks.react.run_once(hooks.clock.now())

    async def die(*_: Any) -> Any:
        raise Died

    dying = SendWebhooks(hooks.database, lambda: KEY, die)
    with pytest.raises(Died):
        await dying.run_once(hooks.clock.now())
    assert await hooks.send() == 0  # a lease holds it
    hooks.clock.advance(timedelta(minutes=3))
    assert await hooks.send() == 1


async def test_what_was_erased_is_told_no_more(hooks: Hooks) -> None:
    from dripline.contacts.erase import erase

    endpoint = await hooks.add("custom.thing")
    async with hooks.database.transaction() as session:
        person = TelegramPerson(7, "Anna")
        contact = await by_telegram(session, "main", person, hooks.clock.now())
        event = NewEvent(
            "custom.thing", contact.contact_id, "t", "1", hooks.clock.now(), {"secret": "x"}
        )
        await append(session, event)
    await hooks.react.run_once(hooks.clock.now())
    async with hooks.database.transaction() as session:
        await erase(session, contact.contact_id, hooks.clock.now())
    await hooks.send()
    assert all(b"secret" not in one.body for one in hooks.server.requests)
    assert (await hooks.log(endpoint))[0].status in {"failed", "delivered"}


async def test_a_test_is_sent_at_once(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    answer = await hooks.sender.test(endpoint)
    assert answer.ok
    assert json.loads(hooks.server.requests[0].body)["type"] == "webhook.test"


async def test_nothing_goes_into_our_own_network(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    guarded = SendWebhooks(hooks.database, lambda: KEY, Outside())
    for url in (hooks.url, hooks.url.replace("127.0.0.1", "localhost")):
        async with hooks.database.transaction() as session:
            changed = await endpoints.change(session, endpoint.id, url=url, allow_http=True)
        answer = await guarded.test(changed)
        assert not answer.ok
        assert "private network" in answer.error
    assert hooks.server.requests == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # the metadata of clouds
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_which_addresses_are_in_the_world(address: str, public: bool) -> None:
    assert is_public(address) == public


@pytest.mark.parametrize(
    "url",
    ["", "example.com", "http://example.com", "ftp://example.com", "https://", "https://a:b@e.com",
     "https://example.com/#x", "https://e.com/a b", "https://e.com/\r\nX: 1", "https://e.com:99999/",
     "javascript:alert(1)", "https://e.com/" + "a" * 3000],
)  # fmt: skip
async def test_wrong_addresses(hooks: Hooks, url: str) -> None:
    async with hooks.database.transaction() as session:
        with pytest.raises(Invalid):
            await endpoints.add(session, url, ["*"], hooks.clock.now())


@pytest.mark.parametrize("names", [[], [""], ["a b"], ["*.x"], ["message."], ["x" * 99]])
async def test_wrong_names(hooks: Hooks, names: list[str]) -> None:
    async with hooks.database.transaction() as session:
        with pytest.raises(Invalid):
            await endpoints.add(session, "https://example.com", names, hooks.clock.now())


async def test_a_new_secret_ends_the_old_one(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    before = endpoints.secret_of(KEY, endpoint)
    async with hooks.database.transaction() as session:
        changed = await endpoints.rotate(session, endpoint.id)
    assert endpoints.secret_of(KEY, changed) != before


async def test_removed_it_is_gone(hooks: Hooks) -> None:
    endpoint = await hooks.add()
    await hooks.happen()
    await hooks.react.run_once(hooks.clock.now())
    async with hooks.database.transaction() as session:
        await endpoints.remove(session, endpoint.id)
        with pytest.raises(NotFound):
            await endpoints.remove(session, endpoint.id)
    assert await hooks.send() == 0


def test_who_hears_of_what() -> None:
    subscribe("some", ["message.*", "registered"])
    subscribe("every", ["**"])
    subscribe("other", ["*"])
    try:
        heard = {
            name: {one for one in consumers_of(name) if one in {"some", "every", "other"}}
            for name in ("message.sent", "registered", "own.thing")
        }
        assert heard == {
            "message.sent": {"some", "every"},
            "registered": {"some", "every", "other"},
            "own.thing": {"every", "other"},
        }
    finally:
        for name in ("some", "every", "other"):
            subscribe(name, ())
