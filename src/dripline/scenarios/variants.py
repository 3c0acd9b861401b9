"""What experiments change: which way of a message, or of a scenario, a contact gets.

A variant is stored in the claim's transaction before it is decided with. The holdout's message is
passed over, and the decision is made anew with that fact.
"""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.document import Message, Scenario
from dripline.content.store import Library
from dripline.deliveries.protocols import Claimed
from dripline.experiments import assign
from dripline.experiments.document import Experiment, Experiments, experiments_of
from dripline.experiments.models import HOLDOUT
from dripline.scenarios import queries
from dripline.scenarios.decide import Facts, Send, Verdict, decide
from dripline.scenarios.rows import Person

_dice = random.Random()  # noqa: S311 - chance, not secrets


@dataclass(slots=True)
class Decided:
    """A claimed step with its verdict; `variant` names what an experiment made of it."""

    row: Claimed
    person: Person
    facts: Facts
    verdict: Verdict
    shown: Message | None = None
    variant: tuple[str, str] | None = None


async def apply(
    session: AsyncSession, library: Library, decided: Sequence[Decided], now: datetime
) -> None:
    """Give each message that is part of an experiment its variant; the holdout passes it over."""
    found = experiments_of(library)
    if not found.of_messages:
        return
    open_ones = list(decided)
    while open_ones:
        tried: dict[tuple[str, str], list[Decided]] = {}
        for one in open_ones:
            if isinstance(one.verdict, Send) and one.variant is None:
                key = (one.person.state.scenario_id, one.verdict.message.id)
                if key in found.of_messages:
                    tried.setdefault(key, []).append(one)
        open_ones = []
        for key, group in sorted(tried.items()):
            open_ones += await _of_one(session, library, found, found.of_messages[key], group, now)


async def _of_one(
    session: AsyncSession,
    library: Library,
    found: Experiments,
    experiment: Experiment,
    group: Sequence[Decided],
    now: datetime,
) -> list[Decided]:
    """Apply one experiment; return those who are decided anew, for they are held out."""
    ids = {one.person.state.contact_id for one in group}
    chosen = await assign.assigned(session, experiment, ids, now, _dice)
    again = []
    for one in group:
        assert isinstance(one.verdict, Send)  # noqa: S101 - that is how the group was made
        name = chosen[one.person.state.contact_id]
        state = one.person.state
        scenario = library.scenario(state.scenario_id)
        if name == HOLDOUT:
            held = one.facts.held_out | {one.verdict.message.id}
            one.facts = replace(one.facts, held_out=held)
            one.verdict = decide(state, scenario, one.facts, now)
            again.append(one)
            continue
        variant = experiment.variant(name) or experiment.baseline
        one.variant = (experiment.id, variant.id)
        if scenario is not None:
            one.shown = found.message(scenario, one.verdict.message, variant)
    return again


async def shown_again(
    session: AsyncSession, library: Library, asked: Sequence[tuple[str, uuid.UUID, Message]]
) -> list[tuple[Message, tuple[str, str] | None]]:
    """Return each message as its contact was shown it, with experiment and variant.

    `asked` are (scenario, contact, message). Nobody is assigned anything by a repeat.
    """
    found = experiments_of(library)
    told: list[tuple[Message, tuple[str, str] | None]] = [(one[2], None) for one in asked]
    groups: dict[tuple[str, str], list[int]] = {}
    for place, (scenario_id, _contact, message) in enumerate(asked):
        if (scenario_id, message.id) in found.of_messages:
            groups.setdefault((scenario_id, message.id), []).append(place)
    for key, places in groups.items():
        experiment, scenario = found.of_messages[key], library.scenario(key[0])
        chosen = await assign.known(session, experiment, {asked[one][1] for one in places})
        for place in places:
            variant = experiment.variant(chosen.get(asked[place][1], ""))
            if variant is not None and scenario is not None:
                message = found.message(scenario, asked[place][2], variant)
                told[place] = message, (experiment.id, variant.id)
    return told


async def meant(
    session: AsyncSession,
    library: Library,
    scenario: Scenario,
    contact_id: uuid.UUID,
    now: datetime,
) -> Scenario:
    """Return the scenario that a contact gets who asks for this one.

    Whoever has been in it before stays with it. Nobody who asks is held out.
    """
    found = await unless_held_out(session, library, scenario, contact_id, now, asked=True)
    return found or scenario


async def unless_held_out(
    session: AsyncSession,
    library: Library,
    scenario: Scenario,
    contact_id: uuid.UUID,
    now: datetime,
    *,
    asked: bool = False,
) -> Scenario | None:
    """Return the scenario that a contact gets whom a rule brings here; None: they are held out."""
    experiment = experiments_of(library).of_scenarios.get(scenario.id)
    if experiment is None:
        return scenario
    if await queries.latest_run(session, contact_id, scenario.id) is not None:
        return scenario
    if asked:
        experiment = replace(experiment, holdout=0.0)
    chosen = (await assign.assigned(session, experiment, [contact_id], now, _dice))[contact_id]
    if chosen == HOLDOUT and not asked:
        return None
    variant = experiment.variant(chosen) or experiment.baseline
    other = library.scenario(variant.scenario)
    return other if other is not None and other.is_active else scenario
