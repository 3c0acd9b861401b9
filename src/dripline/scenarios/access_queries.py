"""Every statement on what contacts have of a scenario's product: paid, links, the group."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import insert_new
from dripline.deliveries.models import DeliveryKey
from dripline.scenarios.models import ScenarioAccess


async def of_contacts(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> Sequence[ScenarioAccess]:
    """Return what these contacts have, of every scenario."""
    statement = select(ScenarioAccess).where(ScenarioAccess.contact_id.in_(list(contact_ids)))
    return (await session.scalars(statement)).all()


async def note_paid(
    session: AsyncSession, contact_id: uuid.UUID, scenario_id: str, at: datetime
) -> None:
    """Note when a contact paid for a scenario's product; the latest payment counts."""
    statement = insert_new(session, ScenarioAccess).values(
        contact_id=contact_id, scenario_id=scenario_id, paid_at=at
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["contact_id", "scenario_id"], set_={"paid_at": at}
        )
    )


async def was_given(
    session: AsyncSession, contact_id: uuid.UUID, enrollment_id: uuid.UUID, message_id: str
) -> bool:
    """Return whether a message outside of the flow has gone to the contact, or failed for good."""
    found = await session.scalar(
        select(
            exists().where(
                DeliveryKey.contact_id == contact_id,
                DeliveryKey.origin_id == enrollment_id,
                DeliveryKey.message_id == message_id,
                DeliveryKey.resend >= 0,  # below: it did not arrive, and will be tried again
            )
        )
    )
    return bool(found)
