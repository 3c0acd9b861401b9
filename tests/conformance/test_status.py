"""Whatever order news of a delivery comes in, its status never moves backwards."""

import itertools
import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dripline.database import Database
from dripline.deliveries import status
from dripline.deliveries.models import Delivery
from dripline.deliveries.status import COMES_AFTER, advance, advance_many
from dripline.ids import new_id

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHAIN = ["pending", "sent", "delivered", "opened", "clicked"]
ENDS = {"failed", "bounced"}
NEWS = st.lists(st.tuples(st.sampled_from(sorted(COMES_AFTER)), st.integers(0, 50)), max_size=12)


async def written(database: Database, present: str) -> uuid.UUID:
    async with database.transaction() as session:
        row = Delivery(
            id=new_id(),
            contact_id=new_id(),
            origin="enrollment",
            origin_id=new_id(),
            message_id="one",
            run=1,
            resend=0,
            channel="email",
            bot="",
            address_id=new_id(),
            recipient="anna@example.com",
            status=present,
            scheduled_at=NOON,
            attempt_count=1,
            max_attempts=3,
        )
        session.add(row)
    return row.id


async def read(database: Database, delivery_id: uuid.UUID) -> Delivery:
    async with database.reading() as session:
        return await session.get_one(Delivery, delivery_id)


@pytest.mark.parametrize(
    ("present", "told", "then"),
    [
        ("sent", "delivered", "delivered"),
        ("sent", "clicked", "clicked"),  # the news between may be lost, or late
        ("clicked", "opened", "clicked"),
        ("delivered", "delivered", "delivered"),  # told twice
        ("sent", "failed", "failed"),
        ("delivered", "failed", "delivered"),  # it was there
        ("delivered", "bounced", "bounced"),  # a late bounce
        ("opened", "bounced", "opened"),  # somebody has read it
        ("failed", "bounced", "failed"),  # ends are ends
        ("bounced", "clicked", "bounced"),
        ("pending", "sent", "sent"),
    ],
)
async def test_what_follows(database: Database, present: str, told: str, then: str) -> None:
    delivery_id = await written(database, present)
    async with database.transaction() as session:
        moved = await advance(session, delivery_id, told, NOON)
    assert (await read(database, delivery_id)).status == then
    assert moved == (present != then)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(news=NEWS)
async def test_no_order_and_no_repetition_moves_it_backwards(
    database: Database, news: list[tuple[str, int]]
) -> None:
    delivery_id = await written(database, "sent")
    before = "sent"
    for told, minutes in news:
        async with database.transaction() as session:
            moved = await advance(session, delivery_id, told, NOON + timedelta(minutes=minutes))
        now = (await read(database, delivery_id)).status
        assert moved == (now != before)
        assert now == before or (now == told and before in COMES_AFTER[now])
        assert before not in ENDS or now == before
        before = now


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    news=st.lists(st.tuples(st.sampled_from(CHAIN[1:]), st.integers(0, 9)), max_size=5),
    again=st.randoms(use_true_random=False),
)
async def test_good_news_tells_the_same_in_any_order(
    database: Database, news: list[tuple[str, int]], again: random.Random
) -> None:
    """Status and times are those of the furthest step and of the earliest telling."""
    shuffled = [*news, *news]
    again.shuffle(shuffled)
    rows = []
    for order in (news, shuffled):
        delivery_id = await written(database, "pending")
        async with database.transaction() as session:
            for told, minutes in order:
                await advance(session, delivery_id, told, NOON + timedelta(minutes=minutes))
        row = await read(database, delivery_id)
        rows.append((row.status, row.sent_at, row.delivered_at, row.opened_at, row.clicked_at))
    assert rows[0] == rows[1]
    assert rows[0][0] == max(["pending", *(told for told, _ in news)], key=CHAIN.index)


async def test_what_comes_late_leaves_its_time(database: Database) -> None:
    delivery_id = await written(database, "sent")
    later = NOON + timedelta(minutes=5)
    async with database.transaction() as session:
        await advance(session, delivery_id, "clicked", later)
        await advance(session, delivery_id, "delivered", NOON)
        await advance(session, delivery_id, "bounced", later, reason="said later")
    row = await read(database, delivery_id)
    assert (row.delivered_at, row.clicked_at, row.failed_at) == (NOON, later, None)
    assert row.failure_reason is None


async def test_a_bounce_keeps_its_reason(database: Database) -> None:
    delivery_id = await written(database, "sent")
    async with database.transaction() as session:
        assert await advance(session, delivery_id, "bounced", NOON, reason="no such\0 mailbox")
        assert not await advance(session, delivery_id, "bounced", NOON, reason="again")
    row = await read(database, delivery_id)
    assert (row.failure_reason, row.failure_code) == ("no such mailbox", "bounced")


async def test_an_unknown_delivery_is_no_error(database: Database) -> None:
    async with database.transaction() as session:
        assert not await advance(session, new_id(), "delivered", NOON)


async def test_a_status_that_does_not_exist_is(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(ValueError, match="read"):
            await advance(session, new_id(), "read", NOON)


def test_the_arrows_lead_only_onwards() -> None:
    for told, only_from in COMES_AFTER.items():
        assert told not in only_from
        assert not ENDS & set(only_from)
    for earlier, later in itertools.combinations(CHAIN, 2):
        assert earlier in COMES_AFTER[later]
    assert status.PENDING not in COMES_AFTER


async def test_many_are_moved_as_each_would_be(database: Database) -> None:
    for to in ("delivered", "opened", "clicked"):
        for present in (*CHAIN, *ENDS):
            alone, together = await written(database, present), await written(database, present)
            for seconds in (5, 3, 9):
                at = NOON + timedelta(seconds=seconds)
                async with database.transaction() as session:
                    await advance(session, alone, to, at)
                    await advance_many(session, to, {together: at, new_id(): at})
            one, other = await read(database, alone), await read(database, together)
            assert one.status == other.status, (present, to)
            assert getattr(one, f"{to}_at") == getattr(other, f"{to}_at"), (present, to)


async def test_many_are_never_moved_to_an_end(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(ValueError, match="bounced"):
            await advance_many(session, "bounced", {new_id(): NOON})
