"""What a push would change, and whom it would touch: nothing is written here.

async with database.reading() as session:
    found = await plan(session, Path("data"), touches)
for line in describe(found): print(line)
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import edit, push, sync
from dripline.content.check import examine
from dripline.content.compile import compile_scenario
from dripline.content.diff import Change, Documents, changes, retired
from dripline.content.document import Scenario
from dripline.content.problems import Problem


class Touched(Protocol):
    """How many people an edit of a scenario reaches."""

    @property
    def people(self) -> int:
        """How many are in the scenario."""
        ...

    @property
    def ahead(self) -> Mapping[str, int]:
        """How many of them will get each new message, by its id."""
        ...


# What the scenarios room supplies: the edited scenario and the ids of its new messages go in.
Touches = Callable[[AsyncSession, Scenario, frozenset[str]], Awaitable[Touched]]


@dataclass(frozen=True, slots=True)
class Planned:
    """One change, and whom it touches; None where nobody can be."""

    change: Change
    people: int | None = None
    ahead: Mapping[str, int] | None = None
    channels: Mapping[str, str] | None = None  # of messages that name one, by id


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push would do; one with errors, or with conflicts, would be refused."""

    problems: tuple[Problem, ...]
    changes: tuple[Planned, ...]
    conflicts: tuple[str, ...]

    @property
    def would_be_refused(self) -> bool:
        """Whether a push without force would change nothing."""
        return bool(self.conflicts) or any(one.severity == "error" for one in self.problems)


async def plan(session: AsyncSession, root: Path, touches: Touches | None = None) -> Plan:
    """Return what pushing a folder would change, and whom that touches.

    Content with errors gives its problems and no changes.
    """
    content = await asyncio.to_thread(examine, root)
    problems = tuple(content.problems)
    if content.has_errors:
        return Plan(problems, (), ())
    state = await edit.read_state(session)
    found = changes(state.documents, content.documents)
    marker = sync.read(root)
    known = marker if await push.knows(session, marker) else None
    conflicts = push.edited_elsewhere(content, state, known)
    planned = [
        await _touched(session, change, state.documents, content.documents, touches)
        for change in found
    ]
    names = tuple(f"{kind} {key}" if kind == "scenario" else kind for kind, key in conflicts)
    return Plan(problems, tuple(planned), names)


async def _touched(
    session: AsyncSession,
    change: Change,
    old: Documents,
    new: Documents,
    touches: Touches | None,
) -> Planned:
    if change.kind != "scenario":
        return Planned(change)
    key = (change.kind, change.key)
    body = new.get(key) or old[key]
    channels = {
        name: spec["channel"] for name, spec in body["messages"].items() if spec.get("channel")
    }
    if touches is None:
        return Planned(change, channels=channels)
    edited = {**body, "retired": retired(old.get(key), body["order"])}
    scenario = compile_scenario(
        edited, revision=0, button_sets={}, variables={}, paused=False, attributes={}
    )
    touched = await touches(session, scenario, frozenset(change.added))
    return Planned(change, touched.people, dict(touched.ahead), channels)


def describe(plan: Plan, *, diffs: bool = True) -> list[str]:
    """Return a plan as lines for a terminal."""
    lines = [str(problem) for problem in plan.problems]
    if not plan.changes and not any(one.severity == "error" for one in plan.problems):
        lines.append("Nothing would change.")
    for planned in plan.changes:
        lines += _describe(planned, diffs=diffs)
    if plan.conflicts:
        lines.append(
            f"Edited elsewhere since the last push or pull: {', '.join(plan.conflicts)}. "
            "A push would be refused; pull first, or use --force."
        )
    return lines


def _describe(planned: Planned, *, diffs: bool) -> list[str]:
    change = planned.change
    sign = {"added": "+", "changed": "~", "removed": "-"}[change.how]
    lines = [f"{sign} {change.title}"]
    if change.how == "changed":
        lines += [
            f"    + message {name}{_by(planned, name)}{_reach(planned, name)}"
            for name in change.added
        ]
        lines += [f"    ~ message {name}{_by(planned, name)}" for name in change.changed]
        lines += [f"    - message {name}" for name in change.removed]
        lines += ["    messages change places"] if change.moved else []
    if planned.people and change.kind == "scenario":
        lines.append(f"    {_crowd(planned)}")
    if diffs and change.how == "changed":
        lines += [f"    {line}" for line in change.diff.splitlines()[2:]]
    return lines


def _by(planned: Planned, name: str) -> str:
    channel = (planned.channels or {}).get(name)
    if channel is None:
        return ""
    return ", on both channels" if channel == "both" else f", by {channel} first"


def _reach(planned: Planned, name: str) -> str:
    count: Any = (planned.ahead or {}).get(name)
    who = f"{count} people" if count != 1 else "1 person"
    return f" ({who} will get it)" if count else ""


def _crowd(planned: Planned) -> str:
    people = planned.people or 0
    who = f"{people} people are" if people != 1 else "1 person is"
    text = f"{who} in this scenario"
    if planned.change.how == "removed":
        return f"{text} and would stop where they are."
    new = max((planned.ahead or {}).values(), default=0)
    return f"{text}; {new} of them will get the new message." if new else f"{text}."
