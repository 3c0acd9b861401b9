"""The API of the installed program, by its own client: people in, messages out, numbers, errors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dripline.clients.dripline import ApiError, Dripline
from outside import folder
from outside.program import Program, Programs
from outside.standin import TOKEN, StandIn

pytestmark = pytest.mark.slow
ADMIN = "admin-key-for-tests"
COURSE = {
    "messages": {
        "one": {"text": "Hello {{ user.first_name }}, {{ context.coupon | default: 'hi' }}"},
        "two": {"text": "Tomorrow", "timing": {"days": 1}},
    }
}

OTHER = {**COURSE, "config": {"lane": "beside"}}


class Running:
    """The program, Telegram, and a client with the admin's key."""

    def __init__(self, programs: Programs, program: Program, telegram: StandIn) -> None:
        self.programs, self.program, self.telegram = programs, program, telegram
        self.clients: list[Dripline] = []
        self.api = self.client(ADMIN)

    def client(self, key: str, **options: Any) -> Dripline:
        self.clients.append(Dripline(self.program.address, key, **options))
        return self.clients[-1]


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Iterator[Running]:
    content = folder.write(tmp_path / "content", {"course": COURSE, "other": OTHER})
    with (
        StandIn(tmp_path) as telegram,
        Programs(
            tmp_path,
            database_url=database_url,
            telegram_bot_token=TOKEN,
            telegram_api_base=telegram.url,
            admin_api_key=ADMIN,
            secret_key="k" * 40,
            webhook_private_networks="true",
        ) as programs,
    ):
        program = programs.start("run", "--content", str(content)).ready()
        made = Running(programs, program, telegram)
        yield made
        for client in made.clients:
            client.close()


def refused(call: Any) -> tuple[int, str]:
    """Return status and code of the error that a call ends with."""
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.status, caught.value.code


def test_a_contact_from_the_first_request_to_the_numbers(running: Running) -> None:
    api = running.api
    made = api.create_contact(telegram_id=7, first_name="Anna", add_tags=["warm"])
    assert api.contact(7)["id"] == made["id"]
    assert refused(lambda: api.contact(8)) == (404, "USER_NOT_FOUND")
    running.telegram.says(7, "/start other")  # only who has started the bot can be written to
    running.telegram.wait_for(lambda: len(running.telegram.texts(7)) == 1)

    entered = api.trigger(7, "course", context={"coupon": "SPRING"})
    assert refused(lambda: api.trigger(7, "course")) == (409, "SCENARIO_ALREADY_ACTIVE")
    assert refused(lambda: api.trigger(7, "nothing")) == (404, "SCENARIO_NOT_FOUND")
    running.telegram.wait_for(lambda: len(running.telegram.texts(7)) == 2)
    assert running.telegram.texts(7)[-1].endswith(", SPRING")

    def sent() -> list[dict[str, Any]]:
        return list(api.deliveries(contact=7, scenario="course"))

    (row,) = running.program.wait_for(sent)
    whole = api.delivery(row["id"])
    assert (whole["message_id"], whole["status"], whole["channel"]) == ("one", "sent", "telegram")
    assert len(whole["provider_ids"]) == 1  # Telegram's own id of the message
    assert whole["tracking_id"] == row["id"].replace("-", "")
    assert api.enrollment(entered["id"])["messages_sent"] == 1
    assert {one["scenario_id"] for one in api.enrollments(contact=7)} == {"course", "other"}
    assert "sent" in {line["kind"] for line in api.why(7)}

    happened = {"name": "attendance", "contact": "7", "id": "webinar-1"}
    assert api.append_events([happened])["appended"] == 1
    assert api.append_events([happened])["appended"] == 0  # the same again
    running.program.wait_for(lambda: "attendance" in api.engagement(7)["scores"])
    assert api.count({"tag": "warm"}, {"not": {"state": ["VIP"]}}) == 1
    assert refused(lambda: api.count({"tga": "warm"})) == (422, "INVALID_SEGMENT")
    api.record_payment(7, 150_000, "RUB", "invoice-7")
    assert api.count("has_not_paid") == 0

    api.advance(entered["id"])
    running.telegram.wait_for(lambda: len(running.telegram.texts(7)) == 3)
    running.program.wait_for(lambda: api.enrollment(entered["id"])["status"] == "completed")
    assert refused(lambda: api.cancel(entered["id"])) == (409, "INVALID_SCENARIO_STATE")
    seen = running.program.wait_for(lambda: _counted(api.overview(days=1), 3))
    assert (seen["contacts"], seen["messages"]["failed"]) == (1, 0)


def _counted(overview: dict[str, Any], sent: int) -> dict[str, Any] | None:
    return overview if overview["messages"]["sent"] == sent else None


def test_the_endpoints_that_nurture_systems_are_used_to(running: Running) -> None:
    api = running.api
    running.telegram.says(7, "/start other")
    running.telegram.wait_for(lambda: len(running.telegram.texts(7)) == 1)
    assert api.request("GET", "/")["status"] == "ok"
    body: dict[str, Any] = {
        "user_id": 7, "sequence_type": "course", "context": {"coupon": "A"},
        "override_channel": "telegram",
    }  # fmt: skip
    assert api.request("POST", "/admin/api/nurture/trigger", body)["status"] == "triggered"
    again = (409, "SCENARIO_ALREADY_ACTIVE")
    assert refused(lambda: api.request("POST", "/admin/api/nurture/trigger", body)) == again
    running.telegram.wait_for(lambda: len(running.telegram.texts(7)) == 2)
    rows = api.request("GET", "/admin/api/nurture/active")["items"]
    assert [(one["user_id"], one["sequence_type"], one["of"]) for one in rows] == [
        ("7", "course", 2),
        ("7", "other", 2),
    ]
    assert api.request("GET", "/admin/api/metrics")["users"] == 1
    seen = api.request("GET", "/admin/api/nurture/analytics", query={"days": 30})
    assert {one["sequence_type"] for one in seen["sequences"]} == {"course", "other"}
    assert api.request("POST", "/admin/api/nurture/process")["waiting"] == 2
    assert api.request("GET", "/admin/api/email/stats", query={"days": 7})["days"] == 7
    test = {"email_address": "a@example.com", "user_name": "A", "template_type": "welcome_email"}
    assert refused(lambda: api.request("POST", "/admin/api/email/test", test)) == (
        409,
        "EMAIL_NOT_CONFIGURED",
    )
    assert [one["user_id"] for one in api.pages("/admin/api/users")] == ["7"]
    assert api.request("POST", "/admin/api/nurture/clear-failed") == {"cleared": 0}
    typo = {"sarch": "Anna"}
    assert refused(lambda: api.request("GET", "/admin/api/users", query=typo)) == (422, "INVALID")


def test_keys_have_roles_and_guesses_an_end(running: Running) -> None:
    made = running.programs.ask("keys", "create", "dashboard", "--role", "viewer")
    key = next(word for word in made.stdout.split() if word.startswith("drip_"))
    viewer = running.client(key)
    assert list(viewer.contacts()) == []
    assert refused(lambda: viewer.create_contact(telegram_id=1)) == (403, "FORBIDDEN")
    stranger = running.client("guess", tries=1)
    answers = [refused(lambda: list(stranger.contacts())) for _ in range(1_000)]
    assert set(answers) == {(401, "UNAUTHORIZED"), (429, "TOO_MANY")}
    assert answers.count((401, "UNAUTHORIZED")) <= 20  # ten a minute, and one may end
