"""Segments and paid content in a folder are checked where they stand."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from dripline.content.check import check
from dripline.wiring import import_models

sys.path.insert(0, str(Path(__file__).parent))
import folders

import_models()


def problems(root: Path, file: str, old: str, new: str) -> list[str]:
    """Return what is wrong with FORMATS' folder once a text of a JSON file is another."""
    for name, given in folders.formats().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(given, bytes):
            path.write_bytes(given)
            continue
        text = given if isinstance(given, str) else json.dumps(given, indent=1)
        if name == file:
            assert old in text
            text = text.replace(old, new, 1)
        path.write_text(text, encoding="utf-8")
    return [str(one) for one in check(root)]


MESSAGES = "scenarios/default/messages.json"
BROADCASTS = "broadcasts/registry.json"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (MESSAGES, '"msg_2": {', '"msg_2": {"condition": ["has_not_payed"],', "has_not_paid"),
        (MESSAGES, '"msg_2": {', '"msg_2": {"condition": {"scenario": "defaul"},', "mean default"),
        (BROADCASTS, "has_not_paid", "has_not_pade", "has_not_paid"),
        (BROADCASTS, '"id": "bc_1"', '"id": "bc_1", "audience": "warm"', "frozen or live"),
        ("scenarios/default/config.json", "Thank you!", "{{ user.frst_name }}", "frst_name"),
        ("scenarios/default/config.json", "Thank you!", "<b>Thank you", "<b>"),
    ],
)
def test_a_mistake_is_found_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    found = [one for one in problems(tmp_path, file, old, new) if "error" in one]
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
    assert says in found[0]


@pytest.mark.parametrize(
    "condition", [["has_not_paid"], {"got_broadcast": "bc_1"}, {"not": {"scenario": "default"}}]
)
def test_what_is_right_is_left_alone(tmp_path: Path, condition: Any) -> None:
    new = f'"msg_2": {{"condition": {json.dumps(condition)},'
    assert [one for one in problems(tmp_path, MESSAGES, '"msg_2": {', new) if "error" in one] == []
