"""Messages go out with their links tracked, and their log keeps what the content said."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.deliveries.models import Delivery
from dripline.deliveries.protocols import Outgoing
from dripline.engagement.links import Links
from dripline.errors import RetryLater
from world import HOUR, FixedStore, World, body, library, new_world

BUTTON = {"rows": [{"buttons": [{"type": "url", "text": "Buy", "url": "https://shop.example"}]}]}


@pytest.fixture
async def world(database: Database, clock: VirtualClock) -> World:
    made = await new_world(database, clock)
    made.dispatcher._tracker = Links(b"key", "https://go.example")
    return made


def course(**spec: Any) -> FixedStore:
    text = 'Read <a href="https://example.com">this</a>'
    message = {"texts": {"": text}, "inline_keyboard": BUTTON, **spec}
    return FixedStore(library(body("course", {"one": message})))


async def logged(world: World) -> list[Delivery]:
    async with world.database.reading() as session:
        return list((await session.scalars(select(Delivery))).all())


async def test_a_link_names_its_delivery_and_its_contact(world: World) -> None:
    world.store.library = course().library
    await world.ask()
    await world.run()
    message = world.channel.sent[0].message
    (delivery,) = await logged(world)
    token = message.keyboard[0][0].value.removeprefix("https://go.example/r/")
    mark = Links(b"key", "https://go.example").seal.read(token)
    assert mark is not None
    assert (mark.delivery_id, mark.contact_id) == (delivery.id, world.contact.contact_id)
    assert (mark.url, mark.label) == ("https://shop.example", "Buy")
    assert "https://go.example/r/" in message.text
    assert "https://go.example" not in (delivery.content or "")


@pytest.mark.parametrize("address", ["http://localhost:8001", "https://intranet"])
async def test_links_stay_where_telegram_takes_none_to_us(world: World, address: str) -> None:
    """It would refuse the message for such a button."""
    world.dispatcher._tracker = Links(b"key", address)
    world.store.library = course().library
    await world.ask()
    await world.run()
    message = world.channel.sent[0].message
    assert message.keyboard[0][0].value == "https://shop.example"
    assert 'href="https://example.com"' in message.text


async def test_a_message_that_says_so_is_left_alone(world: World) -> None:
    world.store.library = course(track=False).library
    await world.ask()
    await world.run()
    message = world.channel.sent[0].message
    assert message.keyboard[0][0].value == "https://shop.example"
    assert "https://example.com" in message.text


async def test_parts_of_one_message_name_one_delivery(world: World) -> None:
    """An attempt that broke off half-way has links out: the next attempt is the same delivery."""
    world.store.library = course().library
    seen: list[uuid.UUID] = []

    def refuse(outgoing: Outgoing) -> None:
        seen.append(outgoing.delivery_id)
        if len(seen) == 1:
            outgoing.parts_done, outgoing.provider_ids = 1, ["1"]
            raise RetryLater("half-way")

    world.channel._refuse = refuse
    await world.ask()
    await world.run(HOUR)
    assert len(seen) == 2
    assert seen[0] == seen[1] == (await logged(world))[0].id
