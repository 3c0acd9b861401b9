"""Where clicks and opens came from is forgotten after a while; that they were is not."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.engagement import forget as forgetting
from dripline.engagement.forget import ForgetOrigins
from dripline.engagement.models import Click, Open
from dripline.events import NewEvent, append_many
from dripline.events.models import Event
from dripline.ids import new_id

DAY = timedelta(days=1)


def click(at: datetime, one_id: uuid.UUID) -> Click:
    return Click(
        id=one_id, kind="link", clicked_at=at, label="Read", person="p", target="t", human=True,
        ip="192.0.2.7", user_agent="Firefox", device="d" * 32,
    )  # fmt: skip


async def left(database: Database) -> dict[str, int]:
    async with database.reading() as session:
        clicks = (await session.scalars(select(Click))).all()
        opens = (await session.scalars(select(Open))).all()
        events = (await session.scalars(select(Event.data))).all()
    assert all(one.user_agent == ("Firefox" if one.ip else None) for one in (*clicks, *opens))
    assert all(("device" in data) == ("ip" in data) for data in events)
    assert all(data["url"] == "https://example.com" for data in events)
    return {
        "clicks": sum(one.ip is not None for one in clicks),
        "opens": sum(one.ip is not None for one in opens),
        "events": sum("ip" in data for data in events),
    }


async def test_it_is_forgotten_in_small_pages(
    database: Database, clock: VirtualClock, monkeypatch: Any
) -> None:
    monkeypatch.setattr(forgetting, "_PAGE", 2)
    now = clock.now()
    # As Resend tells them, ids do not rise with time.
    ids = [new_id(), *(uuid.uuid5(uuid.NAMESPACE_URL, str(n)) for n in range(3)), new_id()]
    ages = [100, 10, 91, 89, 300]
    told: dict[str, Any] = {"ip": "192.0.2.7", "user_agent": "Firefox", "device": "d"}
    async with database.transaction() as session:
        for one_id, age in zip(ids, ages, strict=True):
            session.add(click(now - age * DAY, one_id))
            session.add(
                Open(
                    id=new_id(), opened_at=now - age * DAY, delivery_id=new_id(), human=True,
                    ip="192.0.2.7", user_agent="Firefox",
                )
            )  # fmt: skip
        await append_many(
            session,
            [
                NewEvent("link.clicked", None, "tracking", one.hex, now,
                         {"url": "https://example.com", **told})
                for one in ids
            ],
        )  # fmt: skip
    assert await left(database) == {"clicks": 5, "opens": 5, "events": 5}
    duty = ForgetOrigins(database, 90)
    assert sum([await duty.run_once(now) for _ in range(6)]) == 6
    assert await left(database) == {"clicks": 2, "opens": 2, "events": 2}
    assert await duty.run_once(now + 100 * DAY) == 0  # it rests until tomorrow
    assert sum([await ForgetOrigins(database, 90).run_once(now) for _ in range(3)]) == 0
