"""What is wrong with a segment is said in a sentence, with its place and what may be meant."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dripline.contacts import segment_words
from dripline.contacts.segments import EVERYBODY, Names, SegmentError, parse
from dripline.wiring import import_models

import_models()
NAMES = Names({"city": "text", "age": "number", "keen": "boolean"}, ("course",), ("bc_1",))


def nested(depth: int) -> Any:
    value: Any = "has_paid"
    for _ in range(depth):
        value = {"not": value}
    return value


WRONG: list[tuple[Any, str, str]] = [
    ("no_active_scenaro", "", "did you mean no_active_scenario?"),
    (["has_paid", "has_not_payed"], "/1", "did you mean has_not_paid?"),
    ({"stat": "VIP"}, "/stat", "did you mean state?"),
    ("state", "", 'such as {"state"'),
    ({"has_paid": True}, "/has_paid", "stands alone"),
    ({}, "", "a word, an object or a list"),
    (7, "", "a word, an object or a list"),
    ([[]], "/0", "empty"),
    ({"and": []}, "/and", "empty"),
    ({"or": "has_paid"}, "/or", "must be a list"),
    ({"not": None}, "/not", "a word, an object or a list"),
    ({"state": []}, "/state", "empty"),
    ({"state": ["VIP", 7]}, "/state/1", "must be a text"),
    ({"state": " "}, "/state", "1 to 256 characters"),
    ({"tag": "x" * 257}, "/tag", "1 to 256 characters"),
    ({"tag": "a\x00b"}, "/tag", "1 to 256 characters"),
    ({"tag": ["t"] * 201}, "/tag", "at most 200"),
    ({"scenario": "cours"}, "/scenario", "did you mean course?"),
    ({"scenario": {"status": "active"}}, "/scenario", "“id” is missing"),
    ({"scenario": {"id": "course", "status": "activ"}}, "/scenario/status", "mean active?"),
    ({"scenario": {"id": "course", "x/y": 1}}, "/scenario/x~1y", "no field"),
    ({"got_message": "course"}, "/got_message", "must be an object"),
    ({"created": {}}, "/created", "Say when"),
    ({"created": {"within": 7}}, "/created/within", "must be an object"),
    ({"created": {"within": {"days": -1}}}, "/created/within", "a duration such as"),
    ({"created": {"within": {"days": True}}}, "/created/within/days", "must be a number"),
    ({"created": {"within": {"day": 1}}}, "/created/within/day", "did you mean days?"),
    ({"created": {"within": {"days": 1e300}}}, "/created/within/days", "too big"),
    ({"created": {"within": {"days": 99999}}}, "/created/within", "a duration such as"),
    ({"created": {"before": "soon"}}, "/created/before", "a date such as"),
    ({"created": {"before": "2026-02-30"}}, "/created/before", "a date such as"),
    ({"created": {"before": "0001-01-01T00:00:00+14:00"}}, "/created/before", "out of reach"),
    ({"event": {"within": {"days": 1}}}, "/event", "“name” is missing"),
    ({"event": "message.sent"}, "/event", "got_message"),
    ({"event": "message.fell_back"}, "/event", "got_message"),
    ({"event": {"name": "message.clicked"}}, "/event/name", "link.clicked"),
    ({"attribute": {"name": "citi", "is": "x"}}, "/attribute/name", "did you mean city?"),
    ({"attribute": {"name": "city"}}, "/attribute", "Say what city has to be"),
    ({"attribute": {"name": "city", "above": 3}}, "/attribute/above", "no field"),
    ({"attribute": {"name": "age", "above": "3"}}, "/attribute/above", "must be a number"),
    ({"attribute": {"name": "age", "is": float("nan")}}, "/attribute/is", "too big"),
    ({"attribute": {"name": "keen", "is": "yes"}}, "/attribute/is", "true or false"),
    ({"attribute": {"name": "keen", "is": True, "exists": True}}, "/attribute", "stands alone"),
    ({"reachable": "telegramm"}, "/reachable", "did you mean telegram?"),
    ({"reachable": {"is": "bloked"}}, "/reachable/is", "did you mean blocked?"),
    ({"paid": False}, "/paid", "must be a text"),
    ({"paid": {}}, "/paid", "Say when"),
    (nested(12), "/not" * 11, "at most 10 deep"),
    ({"or": [{"tag": "t"}] * 60}, "/or/50", "at most 100 conditions"),
]


@pytest.mark.parametrize(("value", "pointer", "says"), WRONG)
def test_a_mistake_is_named_with_its_place(value: Any, pointer: str, says: str) -> None:
    with pytest.raises(SegmentError) as wrong:
        parse(value, NAMES)
    assert wrong.value.pointer.startswith(pointer)
    assert says in wrong.value.message
    assert len(wrong.value.message) < 500


def test_nothing_means_everybody() -> None:
    assert parse(None) is EVERYBODY
    assert parse([]) is EVERYBODY


def test_names_that_are_not_known_here_are_taken_as_they_are() -> None:
    parse({"scenario": "anything"})
    with pytest.raises(SegmentError):
        parse({"attribute": {"name": "undeclared", "is": "x"}})


@pytest.mark.parametrize("word", segment_words.words().values(), ids=lambda word: word.name)
def test_every_word_is_documented_and_its_example_is_one(word: segment_words.WordOf) -> None:
    parse(json.loads(word.example), Names({"city": "text"}))
    table = (Path(__file__).parents[3] / "docs/segments.md").read_text()
    row = re.search(rf"^\| `{word.name}` \| .+ \| `(.+)` \|$", table, re.MULTILINE)
    assert row, f"docs/segments.md has no row for {word.name}"
    parse(json.loads(row[1]), Names({"city": "text"}))
