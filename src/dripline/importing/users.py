"""`dripline import users` and `export users`: users.json and schedules/, in and out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import from_us
from dripline.contacts.models import REACHABLE, Address, Contact
from dripline.content import files
from dripline.content.document import Scenario
from dripline.content.folder import Folder
from dripline.content.shape import Node
from dripline.content.store import ContentStore, Library
from dripline.content.unparse import json_text
from dripline.database import Database
from dripline.errors import Invalid
from dripline.importing import queries
from dripline.importing.people import Person, Standing, telegram_id_of
from dripline.importing.report import DryRun, Report
from dripline.importing.source import IMPORT_INVALID, Source
from dripline.importing.users_json import (
    Kept,
    Pending,
    entry_of,
    pending_of,
    person_of,
    schedule_of,
)
from dripline.importing.write import Import
from dripline.scenarios.models import ACTIVE, NOT_STARTED, Enrollment, ScenarioAccess
from dripline.scenarios.state import HOLD_ACTION

_USERS: Final = "users.json"
_SCHEDULES: Final = "schedules"
_PAGE: Final = 400


async def import_users(
    database: Database,
    root: Path,
    *,
    now: datetime,
    dry_run: bool = False,
    bot: str = "main",
) -> Report:
    """Import users.json and schedules/; who is in a scenario already stays where they are.

    Raises Invalid (IMPORT_INVALID) with file, line and column of what is no JSON.
    """
    report = Report()
    source = Source(Folder(root), report)
    users, pending = await asyncio.to_thread(_read, source)
    source.refuse_errors()
    assert users is not None  # noqa: S101 - else it was refused
    try:
        async with database.transaction() as session:
            library = await ContentStore(database).current(session)
            people = [
                person
                for key, node in users.members()
                if (person := person_of(source, key, node, pending.pop(key, {}), library.scenarios))
            ]
            for key in pending:
                report.note("Schedules of people who are not in users.json", key)
            report.count("people in users.json", len(users.value))
            report.count("people left out", len(users.value) - len(people))
            await Import(bot, library.scenarios, now, report).write(session, people)
            if dry_run:
                raise DryRun
    except DryRun:
        pass
    return report


def _read(source: Source) -> tuple[Node | None, dict[str, dict[str, Pending]]]:
    return source.objects(_USERS), _schedules(source)


def _schedules(source: Source) -> dict[str, dict[str, Pending]]:
    """Return what is planned, by user."""
    found: dict[str, dict[str, Pending]] = {}
    for name in source.folder.names(_SCHEDULES, "*.json"):
        node = source.objects(f"{_SCHEDULES}/{name}")
        key = name.removesuffix(".json")
        if node is None:
            continue
        if telegram_id_of(key) is None:
            source.odd("Schedules left out", node, "the file is not named by a Telegram id")
            continue
        found[key] = pending_of(source, node)
    return found


@dataclass(frozen=True, slots=True)
class Exported:
    """How many people and schedules were written; people the files cannot tell of are not."""

    people: int
    schedules: int
    removed: int


async def export_users(database: Database, root: Path, *, bot: str = "main") -> Exported:
    """Write users.json and schedules/, each file as a whole or not at all.

    A schedule of somebody who has none any more is removed. Raises Invalid when the folder holds a
    schedule that is not ours to remove.
    """
    entries: dict[str, Any] = {}
    schedules: dict[str, Any] = {}
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
        after = None
        while page := await queries.people_page(session, bot, after, _PAGE):
            after = page[-1][1].id
            for key, kept in await _kept(session, page, library):
                entries[key] = entry_of(kept)
                planned = schedule_of(kept)
                if planned is not None:
                    schedules[f"{_SCHEDULES}/{key}.json"] = planned
    removed = await asyncio.to_thread(_write, root, entries, schedules)
    return Exported(len(entries), len(schedules), removed)


def _write(root: Path, entries: Mapping[str, Any], schedules: Mapping[str, Any]) -> int:
    root.mkdir(parents=True, exist_ok=True)
    files.sweep(root)
    for name, value in schedules.items():
        files.write(root, name, json_text(value).encode())
    gone = [
        f"{_SCHEDULES}/{file.name}"
        for file in (root / _SCHEDULES).glob("*.json")
        if f"{_SCHEDULES}/{file.name}" not in schedules
    ]
    if any(telegram_id_of(Path(name).stem) is None for name in gone):
        raise Invalid(
            f"{root / _SCHEDULES} holds files that are no schedules.", code=IMPORT_INVALID
        )
    files.write(root, _USERS, json_text(dict(entries)).encode())
    for name in gone:
        files.remove(root, name)
    return len(gone)


async def _kept(
    session: AsyncSession, page: Sequence[tuple[Address, Contact]], library: Library
) -> list[tuple[str, Kept]]:
    ids = [contact.id for _, contact in page]
    runs = await queries.latest_runs(session, ids)
    access = await queries.access_of(session, ids)
    found = []
    for address, contact in page:
        own = {
            scenario_id: row for (owner, scenario_id), row in access.items() if owner == contact.id
        }
        found.append(
            (address.value, _person(address, contact, runs.get(contact.id, ()), own, library))
        )
    return found


def _person(
    address: Address,
    contact: Contact,
    runs: Sequence[Enrollment],
    access: Mapping[str, ScenarioAccess],
    library: Library,
) -> Kept:
    known = [row for row in runs if row.scenario_id in library.scenarios]
    standings = [
        _standing(row, library.scenarios[row.scenario_id], access.get(row.scenario_id))
        for row in known
    ]
    begun = {row.scenario_id for row in known}
    standings += [
        _with_product(Standing(scenario_id, NOT_STARTED), row)
        for scenario_id, row in access.items()
        if scenario_id not in begun and scenario_id in library.scenarios
    ]
    person = Person(
        int(address.value),
        contact.username or contact.first_name,
        contact.created_at,
        tuple(standings),
        reachability=None if address.reachability == REACHABLE else address.reachability,
    )
    active = [row for row in known if row.status == ACTIVE]
    active.sort(key=lambda row: row.lane != "scenario")
    return Kept(
        person,
        {row.scenario_id: _next_id(row, library.scenarios[row.scenario_id]) for row in known},
        active[0].scenario_id if active else None,
    )


def _standing(row: Enrollment, scenario: Scenario, access: ScenarioAccess | None) -> Standing:
    active = row.status == ACTIVE
    hold = row.hold if active and row.hold != HOLD_ACTION else None
    by_start = any(message.timing.origin == "start" for message in scenario.messages)
    standing = Standing(
        row.scenario_id,
        row.status,
        min(scenario.next_after(row.last_message_id), len(scenario.messages)),
        due=from_us(row.queue_due_us) if active and row.queue_due_us is not None else None,
        awaits=row.waiting_for if active else None,
        hold=hold,
        started_at=row.started_at if by_start else None,
        last_sent_at=row.last_sent_at,
        completed_at=row.completed_at,
    )
    return _with_product(standing, access)


def _with_product(standing: Standing, access: ScenarioAccess | None) -> Standing:
    if access is None:
        return standing
    return replace(
        standing,
        paid_at=access.paid_at,
        payment_link=access.payment_link,
        invite_link=access.invite_link,
        joined_at=access.joined_at,
    )


def _next_id(row: Enrollment, scenario: Scenario) -> str | None:
    index = scenario.next_after(row.last_message_id)
    return scenario.messages[index].id if index < len(scenario.messages) else None
