"""Lifecycle: the ladder of states and its menus; programs of a contact."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from dripline.api.guarded import GuardedRoute, Here, Now, Session
from dripline.api.v1.shapes import ERRORS, Given, Slug, Told
from dripline.api.v1.who import Ref, contact_of
from dripline.errors import SCENARIO_ALREADY_ACTIVE, Conflict
from dripline.lifecycle.document import rules_of
from dripline.scenarios import programs
from dripline.scenarios.programs import Status

routes = APIRouter(prefix="/api/v1", route_class=GuardedRoute, responses=ERRORS)


class State(Told):
    """One step of the ladder."""

    id: str = Field(examples=["VIP"])
    names: dict[str, str] = Field(examples=[{"": "VIP"}])
    badge: str
    referrals: int = Field(description="How many referrals reach it.", examples=[2])
    registered: bool = Field(description="Whether registering reaches it.")
    program: str | None = Field(examples=["ONBOARDING_7_DAY"])
    unlocks: list[str] = Field(examples=[["leaderboard"]])


class Lifecycle(Told):
    """The rules as they are."""

    configured: bool
    states: list[State]
    menus: dict[str, list[list[str]]] = Field(
        description="The buttons of each state's menu, by state.",
        examples=[{"VIP": [["Gifts", "Progress"]]}],
    )


class Program(Told):
    """A program: a scenario of the lane “program”."""

    id: str = Field(examples=["NURTURE_7_DAY"])
    name: str
    priority: int
    days: int = Field(examples=[5])
    is_active: bool


class Standing(Told):
    """Where a contact stands in a program; `day` is 0 until day 1's message is sent."""

    enrolled: bool
    program_id: str | None = Field(examples=["NURTURE_7_DAY"])
    day: int = Field(examples=[2])
    of: int = Field(examples=[5])
    progress: int = Field(description="In percent.", examples=[40])


class Enroll(Given):
    """A program to enter; with `force`, one of higher priority takes the place of the present."""

    program: Annotated[Slug, Field(examples=["NURTURE_7_DAY"])]
    force: bool = False


@routes.get("/lifecycle", tags=["lifecycle"], summary="States and menus")
async def lifecycle(session: Session, here: Here) -> Lifecycle:
    """Return the ladder of states, what each unlocks, and the menus."""
    rules = rules_of(await here.store.current(session))
    return Lifecycle(
        configured=rules.configured,
        states=[
            State(
                id=one.id,
                names=dict(one.names),
                badge=one.badge,
                referrals=one.referrals,
                registered=one.registered,
                program=one.enters.program if one.enters else None,
                unlocks=sorted(one.unlocks),
            )
            for one in rules.states
        ],
        menus={
            state: [[button.text.demonstrate() for button in row] for row in menu.keyboard]
            for state, menu in rules.menus.items()
        },
    )


@routes.get("/programs", tags=["programs"], summary="List programs")
async def list_programs(session: Session, here: Here) -> list[Program]:
    """Return the programs of the content, highest priority first."""
    library = await here.store.current(session)
    found = [one for one in library.scenarios.values() if one.lane == programs.LANE]
    return [
        Program(
            id=one.id,
            name=one.name,
            priority=one.priority,
            days=len(one.messages),
            is_active=one.is_active,
        )
        for one in sorted(found, key=lambda one: (-one.priority, one.id))
    ]


@routes.get("/contacts/{contact}/program", tags=["programs"], summary="Where a contact stands")
async def status(contact: Ref, session: Session, here: Here) -> Standing:
    """Return which program, which day, of how many."""
    found = await contact_of(session, contact)
    library = await here.store.current(session)
    return _told(await programs.status(session, library, found.id))


@routes.post("/contacts/{contact}/program", tags=["programs"], summary="Enroll in a program")
async def enroll(contact: Ref, body: Enroll, session: Session, here: Here, now: Now) -> Standing:
    """Enroll a contact. 409 SCENARIO_ALREADY_ACTIVE while they are in one that stays."""
    found = await contact_of(session, contact)
    library = await here.store.current(session)
    entered = await programs.enroll(
        session, library, found.id, body.program, now, force=body.force, reason="api"
    )
    if not entered:
        raise Conflict(
            "The contact is in a program already, or is held out of this one.",
            code=SCENARIO_ALREADY_ACTIVE,
        )
    return _told(await programs.status(session, library, found.id))


@routes.post("/contacts/{contact}/program/advance", tags=["programs"], summary="The next day now")
async def advance(contact: Ref, session: Session, here: Here, now: Now) -> Standing:
    """Bring a contact to the next day, without waiting for its time."""
    found = await contact_of(session, contact)
    library = await here.store.current(session)
    return _told(await programs.advance(session, library, found.id, now))


@routes.post("/contacts/{contact}/program/complete", tags=["programs"], summary="End it as done")
async def complete(contact: Ref, session: Session, now: Now) -> Standing:
    """End the present program as completed; the contact's state stays."""
    found = await contact_of(session, contact)
    await programs.complete(session, found.id, now)
    return _told(Status(enrolled=False))


@routes.delete("/contacts/{contact}/program", tags=["programs"], summary="Cancel it")
async def cancel(contact: Ref, session: Session, now: Now) -> Standing:
    """Cancel the present program with its pending message."""
    found = await contact_of(session, contact)
    await programs.cancel(session, found.id, now)
    return _told(Status(enrolled=False))


def _told(status: Status) -> Standing:
    return Standing.model_validate(status)
