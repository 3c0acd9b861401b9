"""Emails by Resend, against a stand-in that limits, refuses, loses answers and knows repeats."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from dripline.channels.email import Letter
from dripline.channels.email_resend import ResendTransport
from dripline.clients.http1 import Http1Client
from dripline.clients.resend import ResendClient
from dripline.content.rendered import EmailParts, Media
from dripline.errors import ChannelDown, ChannelRefused, PermanentFailure, RateLimited
from dripline.ids import new_id
from dripline.mail_settings import Sender
from resend_standin import KEY, LOST, Resend

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FILE = "a" * 64


class Files:
    async def read(self, sha256: str) -> bytes:
        return b"picture"


def letter(
    to: str = "anna@example.org",
    *,
    delivery_id: uuid.UUID | None = None,
    text: str = "Hi",
    attached: tuple[Media, ...] = (),
    sender: str = "hello@example.com",
) -> Letter:
    parts = EmailParts("Hello", f"<p>{text}</p>", text, attached)
    unsubscribe = "https://example.com/u/token"
    return Letter(
        delivery_id or new_id(), Sender("Anna’s School", sender), to, parts, unsubscribe, NOON
    )


@pytest.fixture
async def resend() -> AsyncIterator[Resend]:
    async with Resend() as server:
        yield server


class Memory:
    """A journal that outlives a transport."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    async def begin(self, key: str, emails: Any) -> None:
        self.kept[key] = list(emails)

    async def find(self, message_id: str) -> Any:
        for key, emails in self.kept.items():
            if any(one == message_id for one, _ in emails):
                return key, emails
        return None

    async def forget(self, key: str) -> None:
        self.kept.pop(key, None)


def transport_of(
    server: Resend, key: str = KEY, timeout: float = 30.0, journal: Memory | None = None
) -> ResendTransport:
    http = Http1Client(server.base, timeout=timeout)
    client = ResendClient(server.base, key, http=_Hurried(http, timeout))
    client.requests_a_second = server.rate
    return ResendTransport(client, Files(), journal or Memory())


class _Hurried:
    """A client that waits no longer than a test has time for."""

    def __init__(self, http: Http1Client, timeout: float) -> None:
        self._http, self._timeout = http, timeout

    async def get(self, path: str, timeout: float | None = None) -> Any:
        return await self._http.get(path, self._timeout)

    async def post(self, path: str, kind: str, body: bytes, timeout: Any, headers: Any) -> Any:
        return await self._http.post(path, kind, body, self._timeout, headers)

    async def close(self) -> None:
        await self._http.close()


async def send_all(transport: ResendTransport, letters: Sequence[Letter]) -> list[Any]:
    return await asyncio.gather(*(transport.send(one) for one in letters), return_exceptions=True)


async def test_one_email_has_everything_that_belongs_to_it(resend: Resend) -> None:
    transport, one = transport_of(resend), letter()
    assert await transport.send(one) == "email-1"
    await transport.close()
    email = resend.emails[0]
    assert email["from"] == "Anna’s School <hello@example.com>"
    assert (email["subject"], email["html"], email["text"]) == ("Hello", "<p>Hi</p>", "Hi")
    assert email["tags"] == [{"name": "tracking_id", "value": one.delivery_id.hex}]
    assert email["headers"] == {
        "List-Unsubscribe": "<https://example.com/u/token>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert resend.requests == [("single", one.delivery_id.hex, 1)]
    assert all(agent.startswith("dripline/") for agent in resend.agents)


async def test_many_go_out_in_a_few_requests(resend: Resend) -> None:
    resend.rate = 20
    transport = transport_of(resend)
    letters = [letter(f"a{number}@example.org") for number in range(250)]
    ids = await send_all(transport, letters)
    await transport.close()
    assert len(set(ids)) == 250
    assert sorted(resend.recipients) == sorted(one.recipient for one in letters)
    assert len(resend.requests) <= 4
    assert max(size for _, _, size in resend.requests) == 100


async def test_one_bad_email_harms_no_other_of_its_batch(resend: Resend) -> None:
    transport = transport_of(resend)
    letters = [letter(f"a{number}@example.org") for number in range(20)]
    letters[7] = letter("malformed@example.org")
    letters[13] = letter("malformed2@example.org")
    answers = await send_all(transport, letters)
    await transport.close()
    refused = [place for place, one in enumerate(answers) if isinstance(one, PermanentFailure)]
    assert refused == [7, 13]
    assert len(resend.emails) == 18


@pytest.mark.parametrize("many", [1, 30])
async def test_a_lost_answer_is_asked_for_again_and_nothing_goes_out_twice(
    resend: Resend, many: int
) -> None:
    resend.script = [LOST, LOST]
    transport = transport_of(resend, timeout=0.3)
    answers = await send_all(transport, [letter(f"a{n}@example.org") for n in range(many)])
    await transport.close()
    assert all(isinstance(one, str) for one in answers), answers
    assert len(resend.emails) == len(set(resend.recipients)) == many


async def test_a_batch_of_unknown_fate_comes_again_as_it_was(resend: Resend) -> None:
    """Its messages went back into the queue, and come again in other company."""
    transport = transport_of(resend, timeout=0.2)
    first, rest = letter("first@example.org"), [letter(f"a{n}@example.org") for n in range(9)]
    resend.hold = asyncio.Event()
    answers = await send_all(transport, [first, *rest])
    assert all(isinstance(one, ChannelDown | RateLimited) for one in answers)
    resend.hold.set()
    await asyncio.sleep(0.1)
    assert not resend.under_way
    for half in (rest[4:], [first, *rest[:4], letter("new@example.org")]):
        again = await send_all(transport, half)
        assert all(isinstance(one, str) for one in again), again
    await transport.close()
    assert len(resend.emails) == len(set(resend.recipients)) == 11


async def test_an_email_that_went_out_before_in_other_words_is_not_sent_again(
    resend: Resend,
) -> None:
    """As after a crash: the same delivery, but its links carry another minute."""
    delivery_id = new_id()
    first, second, third = (transport_of(resend) for _ in range(3))
    assert await first.send(letter(delivery_id=delivery_id)) == "email-1"
    assert await second.send(letter(delivery_id=delivery_id)) == "email-1"
    assert await third.send(letter(delivery_id=delivery_id, text="Hi again")) is None
    for one in (first, second, third):
        await one.close()
    assert len(resend.emails) == 1


async def test_too_many_requests_are_waited_for(resend: Resend) -> None:
    resend.rate = 2
    transport = transport_of(resend)
    transport._client.requests_a_second = 50  # what Resend has not said yet
    first = await transport.send(letter("a@example.org"))
    answers = await send_all(transport, [letter(attached=(Media(FILE, "photo", "a.png"),))] * 1)
    more = await send_all(transport, [letter("b@example.org")])
    await transport.close()
    assert all(isinstance(one, str) for one in [first, *answers, *more])


async def test_files_go_along_one_email_at_a_time(resend: Resend) -> None:
    transport = transport_of(resend)
    picture = Media(FILE, "photo", "a.png")
    await send_all(transport, [letter(attached=(picture,)) for _ in range(3)])
    await transport.close()
    assert [kind for kind, _, _ in resend.requests] == ["single"] * 3
    attachment = resend.emails[0]["attachments"][0]
    assert (attachment["filename"], attachment["content"]) == ("a.png", "cGljdHVyZQ==")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((429, {"name": "daily_quota_exceeded", "message": "x"}, {}), RateLimited),
        ((429, {"name": "rate_limit_exceeded"}, {"retry-after": "60"}), RateLimited),
        ((403, {"name": "validation_error", "message": "domain is not verified"}, {}),
         ChannelRefused),
        ((401, {"name": "restricted_api_key"}, {}), ChannelRefused),
        ((422, {"name": "invalid_from_address"}, {}), ChannelRefused),
        ((422, {"name": "validation_error", "message": "Invalid `to`"}, {}), PermanentFailure),
        ((400, ["what"], {}), PermanentFailure),
    ],
)  # fmt: skip
async def test_what_an_answer_means(resend: Resend, answer: Any, kind: type[Exception]) -> None:
    resend.script = [answer]
    transport = transport_of(resend)
    with pytest.raises(kind) as caught:
        await transport.send(letter())
    await transport.close()
    assert KEY not in str(caught.value)
    if kind is RateLimited:
        assert caught.value.after >= 60  # type: ignore[attr-defined]


async def test_an_outage_is_tried_three_times(resend: Resend) -> None:
    resend.script = [(500, {}, {}), (502, "<html>", {}), (503, {}, {})]
    transport = transport_of(resend)
    with pytest.raises(ChannelDown):
        await transport.send(letter())
    assert await transport.send(letter()) == "email-1"
    await transport.close()


async def test_a_wrong_key_holds_the_channel(resend: Resend) -> None:
    transport = transport_of(resend, key="re_wrong")
    with pytest.raises(ChannelRefused, match="API key is invalid"):
        await transport.send(letter())
    await transport.close()


async def test_who_stops_waiting_is_left_out(resend: Resend) -> None:
    resend.rate = 5
    transport = transport_of(resend)
    await transport.send(letter("first@example.org"))
    tasks = [asyncio.create_task(transport.send(letter(f"a{n}@example.org"))) for n in range(5)]
    await asyncio.sleep(0.05)
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await transport.close()
    assert "a3@example.org" not in resend.recipients
    assert len(resend.emails) == 5


async def test_a_bad_email_does_not_come_again_with_its_batch(resend: Resend) -> None:
    """Refused as a whole, a batch has not left: its messages are free for others."""
    journal = Memory()
    transport = transport_of(resend, journal=journal)
    letters = [letter("malformed@example.org"), letter("b@example.org"), letter("c@example.org")]
    answers = await send_all(transport, letters)
    assert isinstance(answers[0], PermanentFailure)
    again = await send_all(transport, letters[:1])
    await transport.close()
    assert isinstance(again[0], PermanentFailure)
    assert len(resend.emails) == 2


async def test_refused_for_now_a_message_may_leave_in_other_company(resend: Resend) -> None:
    resend.script = [(429, {"name": "daily_quota_exceeded"}, {})]
    journal = Memory()
    transport = transport_of(resend, journal=journal)
    letters = [letter(f"a{number}@example.org") for number in range(3)]
    assert all(isinstance(one, RateLimited) for one in await send_all(transport, letters))
    assert journal.kept == {}
    await send_all(transport, letters[:2])
    await transport.close()
    assert sorted(resend.recipients) == ["a0@example.org", "a1@example.org"]
