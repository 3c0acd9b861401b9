"""Our emails, from the template to the mail server's answer; started by `bench/emails.py`.

python bench/email_sender.py PORT COUNT
"""

import asyncio
import json
import sys
import time
import uuid
from datetime import UTC, datetime
from functools import partial

import uvloop

from dripline.channels.email import Letter
from dripline.channels.email_smtp import SmtpTransport
from dripline.clients.smtp import SmtpClient
from dripline.contacts.tokens import Purpose, Tokens
from dripline.content.document import Message
from dripline.content.email.form import EmailForms
from dripline.content.email.layout import Layouts
from dripline.content.liquid import Template
from dripline.content.rendered import Button, EmailUrls
from dripline.content.variables import fallbacks
from dripline.engagement.links import Links
from dripline.ids import new_id
from dripline.mail_settings import Sender, SmtpServer
from dripline.worker import calm_collector

CONNECTIONS = 20
BASE = "https://mail.example.com"
TOKENS = Tokens(b"key" * 11)
SENDER = Sender("Школа «Seeing»", "anna@example.com")
TEXT = """\
<b>A window and ten minutes</b>

Hello, {{ user.first_name | default: "friend" }}! This is day {{ user.program_day }}. We look \
at light: where it comes from, what it leaves in the dark, and why a window on a cloudy day is the \
best lamp you can have.

Put something ordinary on the sill: a cup, a lemon, your keys. Take three pictures of it. One with \
the window behind you, one with the window at its side, one against the light. \
<a href="https://example.com/lessons/light?from=mail">The lesson shows each of them</a>.

<blockquote>Wherever there is light, one can photograph.
— Alfred Stieglitz</blockquote>

• <i>Behind you</i>: everything is seen, nothing is shaped.
• <i>At the side</i>: texture, volume, a little drama.
• <i>Against the light</i>: a shape, and a glow around it.

Which one do you like best? <a href="https://example.com/answers">Tell us</a>, and see what others \
said. Tomorrow we go outside.

{% if user.state == "VIP" %}<b>For you there is a second lesson</b> below.{% endif %}"""
ROWS = ((Button("url", "Open the lesson", "https://example.com/lessons/light"),),)


def message() -> Message:
    """Return a message of a course, compiled as content is."""
    constants = {"bot": {"company_name": "Seeing"}, "scenario": {"id": "seeing", "name": "Seeing"}}
    template = Template(TEXT, html=True, constants=constants, fallbacks=fallbacks())
    forms = EmailForms(
        Layouts({}, constants),
        title="Seeing",
        subjects={"": Template("A window, {{ user.first_name }}", html=False)},
        preheaders={"": Template("And ten minutes of light", html=False)},
    )
    return Message("light", {"": template}, email=forms)


def made(number: int, content: Message, links: Links, now: datetime) -> Letter:
    """Return a letter to a contact: rendered, tracked, put together."""
    delivery_id, contact_id = new_id(), uuid.UUID(int=number + 1)
    user = {
        "first_name": f"Анна {number}",
        "user_name": f"anna{number}",
        "program_day": number % 7,
        "state": "VIP" if number % 10 == 0 else "REGISTERED",
    }
    email = content.as_email({"user": user}, "en").email
    assert email is not None
    urls = EmailUrls(
        f"{BASE}/u/{TOKENS.make(Purpose.UNSUBSCRIBE, contact_id, now, delivery_id)}",
        f"{BASE}/p/{TOKENS.make(Purpose.PREFERENCES, contact_id, now)}",
        links.pixel(delivery_id, contact_id),
        partial(links.link, delivery_id, contact_id),
        trap=links.trap(delivery_id, contact_id),
    )
    to = f"contact{number}@example.org"
    return Letter(delivery_id, SENDER, to, email.assemble(urls), urls.unsubscribe, now)


class NoFiles:
    """Nothing goes along with these emails."""

    async def read(self, sha256: str) -> bytes:
        """Nobody asks."""
        raise LookupError(sha256)


async def send(port: int, count: int) -> dict[str, float]:
    """Send `count` emails; return the rate and the share of a core."""
    server = SmtpServer(
        "127.0.0.1",
        port,
        tls=False,
        starttls="never",
        user=None,
        password=None,
        connections=CONNECTIONS,
    )
    transport = SmtpTransport(SmtpClient(server), NoFiles())
    content, links = message(), Links(b"key" * 11, BASE)
    numbers, now = iter(range(count)), datetime.now(UTC)
    await transport.send(made(count, content, links, now))
    calm_collector()  # as a worker has it

    async def one_line() -> None:
        for number in numbers:
            await transport.send(made(number, content, links, now))

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one_line() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - began
    cpu = time.process_time() - cpu
    await transport.close()
    return {"rate": count / seconds, "rate_per_core": count / cpu, "share": cpu / seconds}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(send(int(sys.argv[1]), int(sys.argv[2])))))
