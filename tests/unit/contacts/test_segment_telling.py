"""Segments in words; every word that exists can be said."""

import json

import pytest

from dripline.contacts import segment_words
from dripline.contacts.segment_telling import Telling, lines
from dripline.wiring.models import import_models

import_models()


@pytest.mark.parametrize(
    ("segment", "told"),
    [
        ([], []),
        (["no_active_scenario", "has_not_paid"], ["in no scenario just now", "has not paid"]),
        ([{"not": {"tag": "quiet"}}], ["not: tag “quiet”"]),
        ({"or": [{"state": ["A", "B", "C"]}, "has_paid"]},
         ["(state “A”, “B” or “C” or has paid)"]),
        ([{"scenario": {"id": "course", "status": "active"}}], ["in “Basic course” now"]),
        ([{"scenario": "other"}], ["is or was in “other”"]),
        ([{"last_seen": {"longer_ago": {"days": 14}}}], ["last active more than 14 days ago"]),
        ([{"attribute": {"name": "age", "at_least": 18}}], ["age: at least 18"]),
        ([{"referrals": {"at_least": 1, "at_most": 4}}],
         ["friends invited: at least 1, at most 4"]),
        ([{"paid": {"product": "course", "within": {"days": 30}}}],
         ["has paid for “Basic course” in the last 30 days"]),
        ([{"unheard_of": 1}], ['{"unheard_of":1}']),
    ],
)  # fmt: skip
def test_is_told_in_words(segment: object, told: list[str]) -> None:
    assert lines(segment, Telling("en", {"course": "Basic course"})) == told


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_word_with_an_example_can_be_said(language: str) -> None:
    for word in segment_words.words().values():
        [said] = lines([json.loads(word.example)], Telling(language))
        assert "{" not in said, word.name
