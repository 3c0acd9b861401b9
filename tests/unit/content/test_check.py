"""The linter: each mistake found at its place, with what to do."""

import json
import shutil
import sys
import time
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dripline.content.check import check, examine
from dripline.content.problems import Problem
from dripline.content.unparse import unparse
from dripline.wiring import import_models

sys.path.insert(0, str(Path(__file__).parent))
import folders

import_models()  # each room has words of its own for segments
M = "scenarios/default/messages/m.md"
J = "scenarios/default/messages.json"


def found(root: Path, files: folders.Files) -> list[Problem]:
    """Write a folder and check it."""
    return check(folders.write(root, files))


def codes(problems: list[Problem]) -> set[tuple[str, str]]:
    """Return severities and codes."""
    return {(problem.severity, problem.code) for problem in problems}


def test_the_layout_of_existing_installations_has_no_errors(tmp_path: Path) -> None:
    problems = found(tmp_path, folders.formats())
    assert codes(problems) == {("warning", "dead-button")}


def test_a_field_that_is_nearly_ours_is_no_quiet_slip(tmp_path: Path) -> None:
    files = folders.one_message("Hello")
    files[J]["messages"]["m"] |= {"photoss": ["a.jpg"], "our_own_note": "kept"}
    [problem] = found(tmp_path, files)
    assert (problem.severity, problem.code) == ("warning", "unknown-field")
    assert "photos" in problem.message


def test_a_problem_reads_like_a_compilers(tmp_path: Path) -> None:
    [problem] = found(tmp_path, folders.one_message("Hello\n  {{ user.frist_name }}"))
    assert str(problem) == (
        f"{M}:2:6: error: Nobody knows the variable user.frist_name; declare the attribute in "
        "templates/attributes.json. Did you mean user.first_name? [unknown-variable]"
    )


@pytest.mark.parametrize(
    ("text", "line", "column", "code"),
    [
        ("{{ first_name }}", 1, 4, "unknown-variable"),  # scopes are written
        ("a\nb {{ bot.nope }}", 2, 6, "unknown-variable"),
        ("{{ scenario.nope }}", 1, 4, "unknown-variable"),
        ("{{ user }}", 1, 4, "unknown-variable"),
        ("x {{ context.order }}", 1, 6, "unguarded-variable"),
        ("ok\n\n<b>open", 3, 1, "unbalanced-html"),
        ("a\r\n<i>x", 2, 1, "unbalanced-html"),  # line breaks of Windows
        ("ж <br>", 1, 3, "unknown-tag"),  # columns count characters
        ("{% if %}x{% endif %}", 1, 1, "liquid"),
        # What is never closed is found where it begins, not at the end of the text.
        ("{{ user.email }}\n {% if 1 %}x{% for i in (1..2) %}{% endfor %}", 2, 2, "liquid"),
        ("{% for i in (1..99999999) %}x{% endfor %}", 1, 1, "render"),
        ("  \n ", 1, 1, "empty"),
        ("word " * 900, 1, 1, "long-text"),
    ],
)
def test_templates(tmp_path: Path, text: str, line: int, column: int, code: str) -> None:
    problems = found(tmp_path, folders.one_message(text))
    places = [(p.file, p.line, p.column, p.code) for p in problems]
    if code == "liquid":
        assert [(p.file, p.code) for p in problems] == [(M, code)]
    else:
        assert (M, line, column, code) in places


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"not a picture", "does not look like a picture"),
        (folders.picture("huge", 6_000, 5_000), "6,000 × 5,000 pixels"),
        (folders.picture("wide", 30, 2_000), "20 times as long"),
        (folders.picture("whole", 5_000, 5_000), ""),
        (folders.picture("strip", 100, 2_000), ""),
    ],
)
def test_a_photo_that_telegram_refuses_is_worth_a_look(
    tmp_path: Path, body: bytes, said: str
) -> None:
    files = folders.one_message("Look", photos=["a.jpg"])
    files["scenarios/default/messages/a.jpg"] = body
    found_ones = [(p.severity, p.code, p.file) for p in found(tmp_path, files)]
    assert found_ones == ([("warning", "photo", J)] if said else [])
    assert all(said in problem.message for problem in check(tmp_path))


def test_a_document_may_be_anything(tmp_path: Path) -> None:
    files = folders.one_message("Look", document="a.jpg")
    files["scenarios/default/messages/a.jpg"] = b"not a picture"
    assert found(tmp_path, files) == []


def test_what_a_branch_has_asked_for_needs_no_default(tmp_path: Path) -> None:
    text = "Order{% if context.order %} {{ context.order }}{% endif %}"
    assert found(tmp_path, folders.one_message(text)) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"template_file": "../../../etc/passwd"}, "path"),
        ({"template_file": "/etc/passwd"}, "path"),
        ({"template_file": "nope.md"}, "missing-file"),
        ({"template_file": 7}, "type"),
        ({"photos": ["nope.png"]}, "missing-file"),
        ({"photos": ["../m.md"]}, "path"),
        ({"photos": [f"p{n}.png" for n in range(11)]}, "missing-file"),
        ({"timing": {"hours": -1}}, "number"),
        ({"timing": {"hours": "24"}}, "number"),
        ({"timing": {"minutes": 1.5}}, "number"),
        ({"timing": {"at": "25:00"}}, "timing"),
        ({"timing": {"at": "9:00"}}, "timing"),
        ({"timing": {"weekdays": [0]}}, "timing"),
        ({"timing": {"from": "end"}}, "timing"),
        ({"timing": {"hour": 3}}, "timing"),  # a slip of the pen
        ({"timing": 5}, "type"),
        ({"wait_for": "DONE"}, "wait"),
        ({"wait_for": "callback:" + "x" * 65}, "callback"),
        ({"wait_for": "callback:DONE"}, "unreachable"),  # nobody can press it
        ({"wait_for": "callback:DONE", "timeout": {"days": 1}}, "dead-wait"),
        ({"wait": {"timeout": {"days": 1}}}, "wait"),
        ({"priority": "asap"}, "priority"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": ["email"]}, "channel"),
        ({"timing": {"weekdays": [True]}}, "timing"),
        ({"format": "markdownv3"}, "format"),
        ({"texts": {}}, "reserved-field"),
        ({"inline_keyboard": {"button_set_ref": "nope"}}, "unknown-button-set"),
        ({"inline_keyboard": []}, "type"),
    ],
)
def test_messages(tmp_path: Path, fields: dict[str, Any], code: str) -> None:
    problems = found(tmp_path, folders.one_message("Hello", **fields))
    said = [problem for problem in problems if problem.code == code]
    assert said
    assert said[0].file == J
    assert said[0].line > 1


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"channels": ["email"]}, None),
        ({"channels": ["telegram", "email"], "weekdays": [1, 7]}, None),
        ({"channels": ["pigeon"]}, "channel"),
        ({"channels": "email"}, "type"),
        ({"channels": []}, "channel"),
        ({"channels": [["email"]]}, "channel"),
        ({"weekdays": [0]}, "timing"),
        ({"weekdays": "monday"}, "type"),
    ],
)
def test_channels_and_days_of_a_scenario(
    tmp_path: Path, config: dict[str, Any], code: str | None
) -> None:
    files = folders.one_message("Hello", channel="both")
    files["scenarios/default/config.json"] |= config
    assert {problem.code for problem in found(tmp_path, files)} == ({code} if code else set())


@pytest.mark.parametrize(
    ("button", "code"),
    [
        ({"type": "url", "text": "a", "url": "javascript:alert(1)"}, "link"),
        ({"type": "url", "text": "a", "url": "mailto:a@b.c"}, "link"),
        ({"type": "web_app", "text": "a", "url": "http://example.com"}, "link"),
        ({"type": "url", "text": "a", "url": "https://localhost/x"}, "link"),
        ({"type": "url", "text": "a"}, "missing-field"),
        ({"type": "url", "text": "", "url": "https://example.com"}, "missing-field"),
        ({"type": "callback", "text": "a", "callback_data": "ж" * 33}, "callback"),
        ({"type": "callback", "text": "a", "callback_data": "go:x"}, "callback"),
        ({"type": "callback", "text": "a", "callback_data": "x"}, "dead-button"),
        ({"type": "start_scenario", "text": "a", "scenario_id": "defualt"}, "unknown-scenario"),
        ({"type": "magic", "text": "a"}, "button-type"),
        ({"type": "url", "text": "{{ user.nope }}", "url": "https://e.com"}, "unknown-variable"),
        ({"type": "url", "text": "{{", "url": "https://e.com"}, "liquid"),
        ("text", "type"),
    ],
)
def test_buttons(tmp_path: Path, button: Any, code: str) -> None:
    keyboard = {"rows": [{"buttons": [button]}]}
    problems = found(tmp_path, folders.one_message("Hello", inline_keyboard=keyboard))
    assert code in {problem.code for problem in problems if problem.file == J}


@pytest.mark.parametrize(
    ("file", "text", "line", "column"),
    [
        (J, "", 1, 1),
        (J, '{\n  "messages_list": ["m",],\n}', 2, 24),
        (J, '{"a": 1, "a": 2}', 1, 10),
        (J, "[" * 5_000, 1, 42),
        (J, "[]", 1, 1),
        ("scenarios/registry.json", '{"scenarios": [{"id": "default"}', 1, 33),
        ("templates/bot_globals.json", "nope", 1, 1),
    ],
)
def test_bad_json(tmp_path: Path, file: str, text: str, line: int, column: int) -> None:
    files = {**folders.one_message("Hello"), file: text}
    problems = found(tmp_path, files)
    assert (file, line, column) in [(p.file, p.line, p.column) for p in problems]
    assert any(problem.severity == "error" for problem in problems)


@pytest.mark.parametrize("bad", ["{", "[]", b"\xff"])
def test_a_file_that_cannot_be_read_makes_nothing_else_look_wrong(
    tmp_path: Path, bad: str | bytes
) -> None:
    """One mistake is told once: what leans on that file may well be right."""
    with as_file(resources("dripline.sandbox") / "course") as course:
        shutil.copytree(course, tmp_path / "course", ignore=shutil.ignore_patterns(".*"))
    root = tmp_path / "course"
    folders.write(root, _leaning_on_everything(root))
    assert check(root) == []
    for file in sorted(root.rglob("*.json")):
        whole = file.read_bytes()
        file.write_bytes(bad if isinstance(bad, bytes) else bad.encode())
        assert [problem.file for problem in check(root)] == [str(file.relative_to(root))]
        file.write_bytes(whole)


def _leaning_on_everything(root: Path) -> folders.Files:
    """Return files that ask for what stands in other files."""
    messages = json.loads((root / "scenarios/portraits/messages.json").read_text())
    first = messages["messages"][messages["messages_list"][0]]
    layout = (resources("dripline.content") / "email/layouts/welcome_email.mjml").read_text()
    first["condition"] = {
        "and": [
            {"attribute": {"name": "phone_model", "is": "Nokia"}},
            {"scenario": {"id": "photos"}},
            {"not": {"got_broadcast": "news"}},
        ]
    }
    variants = [{"id": "plain", "share": 1}, {"id": "other", "share": 1, "scenario": "portraits"}]
    return {
        "scenarios/portraits/messages.json": messages,
        "experiments.json": {
            "experiments": [
                {"id": "which", "name": "Which", "scenario": "photos", "goal": "click"}
                | {"within": {"days": 7}, "variants": variants},
            ]
        },
        "broadcasts/registry.json": {
            "broadcasts": [{"id": "news", "name": "News", "template_file": "news.md"}]
        },
        "broadcasts/messages/news.md": "{{ bot.bot_name }}, {{ user.phone_model }}",
        "layouts/own.mjml": layout.replace("{{ subject }}", "{{ bot.bot_name }}", 1),
    }


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    files = {**folders.one_message(""), M: "строка\n".encode() + "текст".encode("cp1251")}
    [problem] = [p for p in found(tmp_path, files) if p.code == "not-utf-8"]
    assert (problem.file, problem.line, problem.column) == (M, 2, 1)
    assert "0xf2" in problem.message


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    root = folders.write(tmp_path / "data", folders.one_message("x"))
    (root / M).unlink()
    (root / M).symlink_to(secret)
    assert ("error", "missing-file") in codes(check(root))


def test_files_have_a_size(tmp_path: Path) -> None:
    root = folders.write(tmp_path, folders.one_message("x", photos=["p.png"]))
    with (root / "scenarios/default/messages/p.png").open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    (root / M).write_text("x" * 300_000)
    assert {("error", "file-size"), ("error", "file-too-big")} <= codes(check(root))


def test_registry(tmp_path: Path) -> None:
    files = folders.one_message("x")
    files["scenarios/registry.json"] = {
        "scenarios": [
            {"id": "default", "name": "Another name"},
            {"id": "default", "name": "One"},
            {"id": "bad id!", "name": "One"},
            {"id": "gone", "name": "One"},
            {"id": "x" * 62, "name": "One"},
        ],
        "default_scenario_id": "nobody",
    }
    said = {problem.code for problem in found(tmp_path, files)}
    assert {"duplicate", "id", "missing-file", "unknown-scenario"} <= said


def test_a_scenario_that_nothing_leads_to(tmp_path: Path) -> None:
    files = folders.one_message("x")
    files["scenarios/registry.json"]["scenarios"].append({"id": "lost", "name": "Lost"})
    files["scenarios/lost/config.json"] = {"id": "lost", "name": "Lost"}
    files["scenarios/lost/messages.json"] = {"messages_list": [], "messages": {}}
    said = codes(found(tmp_path, files))
    assert {("warning", "unreachable-scenario"), ("warning", "empty")} <= said
    files[M] = "See https://t.me/bot?start=lost"
    assert "unreachable-scenario" not in {code for _, code in codes(found(tmp_path, files))}


def test_broadcasts(tmp_path: Path) -> None:
    files = {
        **folders.one_message("x"),
        "broadcasts/registry.json": {
            "broadcasts": [
                {
                    "id": "b",
                    "name": "B",
                    "template_file": "b.md",
                    "targeting": {"conditions": ["has_not_payed"]},
                }
            ]
        },
        "broadcasts/messages/b.md": "{{ user.nope }}",
    }
    problems = found(tmp_path, files)
    assert {p.code for p in problems} == {"targeting", "unknown-variable"}
    assert {p.file for p in problems} == {"broadcasts/registry.json", "broadcasts/messages/b.md"}


def test_declared_attributes_are_known(tmp_path: Path) -> None:
    files = {
        **folders.one_message("{{ user.city }}"),
        "templates/attributes.json": {"attributes": {"city": {"type": "text"}}},
    }
    assert found(tmp_path, files) == []
    files["templates/attributes.json"] = {
        "attributes": {"city": {"type": "number", "default": "x"}}
    }
    assert ("error", "type") in codes(found(tmp_path, files))


def test_what_nothing_uses_is_told(tmp_path: Path) -> None:
    files = {
        **folders.one_message("x"),
        "scenarios/default/messages/old.md": "x",
        "buttons/registry.json": {"button_sets": {"old": {"rows": []}}},
    }
    assert codes(found(tmp_path, files)) == {
        ("warning", "unused-file"),
        ("warning", "unused-button-set"),
    }


def test_no_folder(tmp_path: Path) -> None:
    [problem] = check(tmp_path / "nope")
    assert problem.code == "missing-file"


_KEYS = st.text(max_size=4)
_PLAIN = st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=False) | _KEYS
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: Any) -> folders.Files:
    """FORMATS' folder with one value somewhere replaced by anything."""
    files: folders.Files = json.loads(
        json.dumps({k: v for k, v in folders.formats().items() if not isinstance(v, bytes)})
    )
    name = draw(st.sampled_from([k for k in files if k.endswith(".json")]))
    holder, keys = files, [name]
    node = files[name]
    while isinstance(node, dict | list) and node and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        holder, keys, node = node, [key], node[key]
    holder[keys[0]] = draw(_VALUES)
    return files


@given(spoilt())
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_anything_anywhere_is_told_and_never_a_crash(tmp_path: Path, files: folders.Files) -> None:
    for problem in found(tmp_path, files):
        assert problem.line >= 1
        assert problem.message


@given(spoilt())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_can_be_pushed_comes_back_as_it_was(tmp_path: Path, files: folders.Files) -> None:
    pictures = {k: v for k, v in folders.formats().items() if isinstance(v, bytes)}
    content = examine(folders.write(tmp_path, {**files, **pictures}))
    if content.has_errors:
        return
    back = unparse(content.documents)
    for name, text in back.texts.items():
        written = files[name]
        assert (json.loads(text) if name.endswith(".json") else text) == written, name
    assert set(back.media) <= set(pictures)


def test_a_big_folder_is_checked_soon(tmp_path: Path) -> None:
    files = folders.one_message("x")
    names = [f"m{n}" for n in range(300)]
    files[J] = {
        "messages_list": names,
        "messages": {name: {"template_file": "m.md"} for name in names},
    }
    files[M] = "Hello {{ user.first_name }}, <b>this</b> is {{ scenario.name }}.\n" * 20
    began = time.monotonic()
    assert found(tmp_path, files) == []
    assert time.monotonic() - began < 20
