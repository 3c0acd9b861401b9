"""Scenarios: list, read, save a revision, plan it first, pause, resume, switch on and off."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics import lists
from dripline.api.guarded import GuardedRoute, Here, Now, Session, Who, looks
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Given, Id, Moment, Slug, Told
from dripline.content import edit, queries, switches
from dripline.content.edit import State
from dripline.content.save import INVALID_CONTENT, Draft, draft_of, save
from dripline.content.store import Library
from dripline.errors import SCENARIO_NOT_FOUND, Conflict, Invalid, NotFound
from dripline.scenarios.touches import touched

routes = APIRouter(
    prefix="/api/v1/scenarios", tags=["scenarios"], route_class=GuardedRoute, responses=ERRORS
)
VIA = "api"
DOCUMENT: dict[str, Any] = {
    "config": {"name": "Course", "prodamus": {"product_name": "Course", "product_price": "1500"}},
    "order": ["msg_1", "msg_2"],
    "messages": {
        "msg_1": {"texts": {"": "Hello, {{ user.first_name }}!", "ru": "Привет!"}},
        "msg_2": {"texts": {"": "How is it going?"}, "timing": {"days": 1}},
    },
    "summary": {"texts": {"": "What you had."}},
}


class Scenario(Told):
    """A scenario as lists show it."""

    id: str = Field(examples=["course"])
    name: str = Field(examples=["Course"])
    lane: str = Field(examples=["scenario"])
    priority: int = Field(examples=[0])
    revision: int = Field(examples=[3])
    is_default: bool
    is_active: bool
    paused: bool
    messages: list[str] = Field(examples=[["msg_1", "msg_2"]])


class Document(BaseModel):
    """What a scenario says. Fields are those of the files (`config.json`, `messages.json`)."""

    model_config = ConfigDict(extra="forbid")

    config: dict[str, Any] = Field(max_length=50)
    order: list[Slug] = Field(max_length=1000, description="The messages' ids in their order.")
    messages: dict[str, dict[str, Any]] = Field(max_length=1000)
    summary: dict[str, Any] | None = None


class WholeScenario(Scenario):
    """A scenario with its document, and how many people are in each status of it."""

    people: dict[str, int] = Field(examples=[{"active": 412, "completed": 90}])
    document: dict[str, Any] = Field(examples=[DOCUMENT])


class Save(Given):
    """A revision to save. With `base_revision`, it is refused when there is a newer one."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    document: Document = Field(examples=[DOCUMENT])
    base_revision: Annotated[int | None, Field(ge=0, le=2**31, examples=[None])] = None


class Problem(Told):
    """Something the linter says of a document."""

    severity: str = Field(examples=["error"])
    code: str = Field(examples=["unknown-variable"])
    file: str = Field(examples=["scenarios/course/messages/msg_1.md"])
    line: int = Field(examples=[1])
    column: int = Field(examples=[8])
    message: str = Field(examples=["There is no variable user.frist_name; …"])


class Plan(Told):
    """What saving would do: problems, and whom it touches."""

    problems: list[Problem]
    would_be_refused: bool
    added: list[str] = Field(examples=[["msg_3"]])
    changed: list[str] = Field(examples=[["msg_1"]])
    removed: list[str] = Field(examples=[[]])
    people: int = Field(description="How many are in the scenario.", examples=[412])
    ahead: dict[str, int] = Field(
        description="How many of them will get each new message.", examples=[{"msg_3": 90}]
    )


class Revision(Told):
    """One saved state of a scenario."""

    id: Id
    number: int = Field(examples=[3])
    author: str = Field(examples=["CRM (4f1d0c9a7b2e)"])
    via: str = Field(examples=["api"])
    created_at: Moment


@routes.get("", summary="List scenarios")
async def list_scenarios(session: Session, here: Here, pages: Pages) -> Page[Scenario]:
    """Return scenarios in the order of their ids."""
    library = await here.store.current(session)
    behind = pages.behind_text
    ids = [one for one in sorted(library.scenarios) if behind is None or one > behind]
    return pages.page(ids[: pages.limit + 1], lambda one: _shown(library, one), lambda one: one)


@routes.get("/{scenario}", summary="Get a scenario")
async def get(scenario: Slug, session: Session, here: Here) -> WholeScenario:
    """Return a scenario with its document, as `PUT` takes it."""
    library = await here.store.current(session)
    shown = _shown(library, scenario)
    state = await edit.read_state(session)
    people = await lists.people_by_status(session, scenario)
    return WholeScenario(
        **dict(shown), people=people, document=_said(state.documents["scenario", scenario])
    )


@routes.put("/{scenario}", summary="Save a revision of a scenario")
async def put(scenario: Slug, body: Save, session: Session, who: Who, now: Now) -> Revision:
    """Create a scenario, or save a revision; everybody in it keeps their place.

    422 CONTENT_INVALID with the linter's problems, 409 when another revision came meanwhile.
    """
    await queries.lock(session)
    state = await edit.read_state(session)
    _expect_revision(state, scenario, body.base_revision)
    draft = _draft(state, scenario, body)
    if draft.errors:
        shown = [Problem.model_validate(one).model_dump() for one in draft.problems]
        raise Invalid("The scenario has errors.", code=INVALID_CONTENT, problems=shown)
    await save(session, state, draft, who.name, VIA, now)
    [row] = await lists.revisions_page(session, scenario, None, 1)
    return Revision.model_validate(row)


@routes.post("/{scenario}/plan", summary="What saving would do")
@looks
async def plan(scenario: Slug, body: Save, session: Session) -> Plan:
    """Return the linter's problems, what would change, and whom it would touch; change nothing."""
    state = await edit.read_state(session)
    draft = _draft(state, scenario, body)
    reach = (
        await touched(session, draft.compiled, frozenset(draft.added)) if draft.compiled else None
    )
    return Plan(
        problems=[Problem.model_validate(one) for one in draft.problems],
        would_be_refused=bool(draft.errors),
        added=draft.added,
        changed=draft.changed,
        removed=draft.removed,
        people=reach.people if reach else 0,
        ahead=dict(reach.ahead) if reach else {},
    )


@routes.post("/{scenario}/validate", summary="Check a document")
@looks
async def validate(scenario: Slug, body: Save, session: Session) -> list[Problem]:
    """Return what the linter says of a document; an empty list is good. Nothing is changed."""
    draft = _draft(await edit.read_state(session), scenario, body)
    return [Problem.model_validate(one) for one in draft.problems]


@routes.get("/{scenario}/revisions", summary="List a scenario's revisions")
async def revisions(scenario: Slug, session: Session, pages: Pages) -> Page[Revision]:
    """Return who saved what when, newest first."""
    rows = await lists.revisions_page(session, scenario, pages.behind, pages.limit + 1)
    return pages.page(rows, Revision.model_validate, lambda row: row.id)


@routes.post("/{scenario}/pause", summary="Pause a scenario")
async def pause(scenario: Slug, session: Session, here: Here, now: Now) -> Scenario:
    """Let everybody in it wait; nothing is lost."""
    library = await here.store.current(session)
    await switches.pause(session, library, scenario, now)
    return _shown(library, scenario, paused=True)


@routes.post("/{scenario}/resume", summary="Let a paused scenario go on")
async def resume(scenario: Slug, session: Session, here: Here, now: Now) -> Scenario:
    """Go on, spread out: not everything at once."""
    library = await here.store.current(session)
    await switches.go_on(session, library, scenario, now)
    return _shown(library, scenario, paused=False)


@routes.post("/{scenario}/activate", summary="Switch a scenario on")
async def activate(scenario: Slug, session: Session, here: Here, who: Who, now: Now) -> Scenario:
    """Let contacts enter it again."""
    return await _set_active(scenario, session, here, who, now, active=True)


@routes.post("/{scenario}/deactivate", summary="Switch a scenario off")
async def deactivate(scenario: Slug, session: Session, here: Here, who: Who, now: Now) -> Scenario:
    """Let nobody enter it any more; who is in it waits."""
    return await _set_active(scenario, session, here, who, now, active=False)


@routes.post("/{scenario}/default", summary="Make a scenario the default")
async def make_default(
    scenario: Slug, session: Session, here: Here, who: Who, now: Now
) -> Scenario:
    """Let a bare /start enter this scenario."""
    shown = _shown(await here.store.current(session), scenario)
    await edit.set_default(session, scenario, who.name, VIA, now)
    return shown.model_copy(update={"is_default": True})


@routes.delete("/{scenario}", summary="Delete a scenario")
async def delete(scenario: Slug, session: Session, who: Who, now: Now) -> dict[str, str]:
    """Delete a scenario; the default one cannot be. Its revisions stay."""
    await edit.delete(session, scenario, who.name, VIA, now)
    return {"deleted": scenario}


async def _set_active(
    scenario: str, session: AsyncSession, here: Here, who: Who, now: Now, *, active: bool
) -> Scenario:
    shown = _shown(await here.store.current(session), scenario)
    if shown.is_active != active:
        await edit.set_active(session, scenario, who.name, VIA, now, active=active)
    return shown.model_copy(update={"is_active": active})


def _shown(library: Library, scenario_id: str, *, paused: bool | None = None) -> Scenario:
    found = library.scenario(scenario_id)
    if found is None:
        raise NotFound(f"There is no scenario {scenario_id}.", code=SCENARIO_NOT_FOUND)
    return Scenario(
        id=found.id,
        name=found.name,
        lane=found.lane,
        priority=found.priority,
        revision=found.revision,
        is_default=found.id == library.default_scenario_id,
        is_active=found.is_active,
        paused=found.paused if paused is None else paused,
        messages=[message.id for message in found.messages],
    )


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body.get(name) for name in ("config", "order", "messages", "summary")}


def _draft(state: State, scenario_id: str, body: Save) -> Draft:
    return draft_of(state, scenario_id, body.document.model_dump())


def _expect_revision(state: State, scenario_id: str, base: int | None) -> None:
    head = state.heads.get(("scenario", scenario_id))
    present = head.number if head and not head.deleted else 0
    if base is not None and base != present:
        raise Conflict(
            f"The scenario is at revision {present}, not {base}: read it again.",
            code="CONTENT_CONFLICT",
            revision=present,
        )
