"""Who gets which variant: in the shares asked for, the same at every call."""

import random
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from dripline.experiments.assign import by_hash, by_thompson, held_out
from dripline.experiments.document import Experiment, Variant
from dripline.experiments.intervals import Arm
from dripline.experiments.results import lines, winner

PEOPLE = [uuid.UUID(int=random.Random(5).getrandbits(128) + n) for n in range(20_000)]


def experiment(**given: Any) -> Experiment:
    """Return an experiment of three variants with shares 2, 1 and 1."""
    usual: dict[str, Any] = {
        "id": "greeting",
        "name": "Greeting",
        "scenario": "course",
        "message": "one",
        "variants": (Variant("a", 2), Variant("b", 1, "b"), Variant("c", 1, "c")),
        "holdout": 0.0,
        "goal": "click",
        "within": timedelta(days=7),
        "is_active": True,
        "automatic": False,
        "bandit": False,
        "confidence": 0.95,
    }
    return Experiment(**{**usual, **given})


def test_shares_are_kept_and_a_contact_keeps_its_variant() -> None:
    tried = experiment()
    found = Counter(by_hash(tried, who) for who in PEOPLE)
    assert found["a"] / len(PEOPLE) == pytest.approx(0.5, abs=0.02)
    assert found["b"] / len(PEOPLE) == pytest.approx(0.25, abs=0.02)
    assert [by_hash(tried, who) for who in PEOPLE[:200]] == [
        by_hash(tried, who) for who in PEOPLE[:200]
    ]


def test_two_experiments_divide_people_independently() -> None:
    one, other = experiment(), experiment(id="farewell")
    both = Counter((by_hash(one, who), by_hash(other, who)) for who in PEOPLE)
    assert both["a", "a"] / len(PEOPLE) == pytest.approx(0.25, abs=0.02)


def test_a_holdout_is_as_large_as_asked_for_and_does_not_tilt_the_rest() -> None:
    tried = experiment(holdout=0.1)
    found = Counter(by_hash(tried, who) for who in PEOPLE)
    assert found["holdout"] / len(PEOPLE) == pytest.approx(0.1, abs=0.01)
    assert found["a"] / (len(PEOPLE) - found["holdout"]) == pytest.approx(0.5, abs=0.02)
    assert all(held_out(tried, who) == (by_hash(tried, who) == "holdout") for who in PEOPLE[:500])


def test_a_bandit_ends_with_nearly_everybody_in_the_better_arm() -> None:
    dice = random.Random(1)
    counts = {"a": [0, 0], "b": [0, 0]}
    for _person in range(4_000):
        arm = by_thompson({key: Arm(*value) for key, value in counts.items()}, dice)
        counts[arm][0] += 1
        counts[arm][1] += dice.random() < {"a": 0.05, "b": 0.12}[arm]
    assert counts["b"][0] > 3_000
    assert counts["a"][0] > 10


@pytest.mark.parametrize(
    ("counted", "won", "because"),
    [
        ({}, None, "nobody yet"),
        ({"a": (100, 10), "b": (100, 12), "c": (100, 9)}, None, "too close to tell"),
        ({"a": (5_000, 500), "b": (5_000, 700), "c": (5_000, 900)}, "c", "the best of the better"),
        ({"a": (5_000, 900), "b": (5_000, 500), "c": (5_000, 500)}, "a", "all others are worse"),
        ({"a": (5_000, 900), "b": (5_000, 500), "c": (5_000, 890)}, None, "one is still open"),
        (
            {"a": (5_000, 500), "b": (5_000, 500), "c": (5_000, 500), "holdout": (5_000, 900)},
            None,
            "the holdout cannot win",
        ),
    ],
)
def test_a_winner_is_named_when_it_is_sure(
    counted: dict[str, tuple[int, int]], won: str | None, because: str
) -> None:
    assert winner(lines(experiment(), counted)) == won, because
