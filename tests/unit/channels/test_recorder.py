"""The recorder keeps what would have gone out."""

import uuid
from datetime import timedelta

import pytest

from dripline.channels.recorder import Recorder
from dripline.clock import VirtualClock
from dripline.content.rendered import Rendered
from dripline.deliveries.protocols import AddressRef, Outgoing
from dripline.errors import Unreachable


def outgoing(text: str) -> Outgoing:
    address = AddressRef(uuid.uuid4(), uuid.uuid4(), "telegram", "main", "7")
    return Outgoing(uuid.uuid4(), address, Rendered(text))


async def test_records_in_order_with_the_domains_time(clock: VirtualClock) -> None:
    recorder = Recorder(clock)
    began = clock.now()
    assert (await recorder.send(outgoing("one"))).provider_ids == ("1",)
    clock.advance(timedelta(hours=1))
    assert (await recorder.send(outgoing("two"))).provider_ids == ("2",)
    assert [(one.at, one.message.text) for one in recorder.sent] == [
        (began, "one"),
        (began + timedelta(hours=1), "two"),
    ]
    assert recorder.name == "telegram"
    await recorder.close()


async def test_refuses_as_it_is_told(clock: VirtualClock) -> None:
    def refuse(message: Outgoing) -> None:
        raise Unreachable("blocked", f"no {message.message.text}")

    recorder = Recorder(clock, "email", refuse)
    with pytest.raises(Unreachable, match="no one"):
        await recorder.send(outgoing("one"))
    assert recorder.sent == []
