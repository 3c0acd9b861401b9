"""The installed program sends emails, is killed in the middle, and hears what became of them."""

import asyncio
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from mail_server import MailServer
from outside import folder
from outside.program import Program, Programs
from outside.standin import TOKEN, StandIn
from resend_standin import KEY, SECRET, Resend, signed

pytestmark = pytest.mark.slow
ADMIN = "admin-key-for-tests"
PEOPLE = 120


class Aside:
    """Runs a server of the tests in a loop of its own, beside programs that are waited for."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Any:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.__aenter__(), self._loop).result(10)
        return self.server

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.server.__aexit__(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def content(tmp_path: Path) -> Path:
    spec = {"messages": {"one": {"text": "Hello {{ user.first_name }}"}}}
    return folder.write(tmp_path / "content", {"mail": spec})


@pytest.fixture
def telegram(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path) as server:
        yield server


def settings(tmp_path: Path, telegram: StandIn, **more: Any) -> dict[str, Any]:
    return {
        "database_url": f"sqlite:///{tmp_path / 'd.db'}",
        "telegram_bot_token": TOKEN,
        "telegram_api_base": telegram.url,
        "admin_api_key": ADMIN,
        "from_email": "Anna's School <hello@example.com>",
        "port": 0,
        **more,
    }


def import_people(programs: Programs, tmp_path: Path, content: Path, number: int) -> None:
    """Bring people in who have an email address and no chat."""
    programs.ask("content", "push", str(content))
    rows = "\n".join(f"p{one}@example.org,P{one},yes" for one in range(number))
    file = tmp_path / "people.csv"
    file.write_text(f"email,first_name,email_consent\n{rows}\n")
    done = programs.ask("contacts", "import", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def trigger(program: Program, tmp_path: Path) -> None:
    """Put everybody into the sequence."""
    with closing(sqlite3.connect(tmp_path / "d.db")) as database:
        rows = database.execute("SELECT contact_id FROM addresses WHERE channel = 'email'")
        people = [str(uuid.UUID(bytes=row[0])) for row in rows.fetchall()]
    with httpx.Client(
        base_url=program.address, headers={"X-API-Key": ADMIN}, trust_env=False
    ) as client:
        for one in people:
            body = {"user_id": one, "sequence_type": "mail", "override_channel": "email"}
            answer = client.post("/admin/api/nurture/trigger", json=body)
            assert answer.is_success, answer.text


def test_killed_in_the_middle_nothing_goes_out_twice(
    tmp_path: Path, content: Path, telegram: StandIn
) -> None:
    with Aside(Resend(rate=20)) as resend:
        chosen = settings(
            tmp_path,
            telegram,
            resend_api_key=KEY,
            resend_api_base=resend.base,
            resend_webhook_secret=SECRET,
            email_rate=100,
        )
        with Programs(tmp_path, **chosen) as programs:
            import_people(programs, tmp_path, content, PEOPLE)
            program = programs.start("run").ready()
            trigger(program, tmp_path)
            for share in (5, 3, 2):
                program.wait_for(lambda share=share: len(resend.emails) >= PEOPLE // share)
                program.kill()
                program = programs.start("run").ready()
            program.wait_for(lambda: len(set(resend.recipients)) == PEOPLE)
            program.wait_for(lambda: "120 sent" in _by_status(tmp_path))
            assert len(resend.emails) == PEOPLE

            headers, body = signed(
                "email.bounced",
                email_id="email-1",
                to=resend.recipients[0],
                bounce={"type": "Permanent", "message": "nobody there"},
            )
            url = program.address + "/admin/api/email/webhook"
            assert httpx.post(url, headers=headers, content=body).status_code == 200
            program.wait_for(lambda: "1 bounced" in _by_status(tmp_path))
            told = programs.ask("contacts", "show", resend.recipients[0]).stdout
            assert "bounced" in told


def _by_status(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "d.db")) as database:
        found = database.execute(
            "SELECT status, count(*) FROM message_deliveries GROUP BY status ORDER BY status"
        ).fetchall()
    return ", ".join(f"{number} {status}" for status, number in found)


def test_by_a_mail_server_and_its_bounces(tmp_path: Path, content: Path, telegram: StandIn) -> None:
    with Aside(MailServer()) as server:
        server.answers["p1@example.org"] = "550 5.1.1 nobody there"
        chosen = settings(
            tmp_path,
            telegram,
            smtp_url=f"smtp://127.0.0.1:{server.port}",
            bounce_address="bounces@example.com",
        )
        with Programs(tmp_path, **chosen) as programs:
            import_people(programs, tmp_path, content, 5)
            program = programs.start("run").ready()
            assert "email" in program.records("dripline.ready")[0]["channels"]
            trigger(program, tmp_path)
            program.wait_for(lambda: len(server.mails) == 4)
            program.wait_for(lambda: "1 failed, 4 sent" in _by_status(tmp_path))
            mail = server.mails[0]
            bounce = tmp_path / "bounce.eml"
            bounce.write_text(
                f"From: MAILER-DAEMON@example.org\nTo: {mail.sender}\nSubject: Undelivered\n"
                "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
                "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
                f"Final-Recipient: rfc822; {mail.recipient}\nAction: failed\nStatus: 5.1.1\n\n"
                "--b--\n"
            )
            done = programs.ask("bounces", str(bounce))
            assert "1  hard bounces" in done.stdout
            told = programs.ask("contacts", "show", mail.recipient).stdout
            assert "bounced" in told
