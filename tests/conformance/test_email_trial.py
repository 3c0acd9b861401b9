"""A test email goes out by the settings' own way, and says plainly why if it does not."""

import asyncio
import socket
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dripline.clock import RealClock
from dripline.database import Database
from dripline.errors import Conflict, DriplineError, Invalid, NotFound
from dripline.settings import Settings
from dripline.wiring.email_trial import send_trial


class Taker:
    """Takes mail for everybody but `nobody@…`."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.messages.append(envelope.content)
        return "250 taken"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def attempt(
    database: Database, address: str = "anna@example.com", layout: str = "welcome_email"
) -> list[bytes]:
    taker, port = Taker(), free_port()
    server = Controller(taker, hostname="127.0.0.1", port=port)
    await asyncio.to_thread(server.start)
    settings = Settings(
        smtp_url=f"smtp://127.0.0.1:{port}",  # type: ignore[arg-type]
        from_email="School <hello@school.example>",
        secret_key="x" * 40,  # type: ignore[arg-type]
        public_url="https://school.example",
    )
    try:
        await send_trial(
            settings, database, RealClock(), address, layout=layout, user_name="Anna", language="ru"
        )
    finally:
        await asyncio.to_thread(server.stop)
    return taker.messages


async def test_it_arrives(database: Database) -> None:
    [message] = await attempt(database)
    parsed = message_from_bytes(message, policy=policy.default)
    assert parsed["Subject"] == "Проверочное письмо от dripline"
    assert parsed["From"] == "School <hello@school.example>"
    html = parsed.get_body(("html",))
    assert html is not None
    assert "Рады вам, Anna" in html.get_content()
    assert "https://school.example/u/" in html.get_content()


@pytest.mark.parametrize(
    ("address", "layout", "error"),
    [
        ("no address", "welcome_email", Invalid),
        ("anna@example.com", "nope", NotFound),
        ("nobody@example.com", "welcome_email", Conflict),
    ],
)
async def test_what_keeps_it_back(
    database: Database, address: str, layout: str, error: type[DriplineError]
) -> None:
    with pytest.raises(error):
        await attempt(database, address, layout)


async def test_without_a_way_it_says_what_to_set(database: Database) -> None:
    with pytest.raises(Invalid, match="SMTP_URL"):
        await send_trial(
            Settings(),
            database,
            RealClock(),
            "a@b.example",
            layout="welcome_email",
            user_name="",
            language="",
        )
