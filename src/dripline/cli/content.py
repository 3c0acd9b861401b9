"""`dripline content`: a folder's way in and out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from dripline.content.preview import Preview
    from dripline.content.problems import Problem

app = typer.Typer(
    help="Check a content folder, see what it would change, push, pull.", no_args_is_help=True
)
adding = typer.Typer(help="Add content that ships with dripline.", no_args_is_help=True)
app.add_typer(adding, name="add")
Folder = Annotated[
    Path, typer.Argument(help="The folder with content.", exists=True, file_okay=False)
]


@app.command()
def check(folder: Folder) -> None:
    """Look for mistakes, without a database: `file:line:column`; status 1 if there is an error."""
    from dripline.content.check import check as examine
    from dripline.wiring import import_models

    import_models()  # each room has its own variables, files and words of segments
    problems = examine(folder)
    tell(folder, problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


@app.command()
def plan(
    folder: Folder,
    no_diff: Annotated[
        bool, typer.Option("--no-diff", help="Name what changes without showing it.")
    ] = False,
) -> None:
    """Show what a push would change and whom it touches. Status 1 if it would be refused."""
    from dripline.cli import start

    start.run(_plan(folder, diffs=not no_diff))


@app.command()
def push(
    folder: Folder,
    force: Annotated[
        bool, typer.Option("--force", help="Push even over changes made elsewhere since.")
    ] = False,
) -> None:
    """Check a folder and store it: all of it or nothing."""
    from dripline.cli import start

    start.run(_push(folder, force=force))


@app.command()
def pull(
    folder: Annotated[Path, typer.Argument(help="The folder to write to.", file_okay=False)],
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that were edited and not pushed.")
    ] = False,
) -> None:
    """Write the stored content into a folder."""
    from dripline.cli import start

    start.run(_pull(folder, force=force))


@app.command()
def preview(
    folder: Folder,
    scenario: Annotated[str, typer.Argument(help="The scenario's id.")],
    message: Annotated[str, typer.Argument(help="The message's id, summary or paid_content.")],
    email: Annotated[bool, typer.Option("--email", help="Show it as an email.")] = False,
    contact: Annotated[
        str, typer.Option("--for", help="A contact of the installation; else a made-up one.")
    ] = "",
    language: Annotated[str, typer.Option("--language", help="Such as ru.")] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the email to a file: .html or .eml.", dir_okay=False),
    ] = None,
) -> None:
    """Show a message of a folder as a contact would get it. Nothing is stored or sent."""
    from dripline.cli import start

    start.run(_preview(folder, scenario, message, (contact, language), out, email=email))


@adding.command()
def programs(
    folder: Annotated[Path, typer.Argument(help="The folder to add to.", file_okay=False)],
) -> None:
    """Copy the programs that ship with dripline into a folder; what is there stays as it is."""
    from dripline.content.shipped import add_programs

    done = add_programs(folder)
    for scenario_id in done.scenarios:
        typer.echo(f"added: {scenario_id}")
    for scenario_id in done.kept:
        typer.echo(f"kept as it is: {scenario_id}")
    if done.lifecycle:
        typer.echo("added: lifecycle.json, which says who enters them; read it before you push")
        typer.echo("People register by a button that sends ACCEPT: give your start message one.")
    if done.default:
        typer.echo(f"A bare /start enters {done.default}, for want of another scenario.")
    typer.echo("Not pushed yet." if done.scenarios else "Nothing to do.")


@adding.command()
def layouts(
    folder: Annotated[Path, typer.Argument(help="The folder to add to.", file_okay=False)],
) -> None:
    """Copy the layouts of emails that ship into a folder, to be changed; yours stay as they are."""
    from dripline.content.shipped import add_layouts

    done = add_layouts(folder)
    for name, is_new in done.items():
        typer.echo(f"{'added' if is_new else 'kept as it is'}: {name}")
    typer.echo("Not pushed yet." if any(done.values()) else "Nothing to do.")


@adding.command()
def rotations(
    folder: Annotated[Path, typer.Argument(help="The folder to add to.", file_okay=False)],
) -> None:
    """Copy the guides and promos that ship into a folder; what is there stays as it is."""
    from dripline.rotations.shipped import add_rotations

    done = add_rotations(folder)
    for rotation_id in done.added:
        typer.echo(f"added: {rotation_id}")
    for rotation_id in done.kept:
        typer.echo(f"kept as it is: {rotation_id}")
    if done.added:
        typer.echo("Name their chats in rotations/registry.json. Not pushed yet.")
    else:
        typer.echo("Nothing to do.")


async def _plan(folder: Path, *, diffs: bool) -> None:
    from dripline.cli import start
    from dripline.content.plan import describe
    from dripline.content.plan import plan as planned
    from dripline.scenarios.touches import touched
    from dripline.wiring import import_models

    import_models()
    async with start.reading() as session:
        found = await planned(session, folder, touched)
    for line in describe(found, diffs=diffs):
        typer.echo(line)
    if found.would_be_refused:
        raise typer.Exit(1)


async def _push(folder: Path, *, force: bool) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content.push import push as pushed
    from dripline.wiring import import_models

    import_models()  # who reacts to changed content is known from here on
    async with start.opened(start.settings_from(quiet=True)) as database:
        done = await pushed(
            database, folder, author=_operator(), now=RealClock().now(), force=force
        )
    for problem in done.warnings:
        typer.echo(f"{folder}/{problem}")
    for change in done.changes:
        typer.echo(f"{change.how}: {change.title}")
    how = "Pushed" if done.changes else "Nothing has changed"
    typer.echo(f"{how}; the content is at version {done.version}.")


async def _pull(folder: Path, *, force: bool) -> None:
    from dripline.cli import start
    from dripline.content.pull import pull as pulled
    from dripline.wiring import import_models

    import_models()  # each room writes its own file
    async with start.opened(start.settings_from(quiet=True)) as database:
        done = await pulled(database, folder, force=force)
    for name in sorted(done.written):
        typer.echo(f"written: {name}")
    for name in sorted(done.removed):
        typer.echo(f"removed: {name}")
    typer.echo("Pulled." if done.written or done.removed else "Nothing to do.")


async def _preview(
    folder: Path,
    scenario: str,
    message_id: str,
    who: tuple[str, str],
    out: Path | None,
    *,
    email: bool,
) -> None:
    from dripline.content import preview as previews
    from dripline.content.check import examine
    from dripline.errors import Invalid
    from dripline.wiring import import_models

    if out is not None and (not email or out.suffix not in (".html", ".eml")):
        raise Invalid("--out takes an email: --email --out FILE.html, or FILE.eml.")
    import_models()
    content = examine(folder)
    message = previews.message_of(content, scenario, message_id)
    user, language = await _reader(*who)
    if not email:
        typer.echo(message.render({"user": user, "context": {}}, language).text)
        return
    shown = previews.email_of(content, message, user, language)
    if out is None:
        typer.echo(f"Subject: {shown.parts.subject}\n\n{shown.parts.plain}")
    else:
        _write_email(shown, out)


def _write_email(shown: "Preview", out: Path) -> None:
    from dripline.clock import RealClock

    whole = shown.page().encode() if out.suffix == ".html" else shown.eml(RealClock().now())
    out.write_bytes(whole)
    typer.echo(f"written: {out} ({len(whole) / 1024:,.0f} KB), “{shown.parts.subject}”")


async def _reader(contact: str, language: str) -> "tuple[Mapping[str, Any], str]":
    """Return what a message knows of its reader, and their language."""
    from dripline.content.preview import SAMPLE

    if not contact:
        return {**SAMPLE, "language": language}, language
    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.contacts import queries
    from dripline.contacts.context import user_scope

    async with start.reading() as session:
        one = await find_contact(session, contact)
        attributes = (await queries.attributes_of(session, [one.id])).get(one.id, {})
    user = user_scope(
        username=one.username,
        first_name=one.first_name,
        last_name=one.last_name,
        language=one.language,
        state=one.state,
        registered_at=one.registered_at,
        created_at=one.created_at,
    )
    return {**user, **attributes}, language or one.language or ""


def _operator() -> str:
    """Return who is at the keyboard, for the revision's author."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "command line"


def tell(folder: Path, problems: "Iterable[Problem]") -> None:
    """Print problems the way editors and CI understand, and how many there are."""
    counts = {"error": 0, "warning": 0}
    for problem in problems:
        counts[problem.severity] += 1
        typer.echo(f"{folder}/{problem}")
    shown = [f"{n} {word}{'s' if n > 1 else ''}" for word, n in counts.items() if n]
    typer.echo(", ".join(shown) + "." if shown else "No problems.")
