"""What a pressed button is called in a contact's story."""

from importlib.resources import as_file, files

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
        documents = examine(root).documents
    scenarios = {
        key: compile_scenario(body, revision=1, button_sets={}, variables={}, paused=False)
        for (kind, key), body in documents.items()
        if kind == "scenario" and key in {"ONBOARDING_7_DAY", "MENTOR_PROGRAM"}
    }
    return Library(1, "ONBOARDING_7_DAY", scenarios)


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
