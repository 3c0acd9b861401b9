"""Experiments: how they stand, and the operator's word."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.guarded import GuardedRoute, Here, Now, Session, Who
from dripline.api.v1.shapes import ERRORS, Given, Moment, Slug, Told
from dripline.errors import Conflict, Invalid, NotFound
from dripline.experiments import queries
from dripline.experiments.document import Experiment as Defined
from dripline.experiments.document import experiments_of
from dripline.experiments.results import Results, results

routes = APIRouter(
    prefix="/api/v1/experiments", tags=["experiments"], route_class=GuardedRoute, responses=ERRORS
)


class Line(Told):
    """One variant: how many, how many reached the goal; lift and interval against the baseline."""

    variant: str = Field(examples=["warm"])
    people: int = Field(examples=[400])
    reached: int = Field(examples=[61])
    low: float = Field(description="Of the rate, at the experiment's confidence.", examples=[0.11])
    high: float = Field(examples=[0.21])
    against_baseline: dict[str, Any] | None


class Experiment(Told):
    """An experiment as it stands; it may be watched as often as one likes."""

    id: str = Field(examples=["greeting"])
    name: str
    scenario: str = Field(examples=["course"])
    message: str | None = Field(examples=["msg_1"])
    goal: str = Field(examples=["click"])
    is_active: bool
    since: Moment | None
    leader: str | None = Field(description="The variant that has won for sure.")
    decided: str | None = Field(description="The variant that everybody new gets.")
    lines: list[Line]


class Decide(Given):
    """The variant that everybody new gets from now."""

    variant: Annotated[Slug, Field(examples=["warm"])]


@routes.get("", summary="List experiments")
async def list_experiments(session: Session, here: Here) -> list[Experiment]:
    """Return every experiment of the content as it stands."""
    found = experiments_of(await here.store.current(session))
    return [_shown(await results(session, one)) for one in found.all.values()]


@routes.get("/{experiment}", summary="Get an experiment")
async def get(experiment: Slug, session: Session, here: Here) -> Experiment:
    """Return how an experiment stands."""
    return _shown(await results(session, await _named(session, here, experiment)))


@routes.post("/{experiment}/decide", summary="Decide an experiment")
async def decide(
    experiment: Slug, body: Decide, session: Session, here: Here, who: Who, now: Now
) -> Experiment:
    """Let everybody new get a variant; who has one keeps it."""
    found = await _named(session, here, experiment)
    if found.variant(body.variant) is None:
        raise Invalid(f"{experiment} has no variant {body.variant}.")
    if not await queries.decide(session, experiment, body.variant, who.name[:80], now):
        raise Conflict(f"{experiment} is decided already.")
    return _shown(await results(session, found))


@routes.post("/{experiment}/reopen", summary="Take a decision back")
async def reopen(experiment: Slug, session: Session, here: Here) -> Experiment:
    """Let the experiment go on where it stood."""
    found = await _named(session, here, experiment)
    await queries.reopen(session, experiment)
    return _shown(await results(session, found))


async def _named(session: AsyncSession, here: Here, name: str) -> Defined:
    found = experiments_of(await here.store.current(session)).all.get(name)
    if found is None:
        raise NotFound(f"There is no experiment {name}.", code="EXPERIMENT_NOT_FOUND")
    return found


def _shown(found: Results) -> Experiment:
    own = found.experiment
    return Experiment(
        id=own.id,
        name=own.name,
        scenario=own.scenario,
        message=own.message,
        goal=own.goal,
        is_active=own.is_active,
        since=found.since,
        leader=found.leader,
        decided=found.verdict.variant if found.verdict else None,
        lines=[
            Line(
                variant=line.variant,
                people=line.arm.people,
                reached=line.arm.reached,
                low=line.low,
                high=line.high,
                against_baseline=asdict(line.against) if line.against else None,
            )
            for line in found.lines
        ],
    )
