"""Two edits of one document at the same time: nothing is lost."""

from typing import Any

from dripline.bot.admin.merging import changed_places, merge


def body(order: list[str], **texts: str) -> dict[str, Any]:
    messages = {key: {"texts": {"": texts.get(key, key)}} for key in order}
    return {"config": {"name": "Course"}, "order": order, "messages": messages, "retired": {}}


BASE = body(["msg_1", "msg_2"])


def text(merged: dict[str, Any], key: str) -> str:
    return str(merged["messages"][key]["texts"][""])


def test_different_messages_are_joined() -> None:
    merged, clashes = merge(
        BASE, body(["msg_1", "msg_2"], msg_1="mine"), body(["msg_1", "msg_2"], msg_2="theirs")
    )
    assert (text(merged, "msg_1"), text(merged, "msg_2"), clashes) == ("mine", "theirs", [])


def test_the_same_text_clashes_and_ours_holds() -> None:
    merged, clashes = merge(
        BASE, body(["msg_1", "msg_2"], msg_1="mine"), body(["msg_1", "msg_2"], msg_1="theirs")
    )
    assert text(merged, "msg_1") == "mine"
    assert clashes == [("messages", "msg_1", "texts", "")]


def test_two_new_messages_of_one_id_are_two_messages() -> None:
    order = ["msg_1", "msg_2", "msg_3"]
    merged, clashes = merge(BASE, body(order, msg_3="mine"), body(order, msg_3="theirs"))
    assert merged["order"] == ["msg_1", "msg_2", "msg_3", "msg_4"]
    assert (text(merged, "msg_3"), text(merged, "msg_4"), clashes) == ("theirs", "mine", [])


def test_what_one_deletes_and_the_other_changes_stays() -> None:
    merged, clashes = merge(BASE, body(["msg_1"]), body(["msg_1", "msg_2"], msg_2="theirs"))
    assert merged["order"] == ["msg_1", "msg_2"]
    assert text(merged, "msg_2") == "theirs"
    assert clashes == [("messages", "msg_2")]


def test_what_one_deletes_and_the_other_leaves_is_gone() -> None:
    merged, clashes = merge(BASE, BASE, body(["msg_2"]))
    assert (merged["order"], clashes) == (["msg_2"], [])


def test_both_orders_are_heard() -> None:
    merged, clashes = merge(BASE, body(["msg_2", "msg_1"]), body(["msg_1", "msg_9", "msg_2"]))
    assert merged["order"] == ["msg_2", "msg_1", "msg_9"]
    assert clashes == []


def test_what_changed_is_named_by_message() -> None:
    changed = {**body(["msg_1", "msg_3"], msg_1="new"), "config": {"name": "Other"}}
    assert changed_places(BASE, changed) == [
        ("config", "name"),
        ("order",),
        ("messages", "msg_1"),
        ("messages", "msg_2"),
        ("messages", "msg_3"),
    ]
