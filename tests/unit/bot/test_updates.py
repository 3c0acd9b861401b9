"""Updates as Telegram writes them, and as nobody should."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.bot.updates import (
    Ignored,
    Membership,
    Pressed,
    Started,
    Update,
    Wrote,
    id_of,
    read,
)
from dripline.clients.telegram import loads
from dripline.contacts.identify import TelegramPerson

ANNA = {"id": 7, "is_bot": False, "first_name": "Anna", "username": "anna", "language_code": "ru"}
PERSON = TelegramPerson(7, "Anna", None, "anna", "ru")
CHAT = {"id": 7, "type": "private"}


def message(text: Any = "hi", **changes: Any) -> dict[str, Any]:
    inner = {"message_id": 3, "date": 1, "chat": CHAT, "from": ANNA, "text": text} | changes
    return {"update_id": 1, "message": inner}


def pressed(**changes: Any) -> dict[str, Any]:
    inner = {"id": "q1", "from": ANNA, "data": "DONE", "message": {"chat": CHAT}} | changes
    return {"update_id": 1, "callback_query": inner}


def member(status: Any, **changes: Any) -> dict[str, Any]:
    inner = {"chat": CHAT, "from": ANNA, "new_chat_member": {"status": status}} | changes
    return {"update_id": 1, "my_chat_member": inner}


def said(update: Any) -> Update:
    return read(json.dumps(update).encode())


UNDERSTOOD: list[tuple[dict[str, Any], Update]] = [
    (message("/start"), Started(PERSON, None)),
    (message("  /start  "), Started(PERSON, None)),
    (message("/start course_2"), Started(PERSON, "course_2")),
    (message("/start@some_bot r_AbC-1"), Started(PERSON, "r_AbC-1")),
    (message("/START"), Started(PERSON, None)),
    (message("/start two words"), Started(PERSON, "two words")),
    (message("/start " + "x" * 500), Started(PERSON, "x" * 65)),
    (message("/starting"), Wrote(PERSON, "text", "/starting", "starting", 3)),
    (message("/help"), Wrote(PERSON, "text", "/help", "help", 3)),
    (message("hello"), Wrote(PERSON, "text", "hello", None, 3)),
    (message("y" * 9000), Wrote(PERSON, "text", "y" * 4096, None, 3)),
    (message("a\x00b\ud83dc"), Wrote(PERSON, "text", "abc", None, 3)),  # no database keeps these
    (message(None, photo=[{"file_id": "x"}]), Wrote(PERSON, "photo", "", None, 3)),
    (message(None, voice={}, caption="c"), Wrote(PERSON, "voice", "c", None, 3)),
    (message(None), Wrote(PERSON, "other", "", None, 3)),
    (message("hi", message_id=-1), Wrote(PERSON, "text", "hi", None, None)),
    (pressed(), Pressed(PERSON, "q1", "DONE")),
    (pressed(data="go:course-2"), Pressed(PERSON, "q1", "go:course-2")),
    (member("kicked"), Membership(7, reachable=False)),
    (member("member"), Membership(7, reachable=True)),
]


@pytest.mark.parametrize(("update", "means"), UNDERSTOOD)
def test_what_updates_say(update: dict[str, Any], means: Update) -> None:
    assert said(update) == means


LEFT_ALONE: list[tuple[str, Any]] = [
    ("no update", []),
    ("no update", None),
    ("a kind we do not read", {"update_id": 1, "poll": {}}),
    ("a field of another type", {"update_id": 1, "message": "hi"}),
    ("a group", message(chat={"id": -5, "type": "group"})),
    ("a channel", message(chat={"id": -100, "type": "channel"})),
    ("no chat", message(chat=None)),
    ("a private chat of a negative id", message(chat={"id": -5, "type": "private"})),
    ("another bot", message(**{"from": ANNA | {"is_bot": True}})),
    ("nobody", message(**{"from": None})),
    ("an id of another type", message(**{"from": ANNA | {"id": "7"}})),
    ("true for an id", message(**{"from": ANNA | {"id": True}})),
    ("a negative id", message(**{"from": ANNA | {"id": -7}})),
    ("a huge id", message(**{"from": ANNA | {"id": 2**63}})),
    ("a status we do not know", member("restricted")),
    ("no member", member("kicked", new_chat_member=7)),
    ("our role in a group", member("kicked", chat={"id": -5, "type": "group"})),
    ("a button in a group", pressed(message={"chat": {"id": -5, "type": "group"}})),
    ("a button of an inline message", pressed(message=None)),
    ("a button without data", pressed(data=None)),
    ("a button with data of another type", pressed(data={"a": 1})),
]


@pytest.mark.parametrize(("why", "update"), LEFT_ALONE)
def test_what_is_left_alone(why: str, update: Any) -> None:
    assert isinstance(said(update), Ignored)


def test_a_press_that_leads_nowhere_still_wants_its_answer() -> None:
    assert said(pressed(data=None)) == Ignored("no_data", "q1")


def test_a_name_is_bounded_and_clean() -> None:
    update = said(message(**{"from": ANNA | {"first_name": "A\x00" * 999, "last_name": 5}}))
    assert isinstance(update, Wrote)
    assert update.person.first_name == "A" * 256
    assert update.person.last_name is None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"nul"])
def test_no_json_is_no_update(body: bytes) -> None:
    assert loads(body) is None
    assert isinstance(read(body), Ignored)


@pytest.mark.parametrize(
    ("update", "number"),
    [({"update_id": 5}, 5), ({"update_id": "5"}, None), ({"update_id": True}, None), ([], None)],
)
def test_an_update_has_a_number(update: Any, number: int | None) -> None:
    assert id_of(update) == number


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
FIELDS = ["message", "callback_query", "my_chat_member", "from", "chat", "id", "type", "data"]


@given(st.recursive(anything, lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner)))
def test_nothing_makes_it_raise(update: Any) -> None:
    read(orjson.dumps(update, option=orjson.OPT_NON_STR_KEYS))
