"""Files of the folder that belong to rooms above: each registers its own, as with variables.

`lifecycle.json` is lifecycle's. What stands there under “messages” is read, linted, stored and
written like the messages of scenarios, with templates and files in `KIND/messages/`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dripline.content.parse_message import parse_summary
from dripline.content.shape import Node

if TYPE_CHECKING:
    from dripline.content.check_templates import Linter
    from dripline.content.compile import Making
    from dripline.content.folder import Folder


@dataclass(frozen=True, slots=True)
class RoomFile:
    """A JSON file of the folder, and what its room makes of it.

    `check` gets the file, the linter, and the ids of all scenarios; it reports what is wrong.
    `make` gets the document `{"file", "order", "messages"}`; what it returns is in the library.
    """

    kind: str
    file: str
    check: Callable[[Node, "Linter", frozenset[str]], None]
    make: Callable[[Mapping[str, Any], "Making"], Any]


_registry: dict[str, RoomFile] = {}


def register(room_file: RoomFile) -> None:
    """Make a room's file part of every content folder."""
    _registry[room_file.kind] = room_file


def registered() -> tuple[RoomFile, ...]:
    """Return every room's file."""
    return tuple(_registry.values())


def of_kind(kind: str) -> RoomFile | None:
    """Return the file of this kind of document, or None."""
    return _registry.get(kind)


def parse(folder: "Folder", room_file: RoomFile) -> dict[str, Any] | None:
    """Return the document of a room's file; None when there is none that can be read."""
    if not folder.exists(room_file.file):
        return None
    node = Node.of_file(folder, room_file.file)
    if node is None:
        return None
    messages = {key: parse_summary(inner, room_file.kind) for key, inner in messages_of(node)}
    rest = {key: value for key, value in node.value.items() if key != "messages"}
    return {"file": rest, "order": list(messages), "messages": messages}


def messages_of(node: Node) -> Iterator[tuple[str, Node]]:
    """Return the messages of a room's file with their places."""
    messages = node.object("messages")
    for key, inner in messages.members() if messages is not None else ():
        if inner.expect(dict):
            yield key, inner


def check(
    folder: "Folder",
    documents: Mapping[tuple[str, str], Any],
    linter: "Linter",
    scenario_ids: frozenset[str],
) -> None:
    """Lint every room's file."""
    for room_file in registered():
        document = documents.get((room_file.kind, room_file.kind))
        node = Node.of_file(folder, room_file.file) if document is not None else None
        if document is None or node is None:
            continue
        for key, inner in messages_of(node):
            linter.message(inner, document["messages"][key], {"id": "", "name": ""})
        room_file.check(node, linter, scenario_ids)
