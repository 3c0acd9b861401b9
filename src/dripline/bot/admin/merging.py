"""Join two edits of one document, made at the same time: a pure function.

Where only one of them changed something, that holds. Where both did, ours holds, and the place is
named, so that somebody can choose.
"""

from collections.abc import Mapping
from typing import Any, Final

Path = tuple[str, ...]
_MISSING: Final = object()


def merge(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Path]]:
    """Return the joined document, and where both had changed the same differently."""
    clashes: list[Path] = []
    mine = _renamed(base, mine, theirs)
    merged = _joined(base, mine, theirs, (), clashes)
    merged["order"] = _order(base, mine, theirs, merged)
    return merged, [path for path in clashes if path[0] not in {"order", "retired"}]


def _renamed(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return ours with new ids for new messages, where theirs has other new ones under them."""
    known, others = base.get("messages", {}), theirs.get("messages", {})
    names: dict[str, str] = {}
    taken = {*others, *mine["messages"], *theirs.get("retired", {}), *mine.get("retired", {})}
    for key in mine["messages"]:
        if key in others and key not in known:
            number = 1
            while f"msg_{number}" in taken:
                number += 1
            names[key] = f"msg_{number}"
            taken.add(names[key])
    if not names:
        return mine
    messages = {names.get(key, key): spec for key, spec in mine["messages"].items()}
    return {**mine, "messages": messages, "order": [names.get(k, k) for k in mine["order"]]}


def changed_places(base: Mapping[str, Any], now: Mapping[str, Any]) -> list[Path]:
    """Return what differs: a message as a whole, any other field by its own place."""
    found: list[Path] = []
    for key in dict.fromkeys([*base, *now]):
        old, new = base.get(key), now.get(key)
        if old == new or key in {"retired", "entry"}:
            continue
        if key in {"messages", "config"} and isinstance(old, Mapping) and isinstance(new, Mapping):
            names = dict.fromkeys([*old, *new])
            found += [(key, str(one)) for one in names if old.get(one) != new.get(one)]
        else:
            found.append((key,))
    return found


def _joined(base: Any, mine: Any, theirs: Any, at: Path, clashes: list[Path]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in dict.fromkeys([*theirs, *mine]):
        old, ours, other = (side.get(key, _MISSING) for side in (base, mine, theirs))
        if ours == other or other == old:
            found = ours
        elif ours == old:
            found = other
        elif isinstance(ours, Mapping) and isinstance(other, Mapping):
            known = old if isinstance(old, Mapping) else {}
            found = _joined(known, ours, other, (*at, key), clashes)
        else:
            clashes.append((*at, key))
            found = other if ours is _MISSING else ours  # what was deleted here, was changed there
        if found is not _MISSING:
            merged[key] = found
    return merged


def _order(
    base: Mapping[str, Any],
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any],
    merged: Mapping[str, Any],
) -> list[str]:
    """Return all messages that are left in one order: ours, theirs' new ones after their own."""
    old, ours, other = (list(side.get("order", ())) for side in (base, mine, theirs))
    leading, following = (other, ours) if ours == old else (ours, other)
    order = [key for key in leading if key in merged["messages"]]
    for number, key in enumerate(following):
        if key in order or key not in merged["messages"]:
            continue
        before = next((one for one in reversed(following[:number]) if one in order), None)
        order.insert(0 if before is None else order.index(before) + 1, key)
    return order
