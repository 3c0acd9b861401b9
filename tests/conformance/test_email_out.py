"""Emails go out by a real mail server and by a stand-in for Resend, from the queue to the end."""

import uuid
from pathlib import Path

import pytest

from dripline.clock import VirtualClock
from dripline.contacts import suppression
from dripline.database import Database
from dripline.deliveries.rescue import take_over_all
from dripline.ids import new_id
from email_world import ANNA, emailing
from mail_server import HANG, MailServer
from resend_standin import KEY, Resend
from world import HOUR, MINUTE


class Died(BaseException):
    """What nobody catches: the end of a process."""


def smtp(server: MailServer) -> dict[str, str]:
    return {"smtp_url": f"smtp://127.0.0.1:{server.port}?timeout=1"}


async def test_an_email_by_smtp(database: Database, clock: VirtualClock) -> None:
    async with (
        MailServer() as server,
        emailing(
            database,
            clock,
            **smtp(server),
            public_url="https://example.com",
            bounce_address="bounces@example.com",
        ) as world,
    ):
        await world.send()
        (sent,) = await world.deliveries()
        mail = server.mails[0]
        message = mail.message
        assert mail.sender == f"bounces+{sent.id.hex}@example.com"
        assert message["Subject"] == "Hello Anna"
        assert message["From"] == "Anna's School <hello@example.com>"
        assert message["Message-ID"] == f"<{sent.id.hex}@example.com>"
        assert message["List-Unsubscribe"].startswith("<https://example.com/u/")
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        plain = message.get_body(("plain",))
        assert plain is not None
        assert "mail/one" in plain.get_content()
        assert (sent.status, sent.recipient, sent.provider_ids) == (
            "sent",
            ANNA,
            f"<{sent.id.hex}@example.com>",
        )


async def test_an_email_by_resend(database: Database, clock: VirtualClock) -> None:
    async with (
        Resend() as resend,
        emailing(database, clock, resend_api_key=KEY, resend_api_base=resend.base) as world,
    ):
        await world.send()
        (sent,) = await world.deliveries()
        assert (sent.status, sent.provider_ids) == ("sent", "email-1")
        assert resend.emails[0]["tags"] == [{"name": "tracking_id", "value": sent.id.hex}]


async def test_a_worker_that_dies_in_the_middle_repeats_nothing(
    database: Database, clock: VirtualClock
) -> None:
    """The email has gone out, and then nobody was there to write it down."""
    async with (
        Resend() as resend,
        emailing(database, clock, resend_api_key=KEY, resend_api_base=resend.base) as world,
    ):
        settle = world.world.dispatcher.settle

        async def die(*_: object) -> None:
            raise Died

        world.world.dispatcher.settle = die  # type: ignore[assignment, method-assign]
        with pytest.raises(Died):
            await world.send()
        world.world.dispatcher.settle = settle  # type: ignore[method-assign]
        await take_over_all(database)
        await world.world.run()
        (sent,) = await world.deliveries()
        assert sent.status == "sent"
        assert len(resend.emails) == 1


async def test_nobody_there_falls_back_to_telegram(database: Database, clock: VirtualClock) -> None:
    async with MailServer() as server, emailing(database, clock, **smtp(server)) as world:
        server.answers[ANNA] = "550 5.1.1 no such user"
        await world.send()
        (failed,) = await world.deliveries()
        assert (failed.status, "5.1.1" in (failed.failure_reason or "")) == ("failed", True)
        assert (await world.address()).reachability == "bounced"
        assert await world.suppression() == "bounced"
        assert [sent.message.text for sent in world.world.channel.sent] == ["mail/one"]


async def test_an_address_suppressed_meanwhile_gets_nothing(
    database: Database, clock: VirtualClock
) -> None:
    """Whoever brings it: its own row may say that it is reachable."""
    async with MailServer() as server, emailing(database, clock, **smtp(server)) as world:
        async with database.transaction() as session:
            await suppression.suppress(session, ANNA, suppression.COMPLAINED, clock.now())
        await world.send()
        assert server.mails == []
        assert (await world.address()).reachability == "complained"
        assert len(world.world.channel.sent) == 1


async def test_a_full_mailbox_is_tried_again_then_counted(
    database: Database, clock: VirtualClock
) -> None:
    async with MailServer() as server, emailing(database, clock, **smtp(server)) as world:
        server.answers[ANNA] = "552 5.2.2 mailbox full"
        await world.send()
        assert (await world.address()).reachability == "reachable"
        (failed,) = await world.deliveries()
        assert failed.failure_code == "mailbox_full"
        assert await world.suppression() is None


async def test_greylisting_is_waited_out(database: Database, clock: VirtualClock) -> None:
    async with MailServer() as server, emailing(database, clock, **smtp(server)) as world:
        server.answers[ANNA] = "451 4.7.1 greylisted"
        await world.send()
        assert await world.deliveries() == []
        server.answers.clear()
        await world.world.run(6 * MINUTE)
        (sent,) = await world.deliveries()
        assert (sent.status, sent.attempt_count) == ("sent", 2)


@pytest.mark.parametrize("answer", ["554 5.7.1 we block you", "550 5.7.26 unauthenticated"])
async def test_a_server_that_does_not_want_us_holds_the_channel(
    database: Database, clock: VirtualClock, answer: str
) -> None:
    """Nobody is suppressed, no message is lost, no attempt is counted."""
    async with MailServer() as server, emailing(database, clock, **smtp(server)) as world:
        server.at_mail = [answer] * 2
        await world.send()
        assert len(await world.events("channel.held")) == 1
        held = await world.pace()
        assert "5.7" in (held.hold_reason or "")
        assert (await world.address()).reachability == "reachable"
        (sent,) = await world.deliveries()
        assert (sent.status, sent.attempt_count) == ("sent", 1)


async def test_a_hanging_server_costs_no_attempt_before_the_message(
    database: Database, clock: VirtualClock
) -> None:
    async with MailServer() as server, emailing(database, clock, **smtp(server)) as world:
        server.at_mail = [HANG]
        await world.send()
        await world.world.run(MINUTE)
        (sent,) = await world.deliveries()
        assert (sent.status, sent.attempt_count) == ("sent", 1)


@pytest.mark.parametrize(("seconds", "told"), [("10", 0), ("3600", 1)])
async def test_a_quota_that_is_used_up_holds_the_channel_and_tells(
    database: Database, clock: VirtualClock, seconds: str, told: int
) -> None:
    quota = {"name": "daily_quota_exceeded", "message": "You have reached your daily quota"}
    async with (
        Resend(script=[(429, quota, {"retry-after": seconds})]) as resend,
        emailing(database, clock, resend_api_key=KEY, resend_api_base=resend.base) as world,
    ):
        await world.send()
        assert "daily_quota_exceeded" in ((await world.pace()).hold_reason or "")
        assert len(await world.events("channel.held")) == told
        if not told:
            await world.world.run(HOUR)
            sent, *_ = await world.deliveries()
            assert (sent.status, sent.attempt_count) == ("sent", 1)


async def test_the_same_message_has_the_same_id_at_each_attempt(
    database: Database, clock: VirtualClock
) -> None:
    async with (
        Resend(script=[(409, {"name": "x"}, {}), (409, {"name": "x"}, {})]) as resend,
        emailing(database, clock, resend_api_key=KEY, resend_api_base=resend.base) as world,
    ):
        await world.send()
        await world.world.run(10 * MINUTE)
        keys = [key for _, key, _ in resend.requests]
        assert (len(keys), len(set(keys))) == (3, 1)
        (sent,) = await world.deliveries()
        assert sent.id == uuid.UUID(keys[0])


async def test_dkim_signs_what_goes_out(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    import base64
    import subprocess

    import dkim

    key = tmp_path / "dkim.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    async with (
        MailServer() as server,
        emailing(
            database,
            clock,
            **smtp(server),
            dkim_private_key=str(key),
            dkim_selector="mail",
            public_url="https://example.com",
        ) as world,
    ):
        await world.send()
        raw = server.mails[0].raw
        asked: list[bytes] = []

        def dns(name: bytes, timeout: int = 5) -> bytes:
            asked.append(name)
            return record

        assert dkim.verify(raw, dnsfunc=dns)
        assert asked == [b"mail._domainkey.example.com."]
        header = server.mails[0].message["DKIM-Signature"]
        assert "list-unsubscribe:list-unsubscribe-post" in header.replace(" ", "")
        assert not dkim.verify(raw.replace(b"mail/one", b"mail/two"), dnsfunc=dns)


async def test_a_message_for_an_odd_address_fails_alone(
    database: Database, clock: VirtualClock
) -> None:
    async with MailServer() as server, emailing(database, clock, **smtp(server)) as world:
        async with database.transaction() as session:
            from dripline.contacts import queries as contacts

            await contacts.change_value(session, world.address_id, "a b@example.org")
        await world.send()
        (failed,) = await world.deliveries()
        assert (failed.status, failed.failure_code) == ("failed", "address")
        assert new_id() != failed.id
