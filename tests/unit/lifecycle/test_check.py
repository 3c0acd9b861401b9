"""What the linter says of `lifecycle.json`: in its line, before anybody is moved."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dripline.content.check import check, examine
from dripline.content.compile import Making
from dripline.content.problems import Problem
from dripline.lifecycle.document import KIND, make
from lifecycle_world import folder, write

FINE: dict[str, Any] = {
    "registration": ["callback:ACCEPT", "event:form", "first_start"],
    "states": [
        {"id": "VISITOR"},
        {
            "id": "REGISTERED",
            "name": "Member",
            "names": {"ru": "Участник"},
            "when": {"registered": True},
            "enters": {"program": "NURTURE_7_DAY", "force": False},
        },
        {"id": "VIP", "badge": "⭐", "when": {"referrals": 2}, "unlocks": ["gift:a"]},
    ],
    "referrals": {"hold": {"hours": 1}, "velocity": {"most": 5, "within": {"minutes": 5}}},
    "leaderboard": {"size": 5, "tiers": [{"from": 3, "name": "star", "badge": "🌟"}]},
    "decay": {
        "states": ["VIP"], "warn_after": {"days": 1}, "hide_after": {"days": 2},
        "program": "REACTIVATION", "message": "a",
    },
    "churn": {"after": {"days": 30}, "program": "REACTIVATION"},
    "menus": {
        "VIP": {
            "text": "Hi, {{ user.first_name }}",
            "rows": [[{"text": "Gift", "texts": {"ru": "Подарок"}, "action": "gift:a"}]],
        }
    },
    "messages": {"a": {"template_file": "a.md"}},
}  # fmt: skip


def problems(root: Path, lifecycle: Any) -> list[Problem]:
    files = folder({}) | {"lifecycle.json": lifecycle, "lifecycle/messages/a.md": "A gift"}
    return [one for one in check(write(root, files)) if one.file.startswith("lifecycle")]


@pytest.mark.parametrize("lifecycle", [{}, FINE, {"states": None, "menus": None}])
def test_what_is_fine_is_fine(tmp_path: Path, lifecycle: Any) -> None:
    assert problems(tmp_path, lifecycle) == []


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"stats": []}, "unknown-field", "“stats” is not known here"),
    ({"registration": 7}, "type", "must be a text"),
    ({"registration": "ACCEPT"}, "registration", "callback:DATA, event:NAME or first_start"),
    ({"states": {}}, "type", "must be a list"),
    ({"states": []}, "empty", "at least one state"),
    ({"states": [{"id": "VIP"}]}, "states", "The first state is VISITOR"),
    ({"states": [{"id": "VISITOR"}, {"id": "VISITOR"}]}, "duplicate", "VISITOR already"),
    ({"states": [{"id": "VISITOR"}, {"id": "CHURNED"}]}, "duplicate", "CHURNED already"),
    ({"states": [{"id": "VISITOR"}, {"name": "x"}]}, "missing-field", "“id” is missing"),
    ({"states": [{"id": "VISITOR"}, {"id": "a b"}]}, "id", "letters, digits"),
    (
        {"states": [{"id": "VISITOR", "when": {"referrals": 5}},
                    {"id": "X", "when": {"referrals": 2}}]},
        "states", "a higher one cannot ask for less",
    ),
    (
        {"states": [{"id": "VISITOR", "enters": {"program": "NOPE"}}]},
        "unknown-scenario", "no scenario NOPE",
    ),
    ({"states": [{"id": "VISITOR", "enters": {}}]}, "missing-field", "“program” is missing"),
    ({"states": [{"id": "VISITOR", "unlocks": ["gift:x"]}]}, "missing-message", "no message x"),
    ({"states": [{"id": "VISITOR", "unlocks": ["sun"]}]}, "unlocks", "leaderboard or gift:ID"),
    ({"states": [{"id": "VISITOR", "message": "x"}]}, "missing-message", "no message x"),
    ({"referrals": {"hold": {"weeks": 1}}}, "timing", "days, hours and minutes"),
    ({"referrals": {"hold": {"hours": -1}}}, "number", "from 0 to"),
    ({"referrals": {"velocity": {"most": 0}}}, "number", "from 1 to"),
    ({"leaderboard": {"size": 900}}, "number", "from 1 to 50"),
    ({"leaderboard": {"tiers": [{"name": "x"}]}}, "missing-field", "“from” is missing"),
    ({"decay": {"states": ["KING"]}}, "unknown-state", "no state KING"),
    (
        {"decay": {"warn_after": {"days": 5}, "hide_after": {"days": 5}}},
        "decay", "The warning has to come before",
    ),
    ({"churn": {}}, "missing-field", "“after” is missing"),
    ({"menus": {"KING": {"rows": []}}}, "unknown-state", "no state KING"),
    ({"menus": {"VIP": {"rows": [{}]}}}, "type", "must be a list"),
    ({"menus": {"VIP": {"rows": [[{"text": "x"}]]}}}, "missing-field", "“action” is missing"),
    (
        {"menus": {"VIP": {"rows": [[{"text": "x", "action": "fly"}]]}}},
        "action", "There is no action fly",
    ),
    (
        {"menus": {"VIP": {"rows": [[{"text": "x", "action": "scenario:no"}]]}}},
        "unknown-scenario", "no scenario no",
    ),
    (
        {"menus": {"VIP": {"rows": [[{"text": "x", "action": "url:javascript:alert(1)"}]]}}},
        "link", "is no link",
    ),
    ({"menus": {"VIP": {"text": "{{ user.frist_name }}"}}}, "unknown-variable", "first_name"),
    ({"menus": {"VIP": {"text": "<b>open"}}}, "", "b"),
    ({"messages": {"a": {"template_file": "nope.md"}}}, "missing-file", "nope.md"),
]  # fmt: skip


@pytest.mark.parametrize(("lifecycle", "code", "says"), WRONG)
def test_what_is_wrong_is_told(
    tmp_path: Path, lifecycle: dict[str, Any], code: str, says: str
) -> None:
    found = problems(tmp_path, lifecycle)
    assert found
    assert any(says in one.message and (not code or one.code == code) for one in found), found


def test_a_mistake_is_told_in_its_line(tmp_path: Path) -> None:
    text = '{\n  "states": [\n    {"id": "VISITOR", "enters": {"program": "NOPE"}}\n  ]\n}'
    (found,) = problems(tmp_path, text)
    assert (found.file, found.line, found.column) == ("lifecycle.json", 3, 45)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.sampled_from(["VIP", "", "gift:", "x"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "when", "rows", "text", "texts", "action", "after", "tiers", "states", "program",
             "hold", "velocity", "VIP", "unlocks", "names", "template_file"]
        ), inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
PARTS = st.sampled_from(
    ["registration", "states", "referrals", "leaderboard", "decay", "churn", "menus", "messages"]
)


@given(lifecycle=st.dictionaries(PARTS, ANYTHING, max_size=4))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_anything_anywhere_is_told_and_never_a_crash(tmp_path: Path, lifecycle: Any) -> None:
    files = folder({}) | {
        "lifecycle.json": json.dumps(lifecycle),
        "lifecycle/messages/a.md": "A gift",
    }
    content = examine(write(tmp_path, files))
    if not content.has_errors:  # what passes can be pushed, so it has to make rules
        made = make(content.documents[KIND, KIND], Making({}, {}, {}))
        assert made.configured
