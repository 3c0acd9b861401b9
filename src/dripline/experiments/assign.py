"""Who gets which variant: by a hash that sticks, or by a bandit; stored before it is used."""

import hashlib
import random
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.experiments import queries
from dripline.experiments.document import Experiment
from dripline.experiments.intervals import Arm
from dripline.experiments.models import HOLDOUT

_SCALE = float(2**64)


async def assigned(
    session: AsyncSession,
    experiment: Experiment,
    contact_ids: Collection[uuid.UUID],
    now: datetime,
    dice: random.Random,
) -> dict[uuid.UUID, str]:
    """Return each contact's variant, assigning those who have none, in this transaction."""
    known = await queries.variants(session, experiment.id, contact_ids)
    fresh = set(contact_ids) - known.keys()
    if not fresh:
        return known
    winner = (await queries.verdicts(session)).get(experiment.id)
    if winner is not None:
        return {**known, **dict.fromkeys(fresh, winner)}
    chosen = await _choose(session, experiment, fresh, dice)
    await queries.assign(session, experiment.id, chosen, now)
    # Another worker may have been first: what is stored is what holds.
    stored = await queries.variants(session, experiment.id, fresh)
    return {**known, **chosen, **stored}


async def known(
    session: AsyncSession, experiment: Experiment, contact_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return the variants that contacts were shown; the winner for who came after a decision."""
    stored = await queries.variants(session, experiment.id, contact_ids)
    winner = (await queries.verdicts(session)).get(experiment.id)
    usual = {} if winner is None else dict.fromkeys(contact_ids, winner)
    return {**usual, **stored}


async def _choose(
    session: AsyncSession,
    experiment: Experiment,
    fresh: Collection[uuid.UUID],
    dice: random.Random,
) -> dict[uuid.UUID, str]:
    if not experiment.bandit:
        return {key: by_hash(experiment, key) for key in fresh}
    counted = await queries.counts(session, experiment.id)
    arms = {one.id: Arm(*counted.get(one.id, (0, 0))) for one in experiment.variants}
    return {key: HOLDOUT if held_out(experiment, key) else by_thompson(arms, dice) for key in fresh}


def point(experiment: Experiment, contact_id: uuid.UUID, salt: str = "") -> float:
    """Return a contact's own place from 0 to 1 in an experiment, the same at every call."""
    digest = hashlib.blake2b(
        contact_id.bytes, key=f"{experiment.id}{salt}".encode()[:64], digest_size=8
    ).digest()
    return int.from_bytes(digest, "big") / _SCALE


def held_out(experiment: Experiment, contact_id: uuid.UUID) -> bool:
    """Whether a contact is left out of everything that is tried, to compare with."""
    return experiment.holdout > 0 and point(experiment, contact_id, "/holdout") < experiment.holdout


def by_hash(experiment: Experiment, contact_id: uuid.UUID) -> str:
    """Return a contact's variant by shares: the same at every call, on every machine."""
    if held_out(experiment, contact_id):
        return HOLDOUT
    place = point(experiment, contact_id) * sum(one.share for one in experiment.variants)
    for variant in experiment.variants:
        place -= variant.share
        if place < 0:
            return variant.id
    return experiment.variants[-1].id


def by_thompson(arms: Mapping[str, Arm], dice: random.Random) -> str:
    """Return the arm that is best in one draw from what is believed of each (Thompson, 1933).

    Each arm's rate is believed to be Beta(1 + reached, 1 + not reached): a good arm is drawn more
    and more, a bad one less and less, and none is given up for ever.
    """

    def drawn(arm: Arm) -> float:
        return dice.betavariate(1 + arm.reached, 1 + arm.people - arm.reached)

    return max(arms, key=lambda name: drawn(arms[name]))
