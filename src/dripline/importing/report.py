"""What an import did, or would do, and what it could not map."""

from dataclasses import dataclass, field
from typing import Final

_SHOWN: Final = 20


class DryRun(Exception):
    """Raised at the end of the transaction of a dry run, so that nothing stays."""


@dataclass(slots=True)
class Report:
    """Counts in the order they were first named, and notes by kind."""

    counts: dict[str, int] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count; a count of 0 is shown too."""
        self.counts[what] = self.counts.get(what, 0) + number

    def note(self, kind: str, detail: str) -> None:
        """Note one thing that needs a look, such as `ids.json:3:5: no time`."""
        self.notes.setdefault(kind, []).append(detail)

    def add(self, other: "Report") -> None:
        """Take over what another one has."""
        for what, number in other.counts.items():
            self.count(what, number)
        for kind, details in other.notes.items():
            self.notes.setdefault(kind, []).extend(details)

    def lines(self) -> list[str]:
        """Return the report for people; of each kind of note the first twenty."""
        shown = [f"{number:>8,}  {what}" for what, number in self.counts.items()]
        for kind, details in self.notes.items():
            shown.append(f"{kind} ({len(details):,}):")
            shown += [f"  {detail}" for detail in details[:_SHOWN]]
            if len(details) > _SHOWN:
                shown.append(f"  … and {len(details) - _SHOWN:,} more")
        return shown
