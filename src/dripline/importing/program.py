"""`dripline import program`: a program bot's people with states, programs and referrals.

Nobody is told anything: a state comes as it is, no program is entered for it, no gift is sent.
Whoever is here already keeps the state they have here.
"""

import asyncio
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.folder import Folder
from dripline.content.shape import Node
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.ids import new_id
from dripline.importing import program_queries, queries
from dripline.importing.program_read import Brought, Member, members_of, referrals_of
from dripline.importing.report import DryRun, Report
from dripline.importing.source import Source
from dripline.importing.write import Import
from dripline.lifecycle.document import rules_of
from dripline.lifecycle.models import PENDING, PENDING_REVIEW, REWARDED
from dripline.lifecycle.rules import BESIDE, CHURNED, VISITOR, Rules

FILE: Final = "program.json"
_PAGE: Final = 400
_T = TypeVar("_T")
_USUAL: Final = ("VISITOR", "REGISTERED", "VIP", "SUPER_VIP")


async def import_program(
    database: Database, path: Path, *, now: datetime, dry_run: bool = False, bot: str = "main"
) -> Report:
    """Import a `program.json`, or the one of a folder; run again, it brings what is new.

    Raises Invalid (IMPORT_INVALID) with file, line and column of what is no JSON.
    """
    report = Report()
    source, file = await asyncio.to_thread(_read, path, report)
    source.refuse_errors()
    assert file is not None  # noqa: S101 - else it was refused
    try:
        async with database.transaction() as session:
            library = await ContentStore(database).current(session)
            rules = rules_of(library)
            states = {*(one.id for one in rules.states), *BESIDE, *_USUAL}
            members = list(members_of(source, file, library.scenarios, states))
            work = _Work(session, rules, bot, now, report)
            new = await work.new(members)
            people = [member.person for member in members]
            await Import(bot, library.scenarios, now, report).write(session, people)
            await work.store(members, new, _referrals(source, file, members))
            if dry_run:
                raise DryRun
    except DryRun:
        pass
    return report


def _read(path: Path, report: Report) -> tuple[Source, Node | None]:
    root, name = (path, FILE) if path.is_dir() else (path.parent, path.name)
    source = Source(Folder(root), report)
    return source, source.objects(name)


def _referrals(source: Source, file: Node, members: Sequence[Member]) -> list[Brought]:
    found = list(referrals_of(source, file, {one.person.telegram_id for one in members}))
    source.report.count("referrals in the file", len(found))
    return found


class _Work:
    """Stores what lifecycle keeps, for people who are stored already."""

    def __init__(
        self, session: AsyncSession, rules: Rules, bot: str, now: datetime, report: Report
    ) -> None:
        self.session, self.rules, self.bot, self.now, self.report = session, rules, bot, now, report

    async def new(self, members: Sequence[Member]) -> set[int]:
        """Return who of these is not here yet."""
        known = await self._ids(members)
        return {one.person.telegram_id for one in members if one.person.telegram_id not in known}

    async def _ids(self, members: Sequence[Member]) -> dict[int, uuid.UUID]:
        found: dict[int, uuid.UUID] = {}
        for page in _pages([str(one.person.telegram_id) for one in members]):
            known = await queries.known_people(self.session, self.bot, page)
            found |= {int(value): one.contact_id for value, one in known.items()}
        return found

    async def store(
        self, members: Sequence[Member], new: set[int], brought: Sequence[Brought]
    ) -> None:
        """Store standings of those who are new, codes, and referrals that are not here yet."""
        ids = await self._ids(members)
        codes = {one.referrer: one.code for one in brought if one.code}
        codes |= {one.person.telegram_id: one.code for one in members if one.code}
        for some in _pages([(ids[who], code) for who, code in codes.items() if code]):
            await program_queries.insert_codes(self.session, dict(some))
        added = await self._referrals(brought, ids)
        self.report.count("referrals that are new", len(added))
        self.report.count("referrals that count", sum(one.counts for one in added))
        newcomers = [one for one in members if one.person.telegram_id in new]
        counts = await self._counts(newcomers, added, ids)
        rows = [self._standing(one, ids, counts) for one in newcomers]
        for page in _pages(rows):
            await program_queries.insert_standings(self.session, page)
        await program_queries.save_counts(self.session, counts)
        taken = sum(one.person.state is not None for one in newcomers)
        self.report.count("states taken over", taken)

    async def _counts(
        self, newcomers: Sequence[Member], added: Sequence[Brought], ids: Mapping[int, uuid.UUID]
    ) -> dict[uuid.UUID, int]:
        """Return how many everybody has brought whose count this import may have changed."""
        touched = {ids[one.person.telegram_id] for one in newcomers}
        touched |= {ids[one.referrer] for one in added}
        found = dict.fromkeys(touched, 0)
        for page in _pages(sorted(touched)):
            found |= await program_queries.counted(self.session, page)
        return found

    async def _referrals(
        self, brought: Sequence[Brought], ids: Mapping[int, uuid.UUID]
    ) -> list[Brought]:
        there: set[uuid.UUID] = set()
        for page in _pages([ids[one.referred] for one in brought]):
            there |= await program_queries.already_brought(self.session, page)
        added = [one for one in brought if ids[one.referred] not in there]
        registered = await self._registered([ids[one.referred] for one in added])
        rows = [self._referral(one, ids, registered) for one in added]
        for some in _pages(rows):
            await program_queries.insert_referrals(self.session, some)
        traces = [
            {"kind": kind, "value": value, "contact_id": ids[one.referred],
             "seen_at": one.created_at or self.now}
            for one in added
            for kind, value in one.traces.items()
        ]  # fmt: skip
        for more in _pages(traces):
            await program_queries.insert_traces(self.session, more)
        return added

    async def _registered(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
        found: dict[uuid.UUID, datetime] = {}
        for page in _pages(ids):
            found |= await program_queries.registered(self.session, page)
        return found

    def _referral(
        self,
        one: Brought,
        ids: Mapping[int, uuid.UUID],
        registered: Mapping[uuid.UUID, datetime],
    ) -> dict[str, Any]:
        created = one.created_at or self.now
        registered_at = registered.get(ids[one.referred])
        if one.counts or one.review == PENDING_REVIEW:
            registered_at = registered_at or created
        undecided = one.status == PENDING and one.review is None and registered_at is not None
        return {
            "id": new_id(),
            "referrer_id": ids[one.referrer],
            "referred_id": ids[one.referred],
            "referral_code": one.code or "",
            "status": one.status,
            "review": one.review,
            "velocity_score": one.velocity_score,
            "ip_address": one.traces.get("ip", "")[:64] or None,
            "device_fingerprint": one.traces.get("device"),
            "created_at": created,
            "registered_at": registered_at,
            "check_at": self.now if undecided else None,
            "counted_at": created if one.counts else None,
            "rewarded_at": created if one.status == REWARDED else None,
            "reviewed_by": one.reviewed_by,
            "reviewed_at": one.reviewed_at,
        }

    def _standing(
        self, member: Member, ids: Mapping[int, uuid.UUID], counts: Mapping[uuid.UUID, int]
    ) -> dict[str, Any]:
        contact_id, state = ids[member.person.telegram_id], member.person.state
        seen = member.last_active or self.now
        return {
            "contact_id": contact_id,
            "referral_count": counts.get(contact_id, 0),
            "given_state": self._given(state, counts.get(contact_id, 0)),
            "decay_warned_at": seen if member.warned else None,
            "decay_hidden_at": seen if member.hidden else None,
            "check_at": self.now,
        }

    def _given(self, state: str | None, referrals: int) -> str | None:
        """Return the state if the rules alone would not lead to it: then it is kept as given."""
        if state is None or state in {VISITOR, CHURNED} or not self.rules.states:
            return None
        earned = self.rules.reached(registered=True, referrals=referrals)
        return state if self.rules.place(state) > earned else None


def _pages(values: Sequence[_T]) -> Iterator[list[_T]]:
    remaining = iter(values)
    while page := list(islice(remaining, _PAGE)):
        yield page
