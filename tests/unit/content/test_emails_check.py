"""The linter on emails: subjects, templates of their own, layouts; each mistake at its place."""

import sys
from pathlib import Path
from typing import Any

import pytest

from dripline.content.check import check, examine
from dripline.content.email.layout import SHIPPED, shipped
from dripline.content.problems import Problem
from dripline.content.unparse import unparse
from dripline.wiring import import_models

sys.path.insert(0, str(Path(__file__).parent))
import folders

import_models()
J = "scenarios/default/messages.json"
OWN = "scenarios/default/messages/m.email.md"
LAYOUT = (
    "<mjml>\n<mj-body><mj-section><mj-column>\n<mj-text>{{ message_content }}\n"
    '<a href="{{ unsubscribe_url }}">Leave</a></mj-text>\n'
    '<mj-raw><tr><td><img src="{{ tracking_url }}"></td></tr></mj-raw>\n'
    "</mj-column></mj-section></mj-body>\n</mjml>\n"
)


def found(root: Path, email: dict[str, Any], **more: Any) -> list[Problem]:
    """Check a message with this email, and further files."""
    files = folders.one_message("Hello", email=email)
    return check(
        folders.write(root, {**files, **{k.replace("__", "/"): v for k, v in more.items()}})
    )


def errors(problems: list[Problem]) -> list[tuple[str, int, str]]:
    return [(one.file, one.line, one.code) for one in problems if one.severity == "error"]


def test_an_email_with_everything_is_fine(tmp_path: Path) -> None:
    email = {
        "subject": "For {{ user.first_name | default: 'you' }}",
        "subjects": {"ru": "Для вас"},
        "preheader": "Soon",
        "preheaders": {"ru": "Скоро"},
        "template_file": "m.email.md",
        "format": "markdown",
        "layout": "mine",
    }
    problems = found(
        tmp_path,
        email,
        **{OWN: "# Hi {{ user.first_name }}\n\n- a", OWN.replace(".md", ".ru.md"): "# Привет"},
        **{"layouts/mine.mjml": LAYOUT, "layouts/mine.ru.mjml": LAYOUT},
    )
    assert problems == []


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ({"subject": "{{ user.frist_name }}"}, "unknown-variable"),
        ({"subject": "{{ user.first_name"}, "liquid"),
        ({"subject": "a\nBcc: b@c.d"}, "header"),
        ({"preheader": "a\u2028b"}, "header"),
        ({"subject": "a" * 300}, "long-subject"),
        ({"subjects": {"ru": "{{ user.nope }}"}}, "unknown-variable"),
        ({"subjects": {"Russian!": "a"}}, "language"),
        ({"subject": 5}, "type"),
        ({"layout": "nurture_sequense"}, "unknown-layout"),
        ({"format": "text"}, "format"),
        ({"template_file": "none.md"}, "missing-file"),
        ({"template_file": "../../x.md"}, "path"),
        ({"texts": {"": "a"}}, "reserved-field"),
    ],
)
def test_mistakes_in_a_message(tmp_path: Path, email: dict[str, Any], code: str) -> None:
    assert [one for _file, _line, one in errors(found(tmp_path, email))] == [code]


def test_an_email_is_an_object(tmp_path: Path) -> None:
    assert errors(found(tmp_path, "subject"))[0][2] == "type"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("Hi\n\n<script>x</script>", 3, "unknown-tag"),
        ("Hi\n{{ user.nope }}", 2, "unknown-variable"),
        ('\n<img src="cat.jpg" alt="x">', 2, "link"),
        ("<h1>a", 1, "unbalanced-html"),
        ("{% if user.state %}\n<p>{% endif %}", 2, "unbalanced-html"),
    ],
)
def test_mistakes_in_an_own_template(tmp_path: Path, text: str, line: int, code: str) -> None:
    wrong = errors(found(tmp_path, {"template_file": "m.email.md"}, **{OWN: text}))
    assert (OWN, line, code) in wrong


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ("</mj-text>", "", 3, "mjml"),
        ("<mj-text>", "<mj-texd>", 3, "mjml"),
        ("</mj-section>", "", 2, "mjml"),
        ("<mj-raw>", '<mj-include path="/etc/passwd" /><mj-raw>', 5, "mjml"),
        ("{{ message_content }}", "", 1, "mjml"),
        ("{{ message_content }}", "{{ message_content }}{{ message_content }}", 1, "mjml"),
        ("{{ unsubscribe_url }}", "https://a.b", 1, "no-unsubscribe"),
        ("Leave", "{{ user_nam }}", 4, "unknown-variable"),
        ("Leave", "{{ bot.nope }}", 4, "unknown-variable"),
        ("Leave", "{{ user.first_name }}", 4, "unknown-variable"),
        ("Leave", "{% if user_name %}a{% endif %}", 4, "late-variable"),
        ("Leave", "{% if language %}a", 4, "liquid"),
        ("Leave", "{{ language | nope }}", 4, "liquid"),
        ("<mjml>", "<html>", 7, "mjml"),
    ],
)  # fmt: skip
def test_mistakes_in_a_layout(tmp_path: Path, old: str, new: str, line: int, code: str) -> None:
    broken = LAYOUT.replace(old, new)
    wrong = errors(found(tmp_path, {"layout": "mine"}, **{"layouts/mine.mjml": broken}))
    assert ("layouts/mine.mjml", line, code) in wrong


def test_what_a_layout_may_leave_to_others(tmp_path: Path) -> None:
    mine = LAYOUT.replace("Leave", '{{ bot.company_name | default: "us" }}{{ user_name }}')
    assert errors(found(tmp_path, {}, **{"layouts/mine.mjml": mine})) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_layout_that_ships_is_fine_in_any_folder(tmp_path: Path, name: str) -> None:
    """Its globals need not say what the layout asks for."""
    files = {**folders.one_message("Hello"), f"layouts/{name}.mjml": shipped()[name][""]}
    problems = check(folders.write(tmp_path, files))
    assert [one for one in problems if one.code != "no-pixel"] == []


def test_a_variable_that_a_layout_has_not_asked_for_is_unknown(tmp_path: Path) -> None:
    mine = LAYOUT.replace("Leave", "{% if bot.logo_url %}{% else %}{{ bot.logo_url }}{% endif %}")
    wrong = errors(found(tmp_path, {}, **{"layouts/mine.mjml": mine}))
    assert ("layouts/mine.mjml", 4, "unknown-variable") in wrong


def test_a_layout_without_a_pixel_is_worth_a_look(tmp_path: Path) -> None:
    mine = LAYOUT.replace('<img src="{{ tracking_url }}">', "")
    problems = found(tmp_path, {}, **{"layouts/mine.mjml": mine})
    assert [(one.severity, one.code) for one in problems] == [("warning", "no-pixel")]


@pytest.mark.parametrize("name", ["a b.mjml", "mine.Russian.mjml", "-x.mjml"])
def test_names_of_layouts(tmp_path: Path, name: str) -> None:
    assert errors(found(tmp_path, {}, **{f"layouts/{name}": LAYOUT})) == [
        (f"layouts/{name}", 1, "id")
    ]


def test_a_variant_alone_belongs_to_a_shipped_layout(tmp_path: Path) -> None:
    fine = found(tmp_path / "a", {}, **{"layouts/welcome_email.ru.mjml": LAYOUT})
    assert errors(fine) == []
    alone = found(tmp_path / "b", {}, **{"layouts/mine.ru.mjml": LAYOUT})
    assert errors(alone) == [("layouts/mine.ru.mjml", 1, "missing-file")]


def test_files_come_back_as_they_were(tmp_path: Path) -> None:
    email = {"subject": "a", "subjects": {"ru": "б"}, "template_file": "m.email.md", "own": 1}
    files = folders.one_message("Hello", email=email)
    files |= {OWN: "Own\n", OWN.replace(".md", ".ru.md"): "Свой\n", "layouts/mine.mjml": LAYOUT}
    config = files["scenarios/default/config.json"]
    config["email"] = {"layout": "mine"}
    config["prodamus"] = {
        "paid_content": "Thanks",
        "paid_content_email": {"subject": "Paid", "template_file": "paid.email.md"},
    }
    files["scenarios/default/messages/paid.email.md"] = "# Paid\n"
    root = folders.write(tmp_path, files)
    content = examine(root)
    assert errors(content.problems) == []
    back = unparse(content.documents).texts
    for name, body in folders.tree(root).items():
        if name.endswith(".json"):
            assert folders.json.loads(back[name]) == folders.json.loads(body)
        else:
            assert back[name] == body.decode()


@pytest.mark.parametrize(
    "broken",
    [
        LAYOUT.replace("Leave", "<div>" * 3000 + "</div>" * 3000),
        LAYOUT.replace(
            "<mj-section>",
            "{% for i in (1..400) %}<mj-wrapper><mj-wrapper>{% endfor %}"
            "{% for i in (1..400) %}</mj-wrapper></mj-wrapper>{% endfor %}<mj-section>",
        ),
    ],
)
def test_a_layout_that_nests_without_end_is_refused(tmp_path: Path, broken: str) -> None:
    wrong = errors(found(tmp_path, {}, **{"layouts/mine.mjml": broken}))
    assert {code for _file, _line, code in wrong} <= {"mjml", "liquid"}
    assert wrong


def test_a_text_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    text = "<b>" * 3000 + "x\n\ny" + "</b>" * 3000
    wrong = errors(found(tmp_path, {"template_file": "m.email.md"}, **{OWN: text}))
    assert {code for _file, _line, code in wrong} == {"nested-tag"}
