"""The current content, compiled: read again only when its version has changed."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import queries, room_files
from dripline.content.broadcasts import definitions
from dripline.content.compile import Making, compile_scenario, scopes
from dripline.content.conditions import types_of
from dripline.content.document import Scenario
from dripline.content.email.layout import Layouts, Sources
from dripline.content.models import Document
from dripline.content.variables import fallbacks
from dripline.database import Database

SCENARIO, BUTTONS, GLOBALS, ATTRIBUTES = "scenario", "buttons", "globals", "attributes"
BROADCASTS, LAYOUTS = "broadcasts", "layouts"


@dataclass(frozen=True, slots=True)
class Library:
    """All content at one version."""

    version: int = 0
    default_scenario_id: str | None = None
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    attribute_defaults: Mapping[str, Any] = field(default_factory=dict)
    rooms: Mapping[str, Any] = field(default_factory=dict)  # what rooms made of their own files
    attribute_types: Mapping[str, str] = field(default_factory=dict)
    broadcasts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    layouts: Layouts = field(default_factory=lambda: Layouts({}, {}))  # of what is no scenario's
    conditional: frozenset[str] = field(init=False)  # the scenarios that have conditions

    def __post_init__(self) -> None:
        """Note which scenarios have conditions: all others cost nothing at a decision."""
        conditional = (
            key
            for key, scenario in self.scenarios.items()
            if any(message.condition for message in scenario.messages)
        )
        object.__setattr__(self, "conditional", frozenset(conditional))

    def scenario(self, scenario_id: str | None) -> Scenario | None:
        """Return a scenario by its id, or None."""
        return self.scenarios.get(scenario_id) if scenario_id else None


class ContentStore:
    """Keeps the compiled content of one process current."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._library = Library(version=-1)
        self._bodies: dict[uuid.UUID, Mapping[str, Any]] = {}
        self._compiled: dict[tuple[uuid.UUID | None, ...], Scenario] = {}
        self._made: dict[str, tuple[tuple[uuid.UUID | None, ...], Any]] = {}

    async def version(self) -> int:
        """Return the version of the content: what is asked when only a change matters."""
        return await queries.glance_at_version(self._database)

    async def current(self, session: AsyncSession) -> Library:
        """Return the content as this transaction sees it; one small query when nothing changed."""
        version = await queries.version(session)
        if session.info.get(queries.CHANGED):
            return await self._read(session, version)  # it is nobody else's yet, and may be undone
        if version != self._library.version:
            self._library = await self._read(session, version)
        return self._library

    async def _read(self, session: AsyncSession, version: int) -> Library:
        documents = await queries.documents(session)
        await self._read_bodies(session, documents)
        shared = _Shared.of(documents, self._bodies)
        paused = await queries.paused(session)
        compiled = {
            document.key: self._scenario(document, shared)
            for document in documents
            if document.kind == SCENARIO
        }
        self._compiled = {key: one for key, one in self._compiled.items() if one.id in compiled}
        return Library(
            version,
            await queries.default_scenario_id(session),
            {key: replace(one, paused=key in paused) for key, one in compiled.items()},
            shared.attributes,
            self._rooms(documents, shared),
            types_of(shared.declared),
            self._broadcasts(documents, shared),
            shared.outer_layouts,
        )

    def _broadcasts(
        self, documents: Sequence[Document], shared: "_Shared"
    ) -> dict[str, dict[str, Any]]:
        for document in documents:
            if document.kind == BROADCASTS:
                return definitions(
                    self._bodies[document.revision_id],
                    button_sets=shared.button_sets,
                    variables=shared.variables,
                    attributes=shared.declared,
                    layouts=shared.layouts,
                )
        return {}

    async def _read_bodies(self, session: AsyncSession, documents: Sequence[Document]) -> None:
        missing = [d.revision_id for d in documents if d.revision_id not in self._bodies]
        fresh = {row.id: row.body for row in await queries.revisions(session, missing)}
        known = {**self._bodies, **fresh}
        self._bodies = {d.revision_id: known[d.revision_id] for d in documents}

    def _rooms(self, documents: Sequence[Document], shared: "_Shared") -> dict[str, Any]:
        """Return what rooms make of their files, from memory where nothing has changed."""
        made = {}
        for document in documents:
            room_file = room_files.of_kind(document.kind)
            if room_file is None:
                continue
            key = (document.revision_id, *shared.revisions)
            known = self._made.get(document.kind)
            if known is None or known[0] != key:
                body = self._bodies[document.revision_id]
                made[document.kind] = (key, room_file.make(body, shared.making()))
            else:
                made[document.kind] = known
        self._made = made
        return {kind: value for kind, (_key, value) in made.items()}

    def _scenario(self, document: Document, shared: "_Shared") -> Scenario:
        """Return a scenario compiled, from memory when nothing it is made of has changed."""
        key = (document.revision_id, *shared.revisions)
        if key not in self._compiled:
            self._compiled = {
                old: one for old, one in self._compiled.items() if one.id != document.key
            }
            self._compiled[key] = compile_scenario(
                self._bodies[document.revision_id],
                revision=document.number,
                button_sets=shared.button_sets,
                variables=shared.variables,
                paused=False,
                attributes=shared.attributes,
                layouts=shared.layouts,
            )
        return self._compiled[key]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all scenarios are compiled with, and the revisions it is from."""

    button_sets: Mapping[str, Any]
    variables: Mapping[str, Any]
    attributes: Mapping[str, Any]
    revisions: tuple[uuid.UUID | None, ...]
    declared: dict[str, Any]
    layouts: Sources
    outer_layouts: Layouts

    @classmethod
    def of(
        cls, documents: Sequence[Document], bodies: Mapping[uuid.UUID, Mapping[str, Any]]
    ) -> "_Shared":
        """Return what these documents share."""
        ids = {document.kind: document.revision_id for document in documents}
        kinds = (BUTTONS, GLOBALS, ATTRIBUTES, LAYOUTS)
        buttons, variables, declared, layouts = (
            bodies.get(ids[k], {}) if k in ids else {} for k in kinds
        )
        own, values = layouts.get("layouts", {}), variables.get("variables", {})
        return cls(
            buttons.get("button_sets", {}),
            values,
            {
                name: spec.get("default", "")
                for name, spec in declared.get("attributes", {}).items()
            },
            tuple(ids.get(kind) for kind in kinds),
            dict(declared.get("attributes", {})),
            own,
            Layouts(own, scopes({"id": "", "name": ""}, values)),
        )

    def making(self) -> Making:
        """Return what messages outside of any scenario are compiled with."""
        constants = scopes({"id": "", "name": ""}, self.variables)
        return Making(self.button_sets, constants, fallbacks(self.attributes), self.outer_layouts)
