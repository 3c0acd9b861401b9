"""What counts as success: events that bring contacts to the goals of their experiments."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.document import Message
from dripline.content.store import ContentStore, Library
from dripline.deliveries.models import Delivery
from dripline.events import Happened, subscribe
from dripline.experiments import queries
from dripline.experiments.document import Experiment, Experiments, Goal, experiments_of

CONSUMER: Final = "experiments"
_PRESSED, _CLICKED = "callback.pressed", "link.clicked"
_GOAL_OF: Final[Mapping[str, Goal]] = {
    _PRESSED: "click",
    _CLICKED: "click",
    "message.received": "reply",
    "scenario.completed": "completion",
    "payment.succeeded": "payment",
}

# A press is stored with the moment its update came in, an assignment with its claim's.
_SKEW: Final = timedelta(seconds=5)

subscribe(CONSUMER, _GOAL_OF)


class ExperimentReactions:
    """Notes who has reached the goal of an experiment, once, within its time."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        if event.contact_id is None or event.data.get("human") is False:
            return
        library = await self._store.current(session)
        found = experiments_of(library)
        if not found.all:
            return
        for assignment in await queries.open_of(session, event.contact_id):
            experiment = found.all.get(assignment.experiment_id)
            if experiment is None or experiment.goal != _GOAL_OF[event.name]:
                continue
            since = event.occurred_at - assignment.assigned_at
            if since < -_SKEW or since > experiment.within:
                continue
            if await _meant(session, library, found, experiment, event):
                await queries.convert(session, experiment.id, event.contact_id, event.occurred_at)


async def _meant(
    session: AsyncSession,
    library: Library,
    found: Experiments,
    experiment: Experiment,
    event: Happened,
) -> bool:
    """Whether an event is about what the experiment is about."""
    ours = {experiment.scenario, *(one.scenario for one in experiment.variants if one.scenario)}
    if event.name == "scenario.completed":
        return event.data.get("scenario_id") in ours
    if event.name == "payment.succeeded":
        named = event.data.get("scenario_id")
        return named is None or named in ours
    if event.name == _CLICKED and event.data.get("delivery_id"):
        delivery = await session.get(Delivery, uuid.UUID(hex=event.data["delivery_id"]))
        if delivery is None or delivery.scenario_id not in ours:
            return delivery is None
        return experiment.message is None or delivery.message_id == experiment.message
    if event.name == _PRESSED and experiment.message is not None:
        data = _buttons(library, found, experiment)
        return not data or event.data.get("data") in data
    return True


def _buttons(library: Library, found: Experiments, experiment: Experiment) -> set[str]:
    """Return what the buttons of the message carry, in all its variants."""
    scenario = library.scenario(experiment.scenario)
    index = scenario.index_of(experiment.message) if scenario and experiment.message else None
    if scenario is None or index is None:
        return set()
    original = scenario.messages[index]
    shown = [found.message(scenario, original, one) for one in experiment.variants]
    return {data for message in (original, *shown) for data in _callbacks(message)}


def _callbacks(message: Message) -> set[str]:
    return {
        button.value.render({})
        for row in message.keyboard
        for button in row
        if button.kind == "callback" and button.value.is_fixed
    }
