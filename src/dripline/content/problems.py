"""What is wrong with content, where, and what to do about it."""

from dataclasses import dataclass, field
from typing import Literal

from dripline.content.json_source import line_and_column

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong in a file; lines and columns count from 1.

    Content with an error cannot be pushed; a warning is worth a look.
    """

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str

    def __str__(self) -> str:
        """Return it the way editors and CI understand: `file:line:column: …`."""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.severity}: {self.message} [{self.code}]"


@dataclass(slots=True)
class Problems:
    """Problems as they are found, each once."""

    found: dict[Problem, None] = field(default_factory=dict)

    def add(
        self, file: str, text: str, offset: int, severity: Severity, code: str, message: str
    ) -> None:
        """Keep a problem at an offset of a file's text."""
        line, column = line_and_column(text, offset)
        self.found[Problem(file, line, column, severity, code, message)] = None

    def sorted(self) -> list[Problem]:
        """Return all of them in the order of files and lines."""
        return sorted(self.found)

    @property
    def has_errors(self) -> bool:
        """Whether this content cannot be pushed."""
        return any(problem.severity == "error" for problem in self.found)
