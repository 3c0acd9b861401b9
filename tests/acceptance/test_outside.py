"""The way of whoever judges it: `dripline run` on a content folder, driven only from outside.

One process serves all tests of this file, each with people of its own.
"""

import asyncio
import itertools
import json
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from outside import folder
from outside.evidence import Ask, count, of_sqlite
from outside.folder import buttons
from outside.http import get, post
from outside.program import Program, Programs
from outside.standin import TOKEN, Call, Fate, StandIn, blocked

pytestmark = pytest.mark.slow
_people = itertools.count(100)
LONG = "a" * 61  # a button to start it says "go:" before it, in 64 bytes
UNKNOWN = "no_such_scenario"


def png(shade: int) -> bytes:
    """A picture of one grey pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, shade]))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


CONTENT = {
    "course": {
        "name": "Course",
        "product_name": "A flat for two",
        "messages": {
            "hello": {
                "text": "Hello, <b>{{ user.first_name }}</b>, of {{ bot.company_name }}",
                "languages": {"ru": "Привет, {{ user.first_name }}"},
                "photos": ["a.png", "b.png"],
                "photo_files": {"a.png": png(1), "b.png": png(2)},
                "inline_keyboard": {"button_set_ref": "pay"},
            },
            "task": {
                "text": "Press DONE",
                "wait_for": "callback:DONE",
                "inline_keyboard": buttons(
                    [{"type": "callback", "text": "Done", "callback_data": "DONE"}],
                    [{"type": "start_scenario", "text": "Second", "scenario_id": "second"}],
                    [{"type": "url", "text": "Read {{ scenario.product_name }}",
                      "url": "https://example.com/x?u={{ user.first_name }}"}],
                ),
            },
            "last": {"text": "Well done"},
        },
        "summary": {"text": "In short: {{ scenario.product_name }}"},
    },
    "second": {
        "messages": {
            "one": {"text": "second one"},
            "two": {"text": "second two", "timing": {"hours": 0, "minutes": 1}},
        },
        "summary": {"text": "second summary"},
    },
    LONG: {"messages": {"one": {"text": "a long name"}}, "summary": None},
    "switched_off": {"is_active": False, "messages": {"one": {"text": "never"}}},
}  # fmt: skip
PAY = {
    "pay": buttons(
        [{"type": "payment", "text": "Pay"}],
        [{"type": "url", "text": "Support", "url": "{{ bot.support_link }}"}],
    )
}
GLOBALS = {"company_name": "Drops & Co", "support_link": "https://t.me/support"}


@dataclass
class Outside:
    """A running program, and everything around it."""

    telegram: StandIn
    programs: Programs
    run: Program
    blocked: set[int]
    ask: Ask

    def person(self) -> int:
        """Return somebody new."""
        return next(_people)

    def expect(self, user: int, *texts: str, seconds: float = 20.0) -> list[Call]:
        """Wait until a person has got just these texts, in order, and that is written down."""
        written = f"SELECT count(*) FROM message_deliveries WHERE recipient = '{user}'"
        self.telegram.wait_for(
            lambda: count(self.ask, written) >= len(texts),
            seconds,
            f"{texts}, but {self.telegram.texts(user)}",
        )
        assert self.telegram.texts(user) == list(texts)
        return [call for call in self.telegram.sent(user) if call.text]

    def begin(self, user: int, payload: str = "", **person: str) -> list[Call]:
        """Press Start, get the greeting and the task."""
        self.telegram.says(user, f"/start {payload}".strip(), **person)
        return self.expect(user, greeting(user), "Press DONE")

    def nothing_more(self, user: int) -> None:
        """See that a person gets nothing else: not before somebody who comes later."""
        before = self.telegram.texts(user)
        later = self.person()
        self.begin(later)
        assert self.telegram.texts(user) == before


def greeting(user: int) -> str:
    """The first message for a person."""
    return f"Hello, <b>c{user}</b>, of Drops &amp; Co"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """The program, started as an operator starts it."""
    place = tmp_path_factory.mktemp("outside")
    folder.write(place / "content", CONTENT, button_sets=PAY, variables=GLOBALS)
    away: set[int] = set()

    def rule(call: Call) -> Fate | None:
        return blocked() if call.sends and call.chat in away else None

    with (
        StandIn(place) as telegram,
        Programs(
            place, database_url="sqlite:///data.db", telegram_api_base=telegram.url
        ) as programs,
    ):
        telegram.rule = rule
        run = programs.start("run", "--content", "content").ready()
        set_up = Outside(telegram, programs, run, away, of_sqlite(place / "data.db"))
        yield set_up
        run = set_up.run
        assert run.stop()[0] == 0
        assert not [line for line in run.log().splitlines() if not line.startswith("{")]
        assert TOKEN not in run.log()
        assert "Traceback" not in run.log()


def test_start_greets_with_an_album_its_buttons_and_variables(outside: Outside) -> None:
    user = outside.person()
    said = outside.begin(user)
    album = outside.telegram.sent(user)[0]
    assert (album.method, len(album.fields["media"])) == ("sendMediaGroup", 2)
    shown = {button["text"]: button for call in said for button in call.buttons}
    assert "Pay" not in shown  # without a link to pay there is no dead button
    assert shown["Support"]["url"] == GLOBALS["support_link"]
    assert shown["Read A flat for two"]["url"] == f"https://example.com/x?u=c{user}"
    assert shown["Done"]["callback_data"] == "DONE"
    assert [call.fields.get("parse_mode") for call in said] == ["HTML", "HTML"]


def test_an_album_is_uploaded_once_and_then_sent_by_its_ids(outside: Outside) -> None:
    first, second = outside.person(), outside.person()
    outside.begin(first)
    outside.begin(second)
    album = outside.telegram.sent(second)[0]
    assert album.files == {}
    assert all(item["media"].startswith("file-") for item in album.fields["media"])


def test_the_contacts_language_decides(outside: Outside) -> None:
    user = outside.person()
    outside.telegram.says(user, "/start", language_code="ru")
    outside.expect(user, f"Привет, c{user}", "Press DONE")


def test_a_deep_link_names_a_scenario(outside: Outside) -> None:
    user = outside.person()
    outside.telegram.says(user, "/start second")
    outside.expect(user, "second one")


def test_a_scenario_may_have_as_long_a_name_as_a_button_can_carry(outside: Outside) -> None:
    user = outside.person()
    outside.telegram.says(user, f"/start {LONG}")
    outside.expect(user, "a long name")


@pytest.mark.parametrize("payload", ["r_friend-of_mine", "r_" + "x" * 62])
def test_typed_codes_lead_to_the_default_without_a_word(outside: Outside, payload: str) -> None:
    user = outside.person()
    outside.begin(user, payload)


@pytest.mark.parametrize(
    "payload",
    [
        UNKNOWN,
        "switched_off",
        "p_42",
        "p_",
        "x" * 64,
        "-" * 64,
        "_" * 64,
        "0" * 64,
        "Course",
        "second second",
    ],
)
def test_an_unknown_link_is_said_kindly_and_leads_to_the_default(
    outside: Outside, payload: str
) -> None:
    user = outside.person()
    outside.telegram.says(user, f"/start {payload}")
    outside.telegram.wait_for(lambda: len(outside.telegram.texts(user)) >= 3)
    kind, *rest = outside.telegram.texts(user)
    assert rest == [greeting(user), "Press DONE"]
    assert "link" in kind


def test_a_name_is_no_markup(outside: Outside) -> None:
    user = outside.person()
    outside.telegram.says(user, "/start", first_name="<b>{{ x }}&")
    outside.expect(user, "Hello, <b>&lt;b&gt;{{ x }}&amp;</b>, of Drops &amp; Co", "Press DONE")


def test_done_moves_on_once_and_the_button_is_answered(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    outside.telegram.presses(user, "NOTHING_KNOWN")
    outside.telegram.presses(user, "DONE")
    outside.telegram.presses(user, "DONE")
    outside.expect(user, greeting(user), "Press DONE", "Well done")
    answered = [
        call
        for call in outside.telegram.of_method("answerCallbackQuery")
        if str(call.fields["callback_query_id"]).startswith(str(user))
    ]
    outside.telegram.wait_for(lambda: len(answered) <= 3)
    outside.nothing_more(user)


def test_a_completed_scenario_sends_its_summary_only(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    outside.telegram.presses(user, "DONE")
    outside.expect(user, greeting(user), "Press DONE", "Well done")
    outside.telegram.says(user, "/start")
    outside.telegram.wait_for(lambda: outside.telegram.texts(user)[3:] != [])
    assert outside.telegram.texts(user)[3:] == ["In short: A flat for two"]


def test_asking_again_says_the_last_message_again(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    outside.telegram.says(user, "/start")
    outside.expect(user, greeting(user), "Press DONE", "Press DONE")
    outside.telegram.says(user, "/start course")
    outside.expect(user, greeting(user), "Press DONE", "Press DONE", "Press DONE")


def test_switching_there_and_back_keeps_ones_place(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    outside.telegram.presses(user, "go:second")
    outside.expect(user, greeting(user), "Press DONE", "second one")
    outside.telegram.says(user, "/start course")
    # The question is put before one's eyes again, and still waits for its answer.
    outside.expect(user, greeting(user), "Press DONE", "second one", "Press DONE")
    outside.telegram.presses(user, "DONE")
    outside.expect(user, greeting(user), "Press DONE", "second one", "Press DONE", "Well done")


def test_a_button_into_a_scenario_that_is_gone_is_answered_in_words(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    outside.telegram.presses(user, f"go:{UNKNOWN}")
    outside.telegram.wait_for(lambda: len(outside.telegram.texts(user)) == 3)
    assert "not available" in outside.telegram.texts(user)[2]


def test_who_blocks_the_bot_is_left_alone_and_goes_on_when_back(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    outside.blocked.add(user)
    outside.telegram.presses(user, "DONE")
    outside.telegram.wait_for(lambda: len(outside.telegram.texts(user)) == 3)
    outside.telegram.blocks(user)
    outside.nothing_more(user)
    outside.blocked.remove(user)
    outside.telegram.blocks(user, back=True)
    outside.telegram.wait_for(lambda: "Well done" in outside.telegram.reached[user])
    assert [c.text for c in outside.telegram.sent(user, answered=True) if c.text] == [
        greeting(user),
        "Press DONE",
        "Well done",
    ]


def test_odd_updates_harm_nobody(outside: Outside) -> None:
    odd = [
        {},
        {"message": None},
        {"message": {"chat": {"id": -5, "type": "group"}, "text": "/start"}},
        {"message": {"chat": {"id": 5, "type": "private"}, "from": {"id": "x"}, "text": "/start"}},
        {"callback_query": {"id": "1", "from": {"id": 2**70, "first_name": "x"}}},
        {"my_chat_member": {"chat": {"id": 987654, "type": "private"}}},
        {"poll": {"id": "1"}},
        {"edited_message": {"text": "\ud800"}},
    ]
    for update in odd:
        outside.telegram.update(update)
    outside.begin(outside.person())


def test_why_tells_what_happened_to_a_contact(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    told = outside.programs.ask("why", str(user))
    assert told.returncode == 0, told.stderr
    assert "hello" in told.stdout
    assert "task" in told.stdout
    one = outside.programs.ask("why", str(user), "hello")
    assert one.returncode == 0, one.stderr
    assert "task" not in one.stdout


def test_simulate_shows_messages_and_times_and_sends_nothing(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    sent = len(outside.telegram.sent(user))
    told = outside.programs.ask("simulate", "second", "--for", str(user))
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert ["second one" in lines[0], "second two" in lines[1]] == [True, True]
    assert len(outside.telegram.sent(user)) == sent


def test_health_readiness_and_metrics(outside: Outside) -> None:
    address = outside.run.address
    for path, word in (("/healthz", b"ok"), ("/readyz", b"ready"), ("/metrics", b"dripline_")):
        status, body = asyncio.run(get(address + path))
        assert (status, word in body) == (200, True), body
    assert TOKEN.encode() not in asyncio.run(get(address + "/metrics"))[1]
    status, _ = asyncio.run(post(f"{address}/telegram/webhook/main", b'{"update_id": 1}'))
    assert status == 403


def test_logs_are_json_and_name_what_happened(outside: Outside) -> None:
    records = [json.loads(line) for line in outside.run.log().splitlines()]
    assert {"bot.known", "dripline.ready"} <= {r["action"] for r in records}
    assert all({"level", "timestamp"} <= set(record) for record in records)


def test_a_message_pushed_ahead_of_people_reaches_them_and_one_behind_does_not(
    outside: Outside, tmp_path: Path
) -> None:
    user = outside.person()
    outside.begin(user)
    edited = {**CONTENT, "course": {**CONTENT["course"]}}
    messages = dict(CONTENT["course"]["messages"])  # type: ignore[call-overload]
    last = messages.pop("last")
    edited["course"]["messages"] = {
        "too_late": {"text": "behind everybody"},
        **messages,
        "ahead": {"text": "new and ahead"},
        "last": last,
    }
    pulled = tmp_path / "content"
    assert outside.programs.ask("content", "pull", str(pulled)).returncode == 0
    folder.write(pulled, edited, button_sets=PAY, variables=GLOBALS)
    assert outside.programs.ask("content", "check", str(pulled)).returncode == 0
    plan = outside.programs.ask("content", "plan", str(pulled))
    assert plan.returncode == 0, plan.stderr
    assert "ahead" in plan.stdout
    pushed = outside.programs.ask("content", "push", str(pulled))
    assert pushed.returncode == 0, pushed.stderr
    outside.telegram.presses(user, "DONE")
    outside.expect(user, greeting(user), "Press DONE", "new and ahead", "Well done")
    back = outside.programs.ask("content", "push", "--force", "content")
    assert back.returncode == 0, back.stderr


def test_it_goes_on_where_it_was_after_a_restart(outside: Outside) -> None:
    user = outside.person()
    outside.begin(user)
    outside.run.kill()
    outside.telegram.presses(user, "DONE")
    began = time.monotonic()
    outside.run = outside.programs.start("run").ready()
    print(f"\nready {time.monotonic() - began:.1f} s after the start")
    outside.expect(user, greeting(user), "Press DONE", "Well done")
