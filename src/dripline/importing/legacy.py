"""`dripline import legacy`: an old bot's folder becomes the scenario `default`, with its people.

Everything is read and checked first. Then a backup, and one transaction: all of it or nothing.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import edit, files, push, queries
from dripline.content.check import examine
from dripline.content.edit import State
from dripline.content.parse import Content
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.database.backup import backup
from dripline.errors import Conflict, DriplineError, Invalid
from dripline.importing.legacy_flow import SCENARIO, SPECIAL, START, NewFiles, new_files
from dripline.importing.legacy_people import person_of
from dripline.importing.legacy_read import Legacy, read
from dripline.importing.people import Person
from dripline.importing.report import DryRun, Report
from dripline.importing.source import IMPORT_INVALID, written
from dripline.importing.write import Import, Price
from dripline.payments import money

_KEY: Final = ("scenario", SCENARIO)
_MERGED: Final = {"buttons": "button_sets", "globals": "variables", "attributes": "attributes"}


@dataclass(frozen=True, slots=True)
class Done:
    """What an import did, or a dry run would do, and where the backup lies."""

    report: Report
    backup: Path | None = None


async def import_legacy(
    database: Database,
    root: Path,
    *,
    author: str,
    now: datetime,
    env_file: Path | None = None,
    dry_run: bool = False,
    without_backup: bool = False,
    bot: str = "main",
) -> Done:
    """Import an old bot's folder; run again, it brings what is new and moves nobody back.

    A dry run does the same in a transaction that is undone. Raises Invalid (IMPORT_INVALID,
    NO_PG_DUMP) and Conflict; then nothing is imported.
    """
    report = Report()
    legacy = read(root, env_file, report)
    made = new_files(legacy.flow, legacy.unknown, written(now) or "")
    with tempfile.TemporaryDirectory(prefix="dripline-import-") as folder:
        content = _content(legacy, made, Path(folder))
        saved = None if dry_run or without_backup else await backup(database, None, now)
        try:
            async with database.transaction() as session:
                await _store(session, legacy, content, author, now)
                await _people(session, database, legacy, bot, now)
                if dry_run:
                    raise DryRun
        except DryRun:
            pass
    _tell_special(legacy, report, made)
    return Done(report, saved)


def _content(legacy: Legacy, made: NewFiles, folder: Path) -> Content:
    """Return the content as our own folder would have it. Raises Invalid with its errors."""
    for name, text in made.texts.items():
        files.write(folder, name, text.encode())
    for name, photo in legacy.photos.items():
        files.write(folder, f"scenarios/{SCENARIO}/messages/{name}", photo.read_bytes())
    content = examine(folder)
    for problem in content.problems:
        if problem.code == "unused-button-set" or problem.code == "unused-file":
            continue
        file = legacy.template_names.get(problem.file, problem.file).removeprefix("./")
        where = f"{file}:{problem.line}:{problem.column}"
        kind = "Errors" if problem.severity == "error" else "Worth a look"
        legacy.source.report.note(kind, f"{where}: {problem.message}")
    if content.has_errors:
        lines = "\n".join(legacy.source.report.notes["Errors"])
        raise Invalid(f"Nothing was imported.\n{lines}", code=IMPORT_INVALID)
    return content


async def _store(
    session: AsyncSession, legacy: Legacy, content: Content, author: str, now: datetime
) -> None:
    """Make the scenario, unless an earlier import has: what was edited since stays."""
    report = legacy.source.report
    await queries.lock(session)
    state = await edit.read_state(session)
    if _KEY in state.documents:
        _refuse_another(state.documents[_KEY], legacy)
        report.count("scenarios made", 0)
        report.note("Here already, left as it is", f"the scenario {SCENARIO}")
        return
    await push.store_media(session, content, now)
    await edit.apply(session, state, _merged(state, content, report), author, "import", now)
    report.count("scenarios made")
    report.count("messages in it", len(content.documents[_KEY]["order"]))
    report.count("photos", len(legacy.photos))


def _refuse_another(body: Mapping[str, Any], legacy: Legacy) -> None:
    """Raise Conflict when `default` is not what this folder would have become."""
    there = {*body["order"], *body.get("retired", {})}
    missing = [name for name in legacy.flow.order if name not in there]
    if missing:
        raise Conflict(
            f"There is a scenario {SCENARIO} already, and it has no {', '.join(missing[:5])}: "
            "it is not the old bot's. Nothing was imported; import into a fresh database.",
            code="IMPORT_CONFLICT",
        )


def _merged(state: State, content: Content, report: Report) -> dict[Any, Any]:
    """Return all documents: what is there stays, what the old bot brings is added."""
    wanted: dict[Any, Any] = dict(state.documents)
    for key, body in content.documents.items():
        entries = _MERGED.get(key[0])
        if key[0] == "registry":
            there = state.documents.get(key, {})
            default = there.get("default_scenario_id") or SCENARIO
            if default != SCENARIO:
                report.note("Default scenario that stays", default)
            order = [*there.get("order", ()), SCENARIO]
            wanted[key] = {**there, "default_scenario_id": default, "order": order}
        elif entries and key in state.documents:
            there = state.documents[key]
            both = {**body.get(entries, {}), **there.get(entries, {})}
            wanted[key] = {**there, entries: both}
        else:
            wanted[key] = body
    return wanted


async def _people(
    session: AsyncSession, database: Database, legacy: Legacy, bot: str, now: datetime
) -> None:
    library = await ContentStore(database).current(session)
    scenario = library.scenarios[SCENARIO]
    order = [message.id for message in scenario.messages]
    people = _read_people(legacy, order)
    report = legacy.source.report
    report.count("people in users.json", len(legacy.users.value))
    report.count("people left out", len(legacy.users.value) - len(people))
    price = _price(legacy, people, report)
    await Import(bot, library.scenarios, now, report, price).write(session, people)


def _read_people(legacy: Legacy, order: list[str]) -> list[Person]:
    found = (
        person_of(legacy.source, key, node, legacy.schedule.get(key), order, legacy.unknown)
        for key, node in legacy.users.members()
    )
    return [person for person in found if person is not None]


def _price(legacy: Legacy, people: list[Person], report: Report) -> Price:
    """Return what an old payment was worth: today's price, for the old bot kept no other."""
    text = legacy.flow.env.get("PRODAMUS_PRODUCT_PRICE", "")
    if not any(one.paid_at for person in people for one in person.standings):
        return Price()
    try:
        return Price(money.units_of(text, "RUB"), "RUB")
    except DriplineError:
        report.note("Payments without an amount", f"the price is {text or 'missing'!r}")
        return Price()


def _tell_special(legacy: Legacy, report: Report, made: NewFiles) -> None:
    for name in SPECIAL:
        if name == START or name not in legacy.flow.messages:
            continue
        report.note(
            "Special messages, kept in the scenario's config.json under “legacy”",
            f"{name}: dripline sends the way into the group itself",
        )
    if made.accept not in (None, "ACCEPT"):
        report.note(
            "The start's button",
            f"it says callback:{made.accept}; name that in lifecycle.json if it registers people",
        )
