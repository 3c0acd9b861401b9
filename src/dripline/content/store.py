"""The current content, compiled: read again only when its version has changed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import queries
from dripline.content.compile import compile_scenario
from dripline.content.document import Scenario
from dripline.database import Database

log = structlog.get_logger()
SCENARIO, BUTTONS, GLOBALS, ATTRIBUTES = "scenario", "buttons", "globals", "attributes"


@dataclass(frozen=True, slots=True)
class Library:
    """All content at one version."""

    version: int = 0
    default_scenario_id: str | None = None
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    attribute_defaults: Mapping[str, Any] = field(default_factory=dict)

    def scenario(self, scenario_id: str | None) -> Scenario | None:
        """Return a scenario by its id, or None."""
        return self.scenarios.get(scenario_id) if scenario_id else None


class ContentStore:
    """Keeps the compiled content of one process current."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._library = Library(version=-1)
        self._bodies: dict[uuid.UUID, Mapping[str, Any]] = {}

    async def current(self, session: AsyncSession) -> Library:
        """Return the content as this transaction sees it; one small query when nothing changed."""
        version = await queries.version(session)
        if version != self._library.version:
            self._library = await self._read(session, version)
        return self._library

    async def _read(self, session: AsyncSession, version: int) -> Library:
        documents = await queries.documents(session)
        missing = [d.revision_id for d in documents if d.revision_id not in self._bodies]
        known = {
            d.revision_id: self._bodies[d.revision_id]
            for d in documents
            if d.revision_id in self._bodies
        }
        known |= {row.id: row.body for row in await queries.revisions(session, missing)}
        self._bodies = known
        by_kind: dict[str, dict[str, Any]] = {}
        for document in documents:
            by_kind.setdefault(document.kind, {})[document.key] = known[document.revision_id]
        button_sets = by_kind.get(BUTTONS, {}).get(BUTTONS, {}).get("button_sets", {})
        variables = by_kind.get(GLOBALS, {}).get(GLOBALS, {}).get("variables", {})
        declared = by_kind.get(ATTRIBUTES, {}).get(ATTRIBUTES, {}).get("attributes", {})
        defaults = {name: spec.get("default", "") for name, spec in declared.items()}
        paused = await queries.paused(session)
        scenarios = {
            document.key: compile_scenario(
                known[document.revision_id],
                revision=document.number,
                button_sets=button_sets,
                variables=variables,
                paused=document.key in paused,
                attributes=defaults,
            )
            for document in documents
            if document.kind == SCENARIO
        }
        return Library(
            version,
            await queries.default_scenario_id(session),
            scenarios,
            defaults,
        )
