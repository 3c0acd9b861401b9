"""What a measurement found, and the table that is printed and written."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what, what it should reach, what it did, and what a peer did in the same run."""

    what: str
    goal: str
    found: str
    reached: bool | None = None  # None: nothing was promised
    peer: str = ""


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    lines = ["| what | goal | found | | peer in the same run |", "|---|---|---|---|---|"]
    for row in rows:
        mark = {True: "reached", False: "**missed**", None: ""}[row.reached]
        lines.append(f"| {row.what} | {row.goal} | {row.found} | {mark} | {row.peer} |")
    return "\n".join(lines)


def at_least(what: str, goal: float, found: float, *, note: str = "", peer: str = "") -> Row:
    """Return the row of a rate that should be reached."""
    return Row(what, f"≥ {goal:,.0f}/s", f"{found:,.0f}/s{note}", found >= goal, peer)


def at_most(
    what: str,
    goal: float | None,
    found: float,
    unit: str,
    *,
    note: str = "",
    and_also: bool = True,
    peer: str = "",
) -> Row:
    """Return the row of a cost that should not be exceeded; `and_also` has to hold as well."""
    shown = f"{found:,.0f}" if found >= 100 else f"{found:.3g}"
    reached = None if goal is None else found <= goal and and_also
    return Row(
        what, "" if goal is None else f"≤ {goal:g} {unit}", f"{shown} {unit}{note}", reached, peer
    )
