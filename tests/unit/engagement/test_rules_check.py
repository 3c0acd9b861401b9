"""What the linter says of `engagement.json`."""

from pathlib import Path
from typing import Any

import pytest

from dripline.content.check import check
from dripline.wiring import import_models
from lifecycle_world import folder, write

import_models()


def told(root: Path, **file: Any) -> list[str]:
    files = folder({}) | {"engagement.json": file}
    return [one.message for one in check(write(root, files)) if one.file == "engagement.json"]


@pytest.mark.parametrize(
    "levels",
    [{}, {"highly_engaged": 60}, {"highly_engaged": 60.5, "engaged": 20, "at_risk": 5}],
)
def test_levels_that_rise(tmp_path: Path, levels: Any) -> None:
    assert told(tmp_path, levels=levels) == []


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"warm": 10}, "There is no level warm"),
        ({"dormant": 1}, "There is no level dormant"),
        ({"engaged": 100}, "above 0 and below 100"),
        ({"engaged": "20"}, "above 0 and below 100"),
        ({"at_risk": True}, "above 0 and below 100"),
        ({"engaged": 50}, "highly_engaged 50, engaged 50, at_risk 4"),
        ({"at_risk": 20}, "Each level begins above the next"),
        ([], "object"),
    ],
)
def test_levels_that_are_none(tmp_path: Path, levels: Any, words: str) -> None:
    (message,) = told(tmp_path, levels=levels)
    assert words in message
