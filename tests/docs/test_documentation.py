"""The documentation says everything there is to say, and its links lead somewhere."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from dripline.cli.app import app
from dripline.content import variables
from dripline.content.parse_message import BUTTON_TYPES
from dripline.metrics import REGISTRY
from dripline.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SETTINGS = (ROOT / "docs/settings.md").read_text()
COMMANDS = (ROOT / "docs/commands.md").read_text()


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its whole name."""

    def below(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        for key, child in getattr(command, "commands", {}).items():
            yield from below(child, f"{name} {key}")
        if not hasattr(command, "commands"):
            yield name, command

    yield from below(typer.main.get_command(app), "dripline")


def section(text: str, title: str) -> str:
    """Return what stands under a heading of the second level."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    row = re.search(rf"^\| `{name.upper()}` \| (.*?) \| (.+) \|$", SETTINGS, re.MULTILINE)
    assert row, f"docs/settings.md has no row for {name.upper()}"
    default = Settings.model_fields[name].default
    if isinstance(default, str):
        assert row[1] == f"`{default}`"
    elif isinstance(default, bool):
        assert row[1] == f"`{str(default).lower()}`"
    elif isinstance(default, int | float):
        assert float(row[1].strip("`")) == default


def test_no_setting_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"^\| `([A-Z_]+)` ", SETTINGS, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_and_option_is_documented(name: str, command: Any) -> None:
    described = section(COMMANDS, name)
    assert described.strip(), f"docs/commands.md has no section '## {name}'"
    options = [word for p in command.params for word in p.opts if word.startswith("--")]
    missing = [word for word in options if f"`{word}`" not in described and word != "--help"]
    assert not missing


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_no_option_is_documented_that_does_not_exist(name: str, command: Any) -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)` ", section(COMMANDS, name), re.MULTILINE)
    assert set(rows) <= {word for p in command.params for word in p.opts}


def test_no_command_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"^## (dripline .*)$", COMMANDS, re.MULTILINE))
    assert named == {name for name, _ in commands()}


@pytest.mark.parametrize("name", sorted(metric.name for metric in REGISTRY.collect()))
def test_every_metric_of_ours_is_named_for_operators(name: str) -> None:
    if name.startswith("dripline_"):
        assert name in (ROOT / "docs/operating.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    broken = [
        target
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if not re.match(r"https?:|mailto:", target) and not _leads_somewhere(page, target)
    ]
    assert not broken


def _leads_somewhere(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists():
        return False
    return not anchor or anchor in _anchors(file)


@cache
def _anchors(file: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`((?:src|tests|docs|bench|scripts)/[\w./-]+\.\w+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text()
    pages = (ROOT / "docs/decisions").glob("[0-9]*.md")
    assert [page.name for page in pages if f"]({page.name})" not in listed] == []


def test_every_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = (page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")
    assert [name for name in pages if f"({name})" not in index] == []


def test_the_architecture_names_every_room() -> None:
    described = (ROOT / "docs/architecture.md").read_text()
    names = (re.match(r"src/dripline/([a-z]\w*)(/|\.py$)", file) for file in _tracked())
    rooms = {name[1] for name in names if name}
    assert {room for room in rooms if not re.search(rf"`{room}(/|\.py)?`", described)} == set()


MACHINE = re.compile(
    r"/root/|/home/\w+/|/work/|artifactory|nexus\.|mirror\.|(?<!emit-)index-url|files\.pythonhosted\.org"
)


def test_no_path_of_a_machine_and_no_host_of_a_registry_is_in_the_tree() -> None:
    found = []
    for name in _tracked():
        file = ROOT / name
        if name == "tests/docs/test_documentation.py" or not file.is_file():
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {match[0]}" for match in MACHINE.finditer(text)]
    assert found == []


def _tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git clone: git ls-files does not work here")
    return done.stdout.splitlines()


@pytest.mark.parametrize("scope", ["scenario", "user"])
def test_every_variable_of_templates_is_documented(scope: str) -> None:
    row = re.search(
        rf"^\| `{scope}` \| (.*) \|$", (ROOT / "docs/content.md").read_text(), re.MULTILINE
    )
    assert row
    assert [name for name in variables.known(scope) if f"`{name}`" not in row[1]] == []


@pytest.mark.parametrize("kind", BUTTON_TYPES)
def test_every_type_of_button_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in (ROOT / "docs/content.md").read_text()
