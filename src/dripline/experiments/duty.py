"""Duty: decide experiments whose winner is chosen automatically."""

from datetime import datetime

import structlog

from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.events import NewEvent, append
from dripline.experiments import queries
from dripline.experiments.document import experiments_of
from dripline.experiments.results import results
from dripline.ids import new_id

log = structlog.get_logger()
EVENT_DECIDED = "experiment.decided"
AUTOMATIC = "automatic"


class DecideExperiments:
    """Looks whether somebody has won for sure; looking often does not make it less sure."""

    def __init__(self, database: Database, store: ContentStore) -> None:
        self._database = database
        self._store = store

    async def run_once(self, now: datetime) -> int:
        """Decide what can be decided; return how many experiments were."""
        async with self._database.reading() as session:
            found = experiments_of(await self._store.current(session))
            waiting = [one for one in found.all.values() if one.automatic and one.is_active]
            decided = await queries.verdicts(session) if waiting else {}
            won = {}
            for experiment in waiting:
                if experiment.id not in decided:
                    won[experiment.id] = (await results(session, experiment)).leader
        for experiment_id, variant in won.items():
            if variant is not None:
                await self._decide(experiment_id, variant, now)
        return 0

    async def _decide(self, experiment_id: str, variant: str, now: datetime) -> None:
        async with self._database.transaction() as session:
            if not await queries.decide(session, experiment_id, variant, AUTOMATIC, now):
                return
            data = {"experiment_id": experiment_id, "variant": variant, "by": AUTOMATIC}
            await append(
                session, NewEvent(EVENT_DECIDED, None, "experiments", new_id().hex, now, data)
            )
        log.info("experiment.decided", experiment=experiment_id, variant=variant)
