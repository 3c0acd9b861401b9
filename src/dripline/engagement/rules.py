"""What brings how many points, as the content says: `engagement.json`, or what ships.

    {"weights": {"link.clicked": {"telegram": 10, "email": 12}, "attendance.*": {"attendance": 30}},
     "half_life": {"days": 14}, "half_lives": {"commitment": {"days": 60}},
     "levels": {"highly_engaged": 60, "engaged": 20, "at_risk": 5}}

A weight for both channels counts on the one by which the event came. The overall score gets the
most of an event's points, unless its weights say `overall`.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from dripline.content import room_files
from dripline.content.check_templates import Linter
from dripline.content.compile import Making
from dripline.content.shape import Node
from dripline.content.store import Library
from dripline.engagement.score import DORMANT, LEVELS, OVERALL, TYPES

KIND: Final = "engagement"
FILE: Final = "engagement.json"
_CHANNELS: Final = ("telegram", "email")
_MOST_POINTS: Final = 1000
_MOST_WEIGHTS: Final = 200
_MOST_DAYS: Final = 3660
_LONGEST_NAME: Final = 80

WEIGHTS: Final[Mapping[str, Mapping[str, float]]] = {
    "bot.started": {"telegram": 12},
    "callback.pressed": {"telegram": 10},
    "message.received": {"telegram": 10},
    "message.opened": {"telegram": 2, "email": 5},
    "link.clicked": {"telegram": 10, "email": 12},
    "registered": {"commitment": 15},
    "payment.succeeded": {"commitment": 40},
    "attendance": {"attendance": 30},
    "attendance.*": {"attendance": 30},
    "commitment": {"commitment": 30},
    "commitment.*": {"commitment": 30},
}
_DAY_S: Final = 86_400
_HALF_LIVES: Final = {
    "overall": 14 * _DAY_S,
    "telegram": 14 * _DAY_S,
    "email": 14 * _DAY_S,
    "attendance": 30 * _DAY_S,
    "commitment": 60 * _DAY_S,
}

Points = tuple[tuple[str, float], ...]  # type and points


@dataclass(frozen=True, slots=True)
class ScoreRules:
    """Weights by event, half-lives by type in seconds, and the least score of each level."""

    weights: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: WEIGHTS)
    half_lives: Mapping[str, int] = field(default_factory=lambda: _HALF_LIVES)
    levels: Mapping[str, float] = field(default_factory=lambda: LEVELS)
    _known: dict[tuple[str, str | None], Points] = field(default_factory=dict, compare=False)

    def points(self, name: str, channel: str | None) -> Points:
        """Return what an event brings, by type; nothing for one that nobody weighs."""
        found = self._known.get((name, channel))
        if found is None:
            found = self._points(name, channel)
            if len(self._known) < 10_000:  # names come from outside
                self._known[name, channel] = found
        return found

    def _points(self, name: str, channel: str | None) -> Points:
        weights = self.weights.get(name)
        head = name
        while weights is None and "." in head:
            head = head.rpartition(".")[0]
            weights = self.weights.get(f"{head}.*")
        given = {
            kind: points
            for kind, points in (weights or {}).items()
            if points > 0 and (channel is None or kind not in _CHANNELS or kind == channel)
        }
        if given and OVERALL not in given:
            given[OVERALL] = max(given.values())
        return tuple(given.items())


_SHIPPED: Final = ScoreRules()


def rules_of(library: Library) -> ScoreRules:
    """Return the rules of the content, or those that ship."""
    found = library.rooms.get(KIND)
    return found if isinstance(found, ScoreRules) else _SHIPPED


def levels_of(rooms: Mapping[str, Any]) -> Mapping[str, float]:
    """Return the least score of each level, by what content says of rooms, or as ships."""
    found = rooms.get(KIND)
    return found.levels if isinstance(found, ScoreRules) else LEVELS


def rooms_in(documents: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, ScoreRules]:
    """Return the rules of content that is not compiled, as a library has those of rooms."""
    document = documents.get((KIND, KIND))
    return {KIND: _made(document["file"])} if document is not None else {}


def make(document: Mapping[str, Any], _making: Making) -> ScoreRules:
    """Return the rules of a document; where it is silent, what ships holds."""
    return _made(document["file"])


def _made(body: Mapping[str, Any]) -> ScoreRules:
    half_lives = dict(_HALF_LIVES)
    if body.get("half_life"):
        half_lives = dict.fromkeys(half_lives, _seconds(body["half_life"]))
    for kind, span in (body.get("half_lives") or {}).items():
        half_lives[kind] = _seconds(span)
    weights = {**WEIGHTS, **(body.get("weights") or {})}
    levels = {**LEVELS, **(body.get("levels") or {})}
    return ScoreRules(
        {name: dict(given or {}) for name, given in weights.items()}, half_lives, levels
    )


def _seconds(span: Mapping[str, Any]) -> int:
    parts = {unit: span.get(unit) or 0 for unit in ("days", "hours", "minutes")}
    return max(60, int(timedelta(**parts).total_seconds()))


def check(node: Node, _linter: Linter, _scenario_ids: frozenset[str]) -> None:
    """Report what is wrong with a file."""
    node.know(("weights", "half_life", "half_lives", "levels"))
    weights = node.object("weights")
    members = list(weights.members()) if weights is not None else []
    if len(members) > _MOST_WEIGHTS and weights is not None:
        weights.report("too-many", f"At most {_MOST_WEIGHTS} events have weights.")
    for name, inner in members:
        _check_weights(name, inner)
    if (span := node.object("half_life")) is not None:
        _check_span(span)
    if (levels := node.object("levels")) is not None:
        _check_levels(levels)
    half_lives = node.object("half_lives")
    for kind, inner in half_lives.members() if half_lives is not None else ():
        _check_type(kind, inner)
        if inner.expect(dict):
            _check_span(inner)


def _check_weights(name: str, node: Node) -> None:
    if not name or len(name) > _LONGEST_NAME or "*" in name.removesuffix(".*"):
        node.report("event", "An event has a name such as link.clicked, or attendance.* for many.")
    if not node.expect(dict):
        return
    for kind, inner in node.members():
        _check_type(kind, inner)
        points = inner.value
        right = isinstance(points, int | float) and not isinstance(points, bool)
        if not right or not 0 <= points <= _MOST_POINTS:
            inner.report("points", f"Points are a number from 0 to {_MOST_POINTS}.")


def _check_levels(node: Node) -> None:
    """Report levels that are none, or do not rise one above the other."""
    own = [name for name in LEVELS if name != DORMANT]
    found = dict(LEVELS)
    for name, inner in node.members():
        least = inner.value
        if name not in own:
            inner.report("unknown-level", f"There is no level {name}; there are {', '.join(own)}.")
        elif isinstance(least, bool) or not isinstance(least, int | float) or not 0 < least < 100:
            inner.report("level", "A level begins with a score above 0 and below 100.")
        else:
            found[name] = least
    least_of = [found[name] for name in own]
    if any(higher <= lower for higher, lower in itertools.pairwise(least_of)):
        told = ", ".join(f"{name} {found[name]:g}" for name in own)
        node.report("level", f"Each level begins above the next: {told}.")


def _check_type(kind: str, node: Node) -> None:
    if kind not in TYPES:
        node.report("unknown-score", f"There is no score {kind}; there are {', '.join(TYPES)}.")


def _check_span(node: Node) -> None:
    for unit, inner in node.members():
        if unit not in {"days", "hours", "minutes"}:
            inner.report("timing", "A duration has days, hours and minutes.")
    units = {"days": 1440, "hours": 60, "minutes": 1}
    total = sum(node.number(unit, 0, 0, _MOST_DAYS * 1440 // size) * size
                for unit, size in units.items())  # fmt: skip
    if total < 1:
        node.report("half-life", "A half-life has to be a minute at least.")


room_files.register(room_files.RoomFile(KIND, FILE, check, make))
