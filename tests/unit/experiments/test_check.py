"""What the linter says of `experiments.json`, and what the file becomes."""

from pathlib import Path
from typing import Any

import pytest

from dripline.content.check import check
from dripline.content.problems import Problem
from dripline.wiring import import_models
from lifecycle_world import folder, write

import_models()
PLAIN, WARM = {"id": "plain"}, {"id": "warm", "message": "warm"}


def one(**given: Any) -> dict[str, Any]:
    """Return a file with one experiment about a message of the folder."""
    spec = {
        "id": "hello",
        "scenario": "NURTURE_7_DAY",
        "message": "day_1",
        "variants": [PLAIN, WARM],
    }
    return {"experiments": [{**spec, **given}], "messages": {"warm": {"template_file": "warm.md"}}}


def problems(root: Path, experiments: Any) -> list[Problem]:
    files = folder({}) | {
        "experiments.json": experiments,
        "experiments/messages/warm.md": "Hello, {{ user.first_name }}",
    }
    return [one for one in check(write(root, files)) if one.file.startswith("experiments")]


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"experiments": None},
        one(),
        one(holdout=10, goal="reply", within={"hours": 5}, winner="automatic", confidence=90),
        one(variants=[{**PLAIN, "share": 0.5}, {**WARM, "share": 3}], allocation="bandit"),
        one(message=None, variants=[PLAIN, {"id": "b", "scenario": "NURTURE_7_DAY"}])
        | {"messages": {}},
    ],
)
def test_what_is_fine_is_fine(tmp_path: Path, file: Any) -> None:
    assert problems(tmp_path, file) == []


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (one(id="no spaces, please"), "id"),
        (one(scenario="nowhere"), "unknown-scenario"),
        (one(message="nowhere"), "missing-message"),
        (one(variants=[PLAIN]), "variants"),
        (one(variants="both"), "type"),
        (one(variants=[PLAIN, {"id": "b", "message": "nowhere"}]), "missing-message"),
        (one(variants=[PLAIN, {"id": "holdout"}]), "id"),
        (one(variants=[PLAIN, PLAIN]), "duplicate"),
        (one(variants=[PLAIN, {"id": "b", "scenario": "NURTURE_7_DAY"}]), "variant"),
        (one(variants=[PLAIN, {**WARM, "share": 0}]), "number"),
        (one(variants=[PLAIN, {**WARM, "share": "half"}]), "number"),
        (one(holdout=100), "number"),
        (one(confidence=100), "number"),
        (one(goal="fame"), "goal"),
        (one(winner="me"), "winner"),
        (one(within={"days": 0}), "timing"),
        (one(is_active="yes"), "type"),
        (one(winer="automatic"), "unknown-field"),
        ({"experiments": one()["experiments"] * 2, "messages": one()["messages"]}, "duplicate"),
        (one(variants=[PLAIN, {"id": "b"}]), "unused"),
        ({"experiments": [7]}, "type"),
        ([], "type"),
    ],
)
def test_what_is_wrong_is_told_by_name(tmp_path: Path, file: Any, code: str) -> None:
    found = problems(tmp_path, file)
    assert code in {problem.code for problem in found}, found


def test_a_problem_names_its_place_and_the_words_there_are(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, one(goal="fame"))
    assert (found.file, found.code, found.line) == ("experiments.json", "goal", 1)
    assert "click, reply, completion or payment" in found.message
