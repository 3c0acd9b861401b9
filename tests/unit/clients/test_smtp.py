"""SMTP to a real server that refuses, hangs, closes, limits, encrypts and asks for a password."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.clients.smtp import SmtpClient
from dripline.clients.smtp_errors import PolicyRefused, failure
from dripline.clients.smtp_session import Reply, stuffed
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    PermanentFailure,
    RateLimited,
    RetryLater,
    SendFailure,
    Unreachable,
)
from dripline.mail_settings import smtp_server
from mail_server import CLOSE, HANG, MailServer, certificate

FROM, ANNA = "bounces@example.com", "anna@example.org"
MESSAGE = b"Subject: Hello\r\n\r\nText\r\n.\r\n..two\r\nEnd\r\n"


def client_of(server: MailServer, options: str = "", login: str = "") -> SmtpClient:
    scheme = "smtps" if server.tls else "smtp"
    return SmtpClient(smtp_server(f"{scheme}://{login}127.0.0.1:{server.port}?timeout=1{options}"))


@pytest.mark.parametrize("pipelining", [True, False])
async def test_messages_arrive_whole_over_one_connection(pipelining: bool) -> None:
    async with MailServer(pipelining=pipelining) as server:
        client = client_of(server)
        for _ in range(3):
            assert (await client.send(FROM, ANNA, MESSAGE)).startswith("250")
        await client.close()
        assert [mail.raw for mail in server.mails] == [MESSAGE] * 3
        assert {(mail.sender, mail.recipient) for mail in server.mails} == {(FROM, ANNA)}
        assert server.connections == 1


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_refused_recipient_harms_no_other(pipelining: bool) -> None:
    async with MailServer(pipelining=pipelining) as server:
        server.answers["nobody@example.org"] = "550 5.1.1 no such user here"
        client = client_of(server)
        await client.send(FROM, ANNA, MESSAGE)
        with pytest.raises(Unreachable) as caught:
            await client.send(FROM, "nobody@example.org", MESSAGE)
        assert caught.value.reachability == "bounced"
        assert "5.1.1 no such user" in caught.value.reason
        await client.send(FROM, ANNA, MESSAGE)
        await client.close()
        assert [mail.recipient for mail in server.mails] == [ANNA, ANNA]
        assert server.connections == 1


async def test_many_at_once_share_the_connections_that_are_allowed() -> None:
    async with MailServer() as server:
        client = client_of(server, "&connections=4")
        await asyncio.gather(*(client.send(FROM, f"a{n}@example.org", MESSAGE) for n in range(60)))
        await client.close()
        assert len({mail.recipient for mail in server.mails}) == 60
        assert server.connections <= 4


async def test_who_gives_up_waiting_leaves_its_turn_to_others() -> None:
    async with MailServer() as server:
        client = client_of(server, "&connections=1")
        tasks = [asyncio.create_task(client.send(FROM, ANNA, MESSAGE)) for _ in range(6)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        tasks[0].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(one, str) for one in done) == 4
        await client.send(FROM, ANNA, MESSAGE)
        await client.close()


async def test_a_connection_closed_while_idle_is_replaced() -> None:
    async with MailServer() as server:
        client = client_of(server)
        await client.send(FROM, ANNA, MESSAGE)
        server.drop_all()
        await client.send(FROM, ANNA, MESSAGE)
        await client.close()
        assert (len(server.mails), server.connections) == (2, 2)


async def test_a_server_that_wants_a_new_connection_gets_one() -> None:
    async with MailServer(most_mails=2) as server:
        client = client_of(server)
        for _ in range(5):
            await client.send(FROM, ANNA, MESSAGE)
        await client.close()
        assert [mail.connection for mail in server.mails] == [1, 1, 2, 2, 3]


async def test_a_server_that_has_enough_of_us_is_left_alone() -> None:
    async with MailServer(most_mails=0) as server:
        client = client_of(server)
        with pytest.raises(ChannelDown, match="421"):
            await client.send(FROM, ANNA, MESSAGE)
        await client.close()


async def test_one_that_hangs_before_the_message_is_down() -> None:
    async with MailServer() as server:
        server.answers[ANNA] = HANG
        client = client_of(server)
        with pytest.raises(ChannelDown, match="did not answer in time"):
            await client.send(FROM, ANNA, MESSAGE)
        await client.close()


@pytest.mark.parametrize("fault", [HANG, CLOSE])
async def test_after_the_message_nobody_knows_so_it_costs_an_attempt(fault: str) -> None:
    async with MailServer() as server:
        server.after_data = [fault]
        client = client_of(server)
        with pytest.raises(RetryLater, match="may have taken"):
            await client.send(FROM, ANNA, MESSAGE)
        await client.send(FROM, ANNA, MESSAGE)
        await client.close()


async def test_one_that_closes_midway_is_down() -> None:
    async with MailServer() as server:
        server.answers[ANNA] = CLOSE
        client = client_of(server)
        with pytest.raises(ChannelDown, match="closed the connection"):
            await client.send(FROM, ANNA, MESSAGE)
        await client.close()


async def test_a_server_that_is_not_there() -> None:
    async with MailServer() as server:
        port = server.port
    client = SmtpClient(smtp_server(f"smtp://127.0.0.1:{port}"))
    with pytest.raises(ChannelDown, match=r"cannot reach 127\.0\.0\.1"):
        await client.send(FROM, ANNA, MESSAGE)


async def test_something_that_is_not_smtp() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
        done.set()

    done = asyncio.Event()
    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = SmtpClient(smtp_server(f"smtp://127.0.0.1:{port}?timeout=1"))
        with pytest.raises((ChannelDown, ChannelRefused)):
            await client.send(FROM, ANNA, MESSAGE)
        await done.wait()


async def test_starttls_with_a_password(tmp_path: Path) -> None:
    context = certificate(tmp_path)
    async with MailServer(starttls=context, login=("anna", "s3cret")) as server:
        client = client_of(server, "&starttls=always&verify=no", "anna:s3cret@")
        await client.check()
        await client.send(FROM, ANNA, MESSAGE)
        await client.send(FROM, ANNA, MESSAGE)
        await client.close()
        assert (len(server.mails), server.encrypted) == (2, {1})


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    async with MailServer(tls=certificate(tmp_path)) as server:
        client = client_of(server, "&verify=no")
        await client.send(FROM, ANNA, MESSAGE)
        await client.close()
        assert server.encrypted == {1}


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with MailServer(starttls=certificate(tmp_path)) as server:
        client = client_of(server)
        with pytest.raises(ChannelRefused, match="verify=no"):
            await client.send(FROM, ANNA, MESSAGE)
        await client.close()


async def test_a_wrong_password_holds_the_channel_and_is_not_shown(tmp_path: Path) -> None:
    context = certificate(tmp_path)
    async with MailServer(starttls=context, login=("anna", "s3cret")) as server:
        client = client_of(server, "&verify=no", "anna:guessed@")
        with pytest.raises(ChannelRefused, match="535") as caught:
            await client.send(FROM, ANNA, MESSAGE)
        assert "guessed" not in caught.value.reason
        await client.close()


async def test_no_encryption_where_it_is_asked_for() -> None:
    async with MailServer() as server:
        client = client_of(server, "&starttls=always")
        with pytest.raises(ChannelRefused, match="STARTTLS"):
            await client.send(FROM, ANNA, MESSAGE)
        await client.close()


@pytest.mark.parametrize(
    "recipient",
    ["anna@example.org>\r\nRCPT TO:<eve@evil.example", "a b@example.org", "anna", "@example.org",
     "a\0@example.org", "<a@example.org>", "a@example.org\n", f"{'a' * 400}@example.org"],
)  # fmt: skip
async def test_no_recipient_ends_its_own_command(recipient: str) -> None:
    async with MailServer() as server:
        client = client_of(server)
        with pytest.raises(PermanentFailure) as caught:
            await client.send(FROM, recipient, MESSAGE)
        assert caught.value.code == "address"
        assert server.connections == 0


async def test_an_address_beyond_ascii() -> None:
    async with MailServer() as server:
        client = client_of(server)
        await client.send(FROM, "анна@example.org", MESSAGE)
        await client.close()
        assert server.mails[0].recipient == "анна@example.org"


@given(st.binary(max_size=200))
def test_no_message_ends_before_its_end(message: bytes) -> None:
    sent = stuffed(message)
    assert sent.endswith(b"\r\n.\r\n")
    body = b"\r\n" + sent[: -len(b".\r\n")]
    assert b"\r\n.\r\n" not in body
    assert body.count(b"\n") == body.count(b"\r") == body.count(b"\r\n")


CASES: list[tuple[str, str, type[SendFailure], str | None]] = [
    # what the server says, at which step, what it means, and its code or new reachability
    ("421 4.3.2 shutting down", "mail", ChannelDown, None),
    ("421 4.7.28 too many messages", "mail", RateLimited, None),
    ("450 4.7.1 greylisted, come back later", "rcpt", RetryLater, None),
    ("451 4.3.0 try again", "rcpt", RetryLater, None),
    ("450 4.2.1 receiving mail at a rate that prevents more", "rcpt", RetryLater, None),
    ("452 4.2.2 mailbox quota exceeded", "rcpt", RetryLater, None),
    ("451 you send too fast, throttled", "rcpt", RateLimited, None),
    ("451 too many messages", "message", RateLimited, None),
    ("452 4.3.1 insufficient system storage", "data", ChannelDown, None),
    ("550 5.1.1 no such user", "rcpt", Unreachable, "bounced"),
    ("550 5.1.2 no such domain", "rcpt", Unreachable, "bounced"),
    ("550 5.1.10 no such user", "message", Unreachable, "bounced"),
    ("550 5.2.1 disabled", "rcpt", Unreachable, "bounced"),
    ("550 5.4.1 access denied", "rcpt", Unreachable, "bounced"),
    ("550 No such user", "rcpt", Unreachable, "bounced"),
    ("552 5.2.2 mailbox is full", "rcpt", PermanentFailure, "mailbox_full"),
    ("552 mailbox full", "rcpt", PermanentFailure, "mailbox_full"),
    ("552 5.3.4 too big", "message", PermanentFailure, "rejected"),
    ("554 5.6.0 malformed", "message", PermanentFailure, "rejected"),
    ("550 5.7.1 relaying denied", "rcpt", PolicyRefused, None),
    ("554 your address is on a blacklist", "message", PolicyRefused, None),
    ("550 5.1.8 bad sender domain", "rcpt", ChannelRefused, None),
    ("550 5.4.5 daily quota is used up", "rcpt", RateLimited, None),
    ("535 5.7.8 bad credentials", "auth", ChannelRefused, None),
    ("530 5.7.0 say STARTTLS first", "mail", ChannelRefused, None),
    ("554 no service here", "connect", ChannelRefused, None),
]


@pytest.mark.parametrize(("answer", "step", "kind", "detail"), CASES)
def test_what_an_answer_means(answer: str, step: str, kind: type[Any], detail: str | None) -> None:
    said = failure("mail.example.com", Reply(int(answer[:3]), answer[4:], step))
    assert type(said) is kind
    assert detail in (None, getattr(said, "reachability", getattr(said, "code", None)))
    assert answer[4:] in said.reason
