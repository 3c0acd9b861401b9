"""The usual way: `email.message.EmailMessage` and aiosmtplib, connections kept open.

python bench/peers/email_stdlib.py PORT COUNT HTML PLAIN

It gets its texts rendered already, and puts a name into them; links are not tracked.
"""

import asyncio
import json
import sys
import time
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

import aiosmtplib
import uvloop

CONNECTIONS = 20


def made(number: int, html: str, plain: str) -> EmailMessage:
    """Return one message."""
    name = f"Анна {number}"
    message = EmailMessage()
    message["From"] = "Школа «Seeing» <anna@example.com>"
    message["To"] = f"contact{number}@example.org"
    message["Subject"] = f"A window, {name}"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="example.com")
    message["List-Unsubscribe"] = f"<https://mail.example.com/u/{number}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(plain.replace("NAME", name))
    message.add_alternative(html.replace("NAME", name), subtype="html")
    return message


async def send(port: int, count: int, html: str, plain: str) -> dict[str, float]:
    """Send `count` emails; return the rate and the share of a core."""
    numbers = iter(range(count))

    async def one_line() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            for number in numbers:
                await smtp.send_message(made(number, html, plain))

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one_line() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - began
    cpu = time.process_time() - cpu
    return {"rate": count / seconds, "rate_per_core": count / cpu}


if __name__ == "__main__":
    texts = [Path(name).read_text() for name in sys.argv[3:5]]
    print(json.dumps(uvloop.run(send(int(sys.argv[1]), int(sys.argv[2]), *texts))))
