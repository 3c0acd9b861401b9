"""Bounces by email: twice, forged, of others, damaged, and messages that are none."""

import mailbox
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dripline.channels.bounce_messages import read
from dripline.channels.bounce_take import Taken, messages_of, take
from dripline.clock import VirtualClock
from dripline.contacts import bounces
from dripline.database import Database
from dripline.errors import Invalid, NotFound
from email_world import ANNA, EmailWorld, emailing
from mail_server import MailServer
from world import DAY


def dsn(
    *,
    to: str = "hello@example.com",
    recipient: str = ANNA,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <anna@example.org>: Recipient address rejected",
    quoted: str = "",
    date: datetime | None = None,
) -> bytes:
    """Return a delivery status notification as Postfix writes it (RFC 3464)."""
    dated = f"Date: {format_datetime(date)}\n" if date else ""
    return f"""Return-Path: <>
From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
To: {to}
{dated}Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.example.org.

<{recipient}>: host mx.example.org said: {diagnostic}

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--b1
Content-Type: text/rfc822-headers

{quoted}From: hello@example.com
Subject: Hello

--b1--
""".encode()


def arf(message_id: str) -> bytes:
    """Return a spam report (RFC 5965)."""
    return f"""From: <feedback@provider.example>
To: hello@example.com
Subject: FW: Hello
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an email abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Provider/1.0
Version: 1

--b1
Content-Type: message/rfc822

Message-ID: {message_id}
Subject: Hello

--b1--
""".encode()


class Bouncing(EmailWorld):
    """A world in which an email has gone out by SMTP."""

    sent: Any

    async def take(self, *messages: bytes) -> Taken:
        return await take(self.database, iter(messages), self.clock.now())

    @property
    def message_id(self) -> str:
        return f"<{self.sent.id.hex}@example.com>"

    @property
    def return_path(self) -> str:
        return f"bounces+{self.sent.id.hex}@example.com"


@pytest.fixture
async def world(database: Database, clock: VirtualClock) -> Any:
    async with (
        MailServer() as server,
        emailing(database, clock, smtp_url=f"smtp://127.0.0.1:{server.port}") as made,
    ):
        await made.send()
        made.__class__ = Bouncing
        (made.sent,) = await made.deliveries()  # type: ignore[attr-defined]
        yield made


@pytest.mark.parametrize("by", ["return path", "message id", "whole message"])
async def test_a_hard_bounce_suppresses_at_once(world: Bouncing, by: str) -> None:
    match by:
        case "return path":
            raw = dsn(to=world.return_path)
        case "message id":
            raw = dsn(quoted=f"Message-ID: {world.message_id}\n")
        case _:
            others = f"References: <{'a' * 32}@example.org>\n"
            raw = dsn(quoted=f"{others}Message-ID: {world.message_id}\n")
    taken = await world.take(raw)
    assert taken.kinds == {"permanent": 1}
    delivery = await world.delivery(world.sent.id)
    assert delivery.status == "bounced"
    assert "550 5.1.1" in (delivery.failure_reason or "")
    assert (await world.address()).reachability == "bounced"
    assert await world.suppression() == "bounced"


async def test_the_same_bounce_again_changes_nothing(world: Bouncing) -> None:
    raw = dsn(to=world.return_path)
    await world.take(raw, raw)
    await world.take(raw)
    assert len(await world.events("email.bounced")) == 1
    assert len(await world.events("address.unreachable")) == 1


@pytest.mark.parametrize(
    ("said", "kind", "state"),
    [
        ({"status": "5.2.2", "diagnostic": "smtp; 552 5.2.2 mailbox full"}, "transient", None),
        ({"status": "4.4.7", "diagnostic": "smtp; 451 delivery time expired"}, "transient", None),
        ({"status": "5.7.1", "diagnostic": "smtp; 550 5.7.1 blocked, spam"}, "failed", None),
        ({"status": "5.3.4", "diagnostic": "smtp; 552 5.3.4 too big"}, "failed", None),
        ({"status": "5.0.0", "diagnostic": "smtp; 550 no"}, "permanent", "bounced"),
        ({"status": "5.4.4", "diagnostic": "X-Host; not found"}, "permanent", "bounced"),
    ],
)
async def test_what_is_to_blame(
    world: Bouncing, said: dict[str, str], kind: str, state: str | None
) -> None:
    taken = await world.take(dsn(to=world.return_path, **said))  # type: ignore[arg-type]
    assert taken.kinds == {kind: 1}
    assert await world.suppression() == state


async def test_a_delay_changes_nothing(world: Bouncing) -> None:
    raw = dsn(to=world.return_path, action="delayed", status="4.4.1", diagnostic="smtp; timed out")
    assert (await world.take(raw)).kinds == {"delay": 1}
    assert (await world.delivery(world.sent.id)).status == "sent"


@pytest.mark.parametrize(
    ("action", "kind", "status"),
    [("delivered", "arrival", "delivered"), ("relayed", "no_bounce", "sent")],
)
async def test_a_report_that_all_is_well_is_no_delay(
    world: Bouncing, action: str, kind: str, status: str
) -> None:
    raw = dsn(to=world.return_path, action=action, status="2.0.0", diagnostic="smtp; 250 ok")
    assert (await world.take(raw)).kinds == {kind: 1}
    assert (await world.delivery(world.sent.id)).status == status
    assert not await world.events("email.delayed")


async def test_a_spam_report_suppresses_for_good(world: Bouncing) -> None:
    assert (await world.take(arf(world.message_id))).kinds == {"complaint": 1}
    assert await world.suppression() == "complained"


async def test_what_proves_nothing_counts_as_a_soft_one(world: Bouncing) -> None:
    """Anybody can write that an address is gone."""
    for _ in range(5):
        assert (await world.take(dsn())).kinds == {"transient": 1}
    assert await world.suppression() is None
    for _ in range(bounces.SOFT_DAYS - 1):
        world.clock.advance(DAY)
        await world.take(dsn())
    assert await world.suppression() == "bounced"


async def test_an_old_mailbox_read_each_day_counts_by_its_own_dates(world: Bouncing) -> None:
    old = dsn(status="5.2.2", date=world.clock.now() - timedelta(hours=1))
    for _ in range(2 * bounces.SOFT_DAYS):
        await world.take(old)
        world.clock.advance(DAY)
    assert await world.suppression() is None


async def test_bounces_of_others_are_left_alone(world: Bouncing) -> None:
    stranger = dsn(recipient="stranger@example.org", to=f"bounces+{'0' * 32}@example.com")
    assert (await world.take(stranger)).kinds == {"unknown": 1}
    assert await world.suppression("stranger@example.org") is None


async def test_what_is_no_bounce(world: Bouncing) -> None:
    away = b"From: anna@example.org\nTo: hello@example.com\nSubject: Out of office\n\nI am away."
    assert (await world.take(away)).kinds == {"no_bounce": 1}


async def test_garbage_is_told(world: Bouncing) -> None:
    taken = await world.take(b"", b"\0\xff\xfe", b"no header at all", b"x" * (21 * 1024 * 1024))
    assert taken.kinds == {"unreadable": 4}
    assert "larger than 20 MB" in taken.problem


async def test_a_maildir_and_an_mbox(world: Bouncing, tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "maildir")
    box.add(dsn(to=world.return_path))
    box.add(b"From: a@b.example\nSubject: Hi\n\nHi")
    mbox = mailbox.mbox(tmp_path / "mbox")
    mbox.add(dsn(to=world.return_path))
    mbox.close()
    (tmp_path / "one.eml").write_bytes(dsn(to=world.return_path))
    assert (await world.take(*messages_of(tmp_path / "maildir"))).kinds == {
        "permanent": 1,
        "no_bounce": 1,
    }
    assert (await world.take(*messages_of(tmp_path / "mbox"))).kinds == {"permanent": 1}
    assert (await world.take(*messages_of(tmp_path / "one.eml"))).kinds == {"permanent": 1}


def test_what_is_no_mailbox(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(messages_of(tmp_path / "nowhere"))
    with pytest.raises(Invalid, match="no maildir"):
        list(messages_of(tmp_path))


@settings(max_examples=150)
@given(
    head=st.sampled_from([b"", b"From: a\n", b"Content-Type: multipart/report; boundary=b\n"]),
    rest=st.binary(max_size=300),
)
def test_any_bytes_are_read_or_refused(head: bytes, rest: bytes) -> None:
    with suppress(ValueError):
        read(head + rest)


@settings(max_examples=100)
@given(cut=st.integers(0, 1200), junk=st.binary(max_size=30))
def test_a_damaged_bounce_is_read_or_refused(cut: int, junk: bytes) -> None:
    whole = dsn()
    with suppress(ValueError):
        read(whole[:cut] + junk + whole[cut + 10 :])
