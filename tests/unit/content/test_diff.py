"""What differs, and where people stand whose message was deleted."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dripline.content.diff import Change, changes, retired
from dripline.content.document import Message, Scenario
from dripline.content.liquid import Template

IDS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


def scenario(order: list[str], gone: dict[str, str | None]) -> Scenario:
    """Return a scenario of messages with these ids."""
    text = {"": Template("x", html=True)}
    return Scenario("s", "S", 1, tuple(Message(one, text) for one in order), retired=gone)


def test_a_deleted_message_leads_to_the_one_before_it() -> None:
    assert retired({"order": ["a", "b", "c"]}, ["a", "c"]) == {"b": "a"}


def test_so_do_several_and_the_first() -> None:
    assert retired({"order": ["a", "b", "c", "d"]}, ["d"]) == {"a": None, "b": None, "c": None}


def test_a_message_that_comes_back_is_there_again() -> None:
    assert retired({"order": ["a"], "retired": {"b": "a"}}, ["a", "b"]) == {}


def test_what_was_deleted_earlier_stays_known() -> None:
    assert retired({"order": ["a", "c"], "retired": {"b": "a"}}, ["c"]) == {"b": "a", "a": None}


@given(st.lists(IDS, min_size=2, max_size=6), st.sampled_from("abcdef"))
def test_whoever_stands_somewhere_is_found_after_any_edits(
    edits: list[list[str]], last: str
) -> None:
    body: dict[str, Any] = {"order": edits[0]}
    for order in edits[1:]:
        body = {"order": order, "retired": retired(body, order)}
    edited = scenario(body["order"], body["retired"])
    index = edited.next_after(last)
    assert 0 <= index <= len(body["order"])
    if last in body["order"]:
        assert body["order"][index - 1] == last


def test_next_after() -> None:
    edited = scenario(["a", "c"], {"b": "a", "x": "y", "y": "x", "z": None})
    assert [edited.next_after(one) for one in (None, "a", "b", "c", "x", "z", "?")] == [
        0, 1, 1, 2, 0, 0, 0,
    ]  # fmt: skip


def test_changes_are_named_by_message() -> None:
    old = {"order": ["a", "b", "c"], "messages": {"a": {}, "b": {}, "c": {}}}
    new = {"order": ["c", "a", "d"], "messages": {"a": {"format": "html"}, "c": {}, "d": {}}}
    [change] = changes({("scenario", "s"): old}, {("scenario", "s"): new})
    assert (change.added, change.changed, change.removed, change.moved) == (
        ("d",), ("a",), ("b",), True,
    )  # fmt: skip


def test_a_long_diff_is_cut() -> None:
    messages = {str(n): {"texts": {"": f"line {n}"}} for n in range(200)}
    body = {"order": list(messages), "messages": messages}
    [change] = changes({}, {("scenario", "s"): body})
    assert isinstance(change, Change)
    assert change.diff.splitlines()[-1].startswith("… ")
    assert len(change.diff.splitlines()) < 70
