"""`dripline content`: a folder's way in and out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dripline.content.problems import Problem

app = typer.Typer(
    help="Check a content folder, see what it would change, push, pull.", no_args_is_help=True
)
Folder = Annotated[
    Path, typer.Argument(help="The folder with content.", exists=True, file_okay=False)
]


@app.command()
def check(folder: Folder) -> None:
    """Look for mistakes, without a database: `file:line:column`; status 1 if there is an error."""
    from dripline.content.check import check as examine

    problems = examine(folder)
    tell(folder, problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def tell(folder: Path, problems: "Iterable[Problem]") -> None:
    """Print problems the way editors and CI understand, and how many there are."""
    counts = {"error": 0, "warning": 0}
    for problem in problems:
        counts[problem.severity] += 1
        typer.echo(f"{folder}/{problem}")
    shown = [f"{n} {word}{'s' if n > 1 else ''}" for word, n in counts.items() if n]
    typer.echo(", ".join(shown) + "." if shown else "No problems.")
