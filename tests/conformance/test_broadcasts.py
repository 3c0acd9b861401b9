"""Broadcasts on each database: whom they reach, once; pause, cancel, kill; live and frozen."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from broadcast_world import House
from dripline.broadcasts import plan, queries, switch
from dripline.broadcasts.launch import Launch
from dripline.broadcasts.models import Broadcast, ParkedRow
from dripline.clock import VirtualClock
from dripline.contacts import queries as contacts
from dripline.contacts import reachability, segments
from dripline.contacts.models import Address
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.errors import Conflict, Invalid, NotFound, PermanentFailure, Unreachable


@pytest.fixture
async def house(database: Database, clock: VirtualClock) -> House:
    made = House(database, clock)
    await made.people(7)
    return made


async def test_everybody_who_is_meant_gets_it_once(house: House) -> None:
    await house.tag(2, "quiet")
    async with house.database.transaction() as session:
        now = house.clock.now()
        await contacts.set_attribute(session, house.known[0].contact_id, "city", "Rome", now)
        await reachability.change(session, house.known[3].address_id, "blocked", None, now)
    conditions = ["no_active_scenario", "has_not_paid", {"not": {"tag": "quiet"}}]
    house.define(targeting={"conditions": conditions}, inline_keyboard={"button_set_ref": "buy"})
    await house.do("send")
    assert sorted(await house.sent()) == ["0", "1", "4", "5", "6"]
    first = next(one.message for one in house.channel.sent if one.address.value == "0")
    assert first.text == "Hello P0 of Rome"
    assert first.keyboard[0][0].text == "Buy from Bot"
    assert "Hello P1 of nowhere" in [one.message.text for one in house.channel.sent]
    done = await house.progress()
    assert (done.status, done.queued, done.sent, done.left) == ("done", 5, 5, 0)
    assert await house.queued() == 0


async def test_conditions_may_ask_for_addresses_too(house: House) -> None:
    async with house.database.transaction() as session:
        now = house.clock.now()
        await reachability.change(session, house.known[3].address_id, "blocked", None, now)
    never_blocked = {"not": {"reachable": {"is": "blocked"}}}
    house.define(targeting={"conditions": [{"reachable": "telegram"}, never_blocked]})
    await house.do("send")
    async with house.database.reading() as session:
        broadcast = await queries.by_key(session, "news")
        assert broadcast is not None
        planned = await plan.plan(session, broadcast, house.renderer, 30.0, now)
    assert (planned.count, planned.meant, len(planned.sample)) == (6, 6, plan.SAMPLE)
    assert sorted(await house.sent()) == ["0", "1", "2", "4", "5", "6"]


async def test_a_page_of_the_audience_sorts_nothing(house: House) -> None:
    if not house.database.is_sqlite:
        pytest.skip(
            "PostgreSQL has statistics, and other plans for seven people than for a million"
        )
    told: list[str] = []

    def explain(_conn: Any, cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if "FROM contacts, addresses" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            told.extend(row[3] for row in cursor.fetchall())

    event.listen(house.database.writer.sync_engine, "before_cursor_execute", explain)
    house.define(targeting={"conditions": ["no_active_scenario", {"reachable": "telegram"}]})
    await house.do("send")
    assert len(await house.sent()) == 7
    assert told
    assert [step for step in told if "TEMP B-TREE" in step or "SCAN addresses" in step] == []


async def test_sending_it_again_reaches_only_those_who_have_not_got_it(house: House) -> None:
    await house.do("send")
    assert len(await house.sent()) == 7
    assert (await planned(house)).sample == []  # nobody who has it is named as an example
    await house.people(2)
    assert len((await planned(house)).sample) == 2
    await house.do("send")
    assert sorted(await house.sent()) == ["7", "8"]
    assert (await house.progress()).status == "done"


async def test_a_launch_killed_between_pages_goes_on_and_queues_nobody_twice(house: House) -> None:
    await house.do("send")
    await house.launch.run_once(house.clock.now())
    assert await house.queued() == 3
    house.launch = Launch(house.database, page=3)  # another process
    assert sorted(await house.sent()) == [str(n) for n in range(7)]


async def test_a_launch_killed_inside_a_page_has_done_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dripline.deliveries import queue

    await house.do("send")
    push = queue.push_new

    async def killed(*args: Any, **given: Any) -> None:
        await push(*args, **given)
        raise KeyboardInterrupt

    monkeypatch.setattr(queue, "push_new", killed)
    with pytest.raises(KeyboardInterrupt):
        await house.launch.run_once(house.clock.now())
    monkeypatch.undo()
    assert await house.queued() == 0
    assert sorted(await house.sent()) == [str(n) for n in range(7)]


async def test_a_row_that_comes_back_after_it_was_sent_is_not_sent_again(house: House) -> None:
    await house.do("send")
    assert len(await house.sent()) == 7
    async with house.database.transaction() as session:
        broadcast = await queries.by_key(session, "news", lock=True)
        assert broadcast is not None
        broadcast.status, broadcast.cursor, broadcast.audience_done = "running", None, 0
    assert await house.sent() == []
    assert (await house.progress()).skipped == 7


async def test_a_pause_stops_at_once_and_resuming_goes_on(house: House) -> None:
    await house.do("send")
    await house.launched()
    await house.dispatch(2)
    await house.do("pause")
    await house.dispatch(2)  # claimed before the launch has put them aside
    assert len(house.channel.sent) == 2
    await house.launched()
    assert (await house.queued(), await house.queued(ParkedRow)) == (0, 5)
    assert await house.sent() == []
    paused = await house.progress()
    assert (paused.status, paused.left, paused.eta) == ("paused", 5, None)
    house.clock.advance(timedelta(hours=5))
    await house.do("resume")
    assert len(await house.sent()) == 5
    assert await house.queued(ParkedRow) == 0
    assert len({one.address.value for one in house.channel.sent}) == 7
    assert (await house.progress()).status == "done"


async def test_a_pause_in_the_middle_of_the_launch(house: House) -> None:
    await house.do("send")
    await house.launch.run_once(house.clock.now())
    await house.do("pause")
    assert await house.sent() == []
    assert (await house.progress()).queueing
    await house.do("resume")
    await house.do("pause")
    await house.do("resume")
    assert sorted(await house.sent()) == [str(n) for n in range(7)]


async def test_a_cancel_sends_nothing_more_and_leaves_nothing_behind(house: House) -> None:
    await house.do("send")
    await house.launched()
    await house.dispatch(2)
    await house.do("pause")
    await house.launch.run_once(house.clock.now())
    await house.do("cancel")
    assert await house.sent() == []
    assert (await house.queued(), await house.queued(ParkedRow)) == (0, 0)
    over = await house.progress()
    assert (over.status, over.sent, over.left) == ("cancelled", 2, 0)
    await house.do("send")
    assert len(await house.sent()) == 5


async def test_it_starts_at_its_time_and_not_before(house: House) -> None:
    await house.do("send", at=house.clock.now() + timedelta(hours=1))
    assert await house.sent() == []
    house.clock.advance(timedelta(hours=1))
    assert len(await house.sent()) == 7


async def test_edits_after_it_was_scheduled_change_nothing(house: House) -> None:
    await house.do("send", at=house.clock.now() + timedelta(hours=1))
    house.define("Edited", targeting={"conditions": [{"tag": "nobody"}]})
    async with house.database.transaction() as session:
        await switch.draft(session, house.library, "news", "me", house.clock.now())
    house.clock.advance(timedelta(hours=1))
    await house.sent()
    assert {one.message.text for one in house.channel.sent} == {
        f"Hello P{n} of nowhere" for n in range(7)
    }


async def test_a_live_audience_is_asked_again_and_takes_newcomers_in(house: House) -> None:
    house.define(targeting={"conditions": [{"not": {"tag": "quiet"}}]}, audience="live")
    await house.do("send")
    await house.launched()
    await house.tag(4, "quiet")
    await house.people(2)
    assert sorted(await house.sent()) == ["0", "1", "2", "3", "5", "6", "7", "8"]
    done = await house.progress()
    assert (done.status, done.skipped, done.missed) == ("done", 1, {"not_meant_any_more": 1})


async def test_a_frozen_audience_stays_as_it_was(house: House) -> None:
    house.define(targeting={"conditions": [{"not": {"tag": "quiet"}}]})
    await house.do("send")
    await house.launched()
    await house.tag(4, "quiet")
    await house.people(2)
    assert sorted(await house.sent()) == [str(n) for n in range(7)]


async def test_who_is_missed_is_told_with_the_reason(house: House) -> None:
    house.refused = {
        "1": Unreachable("blocked", "bot was blocked by the user"),
        "2": PermanentFailure("text is wrong"),
    }
    await house.do("send")
    assert len(await house.sent()) == 5
    done = await house.progress()
    assert (done.sent, done.failed, done.status) == (5, 2, "done")
    assert done.missed == {"unreachable": 1, "rejected": 1}
    async with house.database.reading() as session:
        got = segments.parse({"got_broadcast": "news"})
        assert await segments.count(session, got, house.clock.now()) == 5


async def test_a_test_goes_to_one_and_counts_for_nothing(house: House) -> None:
    async with house.database.reading() as session:
        address = await session.get_one(Address, house.known[1].address_id)
    await house.do("test", address=address)
    await house.do("test", address=address)
    assert await house.sent() == ["1", "1"]
    await house.do("send")
    assert sorted(await house.sent()) == [str(n) for n in range(7)]


async def planned(house: House) -> plan.Plan:
    async with house.database.transaction() as session:
        broadcast = await switch.draft(session, house.library, "news", "me", house.clock.now())
        await deliveries.ensure_pace(session, "telegram:main", 1_000_000 / 30)
    async with house.database.reading() as session:
        return await plan.plan(session, broadcast, house.renderer, 30.0, house.clock.now())


async def test_the_plan_tells_everything_before_anything_is_sent(house: House) -> None:
    await house.tag(2, "quiet")
    async with house.database.transaction() as session:
        now = house.clock.now()
        await reachability.change(session, house.known[3].address_id, "blocked", None, now)
    house.define(targeting={"conditions": [{"not": {"tag": "quiet"}}]})
    made = await planned(house)
    assert (made.count, made.meant) == (5, 6)
    assert len(made.sample) == 5
    assert made.preview is not None
    assert made.preview.text == "Hello P6 of nowhere"
    assert (made.stars, made.requests) == (0, 1)
    assert await house.sent() == []


@pytest.mark.parametrize(
    ("messages", "cost"), [(0, 0), (30, 0), (31, 1), (1000, 97), (1_000_000, 97_000)]
)
def test_what_a_paid_broadcast_costs(messages: int, cost: int) -> None:
    assert plan.stars(messages) == cost


async def test_what_makes_no_sense_is_refused(house: House) -> None:
    for what in ("pause", "resume", "cancel"):
        with pytest.raises(Conflict):
            await house.do(what)
    with pytest.raises(Invalid):
        await house.do("send", audience="melted")
    house.define(targeting={"conditions": ["no_such_word"]})
    with pytest.raises(segments.SegmentError):
        await house.do("send")
    house.define()
    await house.do("send")
    with pytest.raises(Conflict):
        await house.do("send")
    async with house.database.transaction() as session:
        with pytest.raises(NotFound):
            await switch.draft(session, house.library, "nope", "me", house.clock.now())
    assert await house.queued(Broadcast) == 1
