"""The linter: what is wrong with a content folder, before a contact finds out.

    problems = check(Path("data"))          # what `dripline content check` prints

`examine` gives the content along with its problems: what `plan` and `push` begin with.
"""

from collections.abc import Iterator
from pathlib import Path

from dripline.content import check_flow, conditions, room_files
from dripline.content.check_emails import check_email, check_layout_name, check_layouts
from dripline.content.check_templates import Linter
from dripline.content.parse import (
    ATTRIBUTES,
    BROADCASTS,
    BUTTON_SETS,
    GLOBALS,
    Content,
    parse_folder,
)
from dripline.content.problems import Problem
from dripline.content.shape import Node


def check(root: Path) -> list[Problem]:
    """Return every problem of a content folder, in the order of files and lines."""
    return examine(root).problems


def examine(root: Path) -> Content:
    """Return what a folder says, with all its problems."""
    content = parse_folder(root)
    return lint(content) if root.is_dir() else content


def lint(content: Content) -> Content:
    """Add what only shows when the parts of a content are seen together."""
    folder = content.folder
    assert folder is not None  # noqa: S101 - a content that was read has its folder
    linter = Linter(folder, content)
    for scenario_id in content.scenario_ids:
        body = content.documents["scenario", scenario_id]
        for node, spec in _messages(content, scenario_id):
            linter.message(node, spec, body["config"])
        _check_config(content, scenario_id, linter)
    _check_broadcasts(content, linter)
    check_layouts(linter)
    conditions.check(content)
    scenario_ids = frozenset(content.named_scenarios)
    room_files.check(folder, content.documents, linter, scenario_ids)
    linter.button_sets()
    if not content.has_errors:  # else what is missing would look unused, and be one more riddle
        linter.unused_sets()
        check_flow.check(content)
        _check_unused_files(content)
    content.problems = folder.problems.sorted()
    return content


def _messages(content: Content, scenario_id: str) -> Iterator[tuple[Node, dict[str, object]]]:
    """Return the messages of a scenario with their places; the summary last."""
    folder = content.folder
    assert folder is not None  # noqa: S101 - the caller has looked
    body = content.documents["scenario", scenario_id]
    base = f"scenarios/{scenario_id}"
    messages = Node.of_file(folder, f"{base}/messages.json")
    for message_id in body["order"] if messages is not None else ():
        assert messages is not None  # noqa: S101 - as the line above says
        yield messages.at("messages").at(message_id), body["messages"][message_id]
    if body["summary"] is not None:
        summary = Node.of_file(folder, f"{base}/summary.json")
        if summary is not None:
            yield summary, body["summary"]


def _check_config(content: Content, scenario_id: str, linter: Linter) -> None:
    config = Node.of_file(linter.folder, f"scenarios/{scenario_id}/config.json")
    product = config.object("prodamus") if config is not None else None
    own = content.documents["scenario", scenario_id]["config"]
    if product is not None and isinstance(product.value.get("paid_content"), str):
        linter.inline(product.at("paid_content"), own)
    if product is not None and isinstance(product.value.get("paid_content_email"), dict):
        email = product.at("paid_content_email")
        check_email(linter, email, own["prodamus"]["paid_content_email"], own)
    if config is not None and config.has("email"):
        check_layout_name(linter, config.at("email"))


def _check_broadcasts(content: Content, linter: Linter) -> None:
    document = content.documents.get(("broadcasts", "broadcasts"))
    registry = Node.of_file(linter.folder, BROADCASTS) if document else None
    if document is None or registry is None:
        return
    nodes = [node for node in registry.items("broadcasts") if isinstance(node.value, dict)]
    for node, spec in zip(nodes, document["broadcasts"], strict=True):
        linter.message(node, spec, {"id": "", "name": ""})


def _check_unused_files(content: Content) -> None:
    folder = content.folder
    assert folder is not None  # noqa: S101 - the caller has looked
    for scenario_id in content.scenario_ids:
        where = f"scenarios/{scenario_id}/messages"
        for name in folder.names(where, "*.md"):
            if f"{where}/{name}" not in folder.texts:
                folder.report(
                    f"{where}/{name}", 0, "warning", "unused-file", "No message uses this file."
                )


__all__ = ["ATTRIBUTES", "BUTTON_SETS", "GLOBALS", "Problem", "check", "examine"]
