"""What differs between two states of content: pure values."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Key = tuple[str, str]
Documents = Mapping[Key, Mapping[str, Any]]
How = Literal["added", "changed", "removed"]

_DIFF_LINES = 60
_DERIVED = frozenset({"texts", "media", "places"})


@dataclass(frozen=True, slots=True)
class Change:
    """One document that differs. The lists name messages; only scenarios have any."""

    kind: str
    key: str
    how: How
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: bool = False
    diff: str = ""

    @property
    def title(self) -> str:
        """Return how it is called, such as `scenario premium`."""
        return f"{self.kind} {self.key}" if self.kind == "scenario" else self.kind


def changes(old: Documents, new: Documents) -> list[Change]:
    """Return what is different, in the order of the new state, what is gone at the end."""
    found = []
    for key, body in new.items():
        before = old.get(key)
        if before is None:
            found.append(_change(key, "added", {}, body))
        elif not same(before, body):
            found.append(_change(key, "changed", before, body))
    found += [_change(key, "removed", body, {}) for key, body in old.items() if key not in new]
    return found


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents say the same; what a push works out itself does not count."""
    return _said(one) == _said(other)


def retired(before: Mapping[str, Any] | None, order: Iterable[str]) -> dict[str, str | None]:
    """Return which messages are gone, each with the one before it that is still there.

    So a contact whose last message was deleted keeps their place.
    """
    present = list(order)
    if before is None:
        return {}
    gone = {key: at for key, at in before.get("retired", {}).items() if key not in present}
    last: str | None = None
    for message_id in before.get("order", ()):
        if message_id in present:
            last = message_id
        else:
            gone[message_id] = last
    return gone


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "retired"}


def _change(key: Key, how: How, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    kind, name = key
    diff = _unified(_lines(old), _lines(new))
    if kind != "scenario":
        return Change(kind, name, how, diff=diff)
    before, after = old.get("messages", {}), new.get("messages", {})
    old_order, new_order = old.get("order", []), new.get("order", [])
    kept = [message_id for message_id in new_order if message_id in before]
    return Change(
        kind,
        name,
        how,
        added=tuple(one for one in new_order if one not in before),
        changed=tuple(one for one in kept if before[one] != after[one]),
        removed=tuple(one for one in old_order if one not in after),
        moved=kept != [one for one in old_order if one in after],
        diff=diff,
    )


def _unified(old: list[str], new: list[str]) -> str:
    lines = list(difflib.unified_diff(old, new, "now", "folder", lineterm="", n=2))
    if len(lines) > _DIFF_LINES:
        left = len(lines) - _DIFF_LINES
        lines = [*lines[:_DIFF_LINES], f"… {left} more lines"]
    return "\n".join(lines)


def _lines(body: Mapping[str, Any]) -> list[str]:
    """Return a document as a reader would like to compare it: texts as lines, files by name."""
    if not body:
        return []
    apart = {"messages", "summary", "retired", "layouts"}
    plain = {k: v for k, v in body.items() if k not in apart}
    lines = json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True).splitlines()
    for name, by_language in sorted(body.get("layouts", {}).items()):
        lines += _text_lines(name, by_language)
    messages = body.get("messages", {})
    specs = [(name, messages[name]) for name in body.get("order", ()) if name in messages]
    if body.get("summary"):
        specs.append(("summary", body["summary"]))
    for name, spec in specs:
        lines += _message_lines(name, spec or {})
    return lines


def _message_lines(name: str, spec: Mapping[str, Any]) -> list[str]:
    rest = {key: value for key, value in spec.items() if key not in _DERIVED}
    email = spec.get("email") if isinstance(spec.get("email"), Mapping) else None
    if email:
        rest["email"] = {key: value for key, value in email.items() if key not in _DERIVED}
    lines = [f"{name}: {json.dumps(rest, ensure_ascii=False, sort_keys=True)}"]
    lines += [
        f"{name}: {file['kind']} {file['filename']} {file['sha256'][:12]}"
        for file in spec.get("media", ())
    ]
    lines += _text_lines(name, spec.get("texts", {}))
    return lines + _text_lines(f"{name}.email", (email or {}).get("texts") or {})


def _text_lines(name: str, texts: Mapping[str, str]) -> list[str]:
    """Return texts by language as lines, each with what it belongs to."""
    return [
        (f"{name}.{language}| " if language else f"{name}| ") + line
        for language, text in texts.items()
        for line in text.splitlines()
    ]
