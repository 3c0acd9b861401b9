"""What a pressed button is called in a contact's story."""

import json
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from dripline.analytics.buttons import Buttons
from dripline.content.check import examine
from dripline.content.compile import compile_scenario
from dripline.content.store import Library
from dripline.wiring import import_models

import_models()


def library() -> Library:
    """Return the programs that ship, where several buttons send the same."""
    with as_file(files("dripline.content") / "programs") as root:
        return compiled(root, {"ONBOARDING_7_DAY", "MENTOR_PROGRAM"})


def compiled(root: Path, ids: set[str]) -> Library:
    scenarios = {
        key: compile_scenario(body, revision=1, button_sets={}, variables={}, paused=False)
        for (kind, key), body in examine(root).documents.items()
        if kind == "scenario" and key in ids
    }
    return Library(1, min(ids), scenarios)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("DONE", "“DONE”"),  # many say different things
        ("ACCEPT", "“ACCEPT”"),  # a button of each
        ("go:MENTOR_PROGRAM", "“Mentor program”"),
        ("nobody-has-it", "nobody-has-it"),
    ],
)
def test_a_button_is_called_as_only_it_can_be_called(data: str, words: str) -> None:
    assert Buttons(library(), "en").words(data) == words


def test_one_that_alone_sends_something_is_called_by_its_words() -> None:
    whole = library()
    alone = Library(1, None, {"MENTOR_PROGRAM": whole.scenarios["MENTOR_PROGRAM"]})
    assert Buttons(alone, "en").words("ACCEPT") == "“🤝 I have somebody in mind”"


def test_others_are_called_so_that_no_code_is_read(tmp_path: Path) -> None:
    buttons = Buttons(compiled(asking(tmp_path), {"ask"}), "en")
    assert buttons.words("go:ask") == "“The questions”"  # several, each with words of its own
    assert buttons.words("MINE") == "“Yes, I am …!”"  # nobody's name stands in a text


def asking(root: Path) -> Path:
    """Write a scenario that two buttons start, and in which a third says a name."""
    folder = root / "scenarios" / "ask"
    (folder / "messages").mkdir(parents=True)
    (folder / "messages" / "one.md").write_text("Well?")
    buttons = [
        {"type": "start_scenario", "text": "Begin", "scenario_id": "ask"},
        {"type": "start_scenario", "text": "Begin again", "scenario_id": "ask"},
        {"type": "callback", "text": "Yes, I am {{ user.first_name }}!", "callback_data": "MINE"},
    ]
    message = {
        "timing": {"minutes": 0},
        "template_file": "one.md",
        "inline_keyboard": {"rows": [{"buttons": buttons}]},
    }
    named = {"id": "ask", "name": "The questions", "created_at": "2026-01-01T00:00:00Z"}
    registry = {"scenarios": [{**named, "is_active": True}], "default_scenario_id": "ask"}
    (root / "scenarios" / "registry.json").write_text(json.dumps(registry))
    (folder / "config.json").write_text(json.dumps(named))
    messages = {"messages_list": ["one"], "messages": {"one": message}}
    (folder / "messages.json").write_text(json.dumps(messages))
    return root
