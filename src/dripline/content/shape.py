"""Look at a JSON value with its place in a file, and say plainly what is wrong with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dripline.content.folder import Folder
from dripline.content.json_source import Parsed, Path
from dripline.content.problems import Severity

_NAMES = {
    dict: "an object {…}", list: "a list […]", str: 'a text in "quotes"', bool: "true or false",
    int: "a whole number",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a JSON file, and where it stands."""

    folder: Folder
    file: str
    parsed: Parsed
    path: Path
    value: Any

    @classmethod
    def of_file(cls, folder: Folder, file: str) -> "Node | None":
        """Return the object a JSON file holds, or None after saying why not."""
        parsed = folder.json(file)
        if parsed is None:
            return None
        node = cls(folder, file, parsed, (), parsed.value)
        return node if node.expect(dict) else None

    @property
    def offset(self) -> int:
        """Where in the file this stands."""
        return self.parsed.offset(self.path)

    def report(self, code: str, message: str, severity: Severity = "error") -> None:
        """Note a problem here."""
        self.folder.report(self.file, self.offset, severity, code, message)

    def expect(self, kind: type) -> bool:
        """Whether the value is of a type; says so when it is not."""
        fits = isinstance(self.value, kind) and (kind is bool or not isinstance(self.value, bool))
        if not fits:
            name = f"“{self.path[-1]}”" if self.path else "The file"
            self.report("type", f"{name} must be {_NAMES[kind]}.")
        return fits

    def at(self, key: str | int) -> "Node":
        """Return a part of an object or a list; a missing one is None."""
        if isinstance(self.value, dict):
            inner = self.value.get(str(key))
        else:
            known = isinstance(self.value, list) and isinstance(key, int)
            inner = self.value[key] if known else None
        return Node(self.folder, self.file, self.parsed, (*self.path, key), inner)

    def has(self, key: str) -> bool:
        """Whether an object has a value under this key; null counts as none."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def object(self, key: str) -> "Node | None":
        """Return the object under a key, or None when there is none."""
        node = self.at(key)
        return node if self.has(key) and node.expect(dict) else None

    def need(self, *keys: str) -> None:
        """Say which of these keys are missing."""
        for key in keys:
            if not self.has(key):
                self.report("missing-field", f"“{key}” is missing here.")

    def know(self, keys: Iterable[str], code: str = "unknown-field") -> None:
        """Warn of what stands under other keys than these: a slip would go unseen."""
        for key, inner in self.members():
            if key not in keys:
                told = f"“{key}” is not known here; there are {', '.join(keys)}."
                inner.report(code, told, "warning")

    def items(self, key: str) -> list["Node"]:
        """Return the members of the list under a key; a missing list is empty."""
        node = self.at(key)
        if not self.has(key) or not node.expect(list):
            return []
        return [node.at(number) for number in range(len(node.value))]

    def members(self) -> Iterator[tuple[str, "Node"]]:
        """Return the values of an object by their keys."""
        for key in self.value if isinstance(self.value, dict) else ():
            yield key, self.at(key)

    def text(self, key: str, default: str = "", *, needed: bool = False, most: int = 4096) -> str:
        """Return the text under a key."""
        node = self.at(key)
        if not self.has(key):
            if needed:
                self.report("missing-field", f"“{key}” is missing here.")
            return default
        if not node.expect(str):
            return default
        if len(node.value) > most:
            node.report("too-long", f"“{key}” has at most {most} characters.")
            return default
        if needed and not node.value.strip():
            node.report("missing-field", f"“{key}” must not be empty.")
        return str(node.value)

    def number(self, key: str, default: int, least: int, most: int) -> int:
        """Return the whole number under a key; `24.0` counts as one."""
        node = self.at(key)
        if not self.has(key):
            return default
        value = node.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            node.report("number", f"“{key}” must be a whole number from {least} to {most}.")
            return default
        return value
