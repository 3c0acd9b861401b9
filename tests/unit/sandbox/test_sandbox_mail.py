"""The sandbox's mail server takes what a sender hands over, and refuses what a server refuses."""

import smtplib
from asyncio import to_thread
from collections.abc import AsyncIterator
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from dripline.sandbox.mailserver import taking_mail
from dripline.sandbox.world.telegram import Telegram
from sandbox_running import HandClock


@pytest.fixture
async def server() -> AsyncIterator[tuple[Telegram, smtplib.SMTP]]:
    telegram = Telegram(HandClock().now)
    telegram.add_user("Anna", email="anna@example.com")
    async with taking_mail(telegram.post) as url:
        parts = urlsplit(url)
        client = await to_thread(smtplib.SMTP, parts.hostname or "", parts.port or 0, timeout=10)
        yield telegram, client
        await to_thread(client.close)


def letter(text: str = "Hello\n.\n..dots\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Школа <hello@x.example>"
    message["To"] = "Anna@Example.com"
    message["Subject"] = "Привет"
    message["List-Unsubscribe"] = "<https://x.example/u/1>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    message.add_alternative('<p>Hello</p><img src="cid:cat@media">', subtype="html")
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG", "image", "png", cid="<cat@media>", filename="cat.png")
    return message


async def test_a_message_lands_in_its_inbox(server: tuple[Telegram, smtplib.SMTP]) -> None:
    telegram, client = server
    await to_thread(client.send_message, letter())
    await to_thread(client.send_message, letter("second"))
    first, second = telegram.post.all()
    assert (first.sender, first.subject, first.user.first_name) == ("Школа", "Привет", "Anna")
    assert first.plain.replace("\r\n", "\n") == "Hello\n.\n..dots\n"
    assert first.unsubscribe == "https://x.example/u/1"
    assert first.files == {"cat@media": ("cat.png", b"\x89PNG")}
    assert second.plain.strip() == "second"


async def test_an_unknown_address_is_refused(server: tuple[Telegram, smtplib.SMTP]) -> None:
    telegram, client = server
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await to_thread(client.sendmail, "a@x.example", ["nobody@x.example"], b"x")
    assert refused.value.recipients["nobody@x.example"][0] == 550
    assert telegram.post.all() == []


async def test_odd_senders_harm_nobody(server: tuple[Telegram, smtplib.SMTP]) -> None:
    telegram, client = server
    assert (await to_thread(client.docmd, "FROBNICATE"))[0] == 502
    assert (await to_thread(client.docmd, "DATA"))[0] == 554
    assert (await to_thread(client.docmd, "RCPT", "TO: nonsense"))[0] == 550
    await to_thread(client.sendmail, "a@x.example", ["anna@example.com"], b"no headers at all")
    await to_thread(client.sendmail, "a@x.example", ["anna@example.com"], b"")
    assert len(telegram.post.all()) == 2
