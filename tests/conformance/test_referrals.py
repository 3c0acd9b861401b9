"""Referrals on each database: counted once, held, flagged, reviewed, and back again."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dripline.clock import VirtualClock
from dripline.contacts import segments
from dripline.contacts.models import Contact
from dripline.database import Database
from dripline.errors import Conflict, NotFound
from dripline.ids import new_id
from dripline.lifecycle import evidence, invite, links, review
from dripline.lifecycle import referral_queries as queries
from dripline.lifecycle.document import rules_of
from dripline.lifecycle.models import Referral, ReferralFlag
from lifecycle_world import DAY, HOUR, MINUTE, World

LADDER = [
    {"id": "VISITOR"},
    {"id": "REGISTERED", "when": {"registered": True}},
    {"id": "VIP", "when": {"referrals": 2}},
]
FLOOD = 1_000  # 100,000 are bench/referrals.py
OPEN: dict[str, Any] = {"states": LADDER}
HELD: dict[str, Any] = {"states": LADDER, "referrals": {"hold": {"hours": 24}}}


@pytest.fixture
async def world(database: Database, clock: VirtualClock, tmp_path: Path) -> World:
    return await World(database, clock, tmp_path).prepare(OPEN)


async def decide(world: World, user: int, word: str) -> bool:
    """Approve or reject the referral that brought somebody."""
    found = await world.referral(user)
    assert found is not None
    async with world.database.transaction() as session:
        rules = rules_of(await world.store.current(session))
        call = {"approve": review.approve, "reject": review.reject}[word]
        done = await call(session, rules, found.id, "anna", world.clock.now())
    await world.settle()
    return done


async def flags(world: World, user: int) -> dict[str, Any]:
    found = await world.referral(user)
    assert found is not None
    async with world.database.reading() as session:
        rows = await session.scalars(
            select(ReferralFlag).where(ReferralFlag.referral_id == found.id)
        )
        return {row.kind: row.evidence for row in rows}


async def standing(world: World, user: int) -> tuple[str, str | None]:
    found = await world.referral(user)
    assert found is not None
    return found.status, found.review


async def test_a_link_is_short_and_stays_the_same(world: World) -> None:
    await world.start(1)
    code = await world.code(1)
    assert len(code) == 9
    assert await world.code(1) == code
    async with world.database.transaction() as session:
        link = await links.link_of(session, await world.id(1))
    assert link == f"https://t.me/some_bot?start=r_{code}"


async def test_it_counts_when_the_invited_registers(world: World) -> None:
    await world.join(1)
    await world.start(2, f"r_{await world.code(1)}")
    assert await standing(world, 2) == ("PENDING", None)
    assert await world.count(1) == 0
    await world.press(2, "ACCEPT")
    assert await standing(world, 2) == ("VERIFIED", "AUTO_APPROVED")
    assert await world.count(1) == 1
    assert [name for name, _ in await world.events(1, "referral.")] == ["referral.counted"]
    assert "Somebody you invited has joined. You have brought 1 person." in world.said(1)[-1]


async def test_a_state_it_brought_makes_it_rewarded(world: World) -> None:
    await world.join(1)
    await world.join(2, by=1)
    await world.join(3, by=1)
    assert await world.state(1) == "VIP"
    assert {(await standing(world, user))[0] for user in (2, 3)} == {"REWARDED"}


async def test_nobody_brings_themselves(world: World) -> None:
    await world.start(1)
    await world.start(1, f"r_{await world.code(1)}")
    await world.press(1, "ACCEPT")
    assert await world.referral(1) is None
    assert await world.count(1) == 0


async def test_whoever_is_known_is_nobodys_referral(world: World) -> None:
    await world.join(1)
    await world.start(2)
    await world.start(2, f"r_{await world.code(1)}")
    await world.press(2, "ACCEPT")
    assert await world.referral(2) is None
    assert await world.count(1) == 0


async def test_the_first_link_counts_and_only_once(world: World) -> None:
    await world.join(1)
    await world.join(2)
    await world.start(3, f"r_{await world.code(1)}")
    await world.start(3, f"r_{await world.code(2)}")
    await world.press(3, "ACCEPT")
    await world.press(3, "ACCEPT")
    await world.happened(3, "registered")
    assert (await world.count(1), await world.count(2)) == (1, 0)


@pytest.mark.parametrize(
    "payload", ["r_", "r_nobody", "r_" + "x" * 62, "r_'; DROP--", "r_%00", "r_Ω≈ç"]
)
async def test_codes_of_nobody_lead_to_the_course_all_the_same(world: World, payload: str) -> None:
    await world.start(1, payload)
    assert await world.referral(1) is None
    assert world.said(1)[-1].startswith("Hello!")


async def test_a_hold_makes_it_wait(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    world = await World(database, clock, tmp_path).prepare(HELD)
    await world.join(1)
    await world.join(2, by=1)
    assert await standing(world, 2) == ("PENDING", None)
    await world.wait(HOUR)
    await world.write(2, "thank you")
    await world.wait(22 * HOUR)
    assert await world.count(1) == 0
    await world.wait(HOUR)
    assert (await world.count(1), await standing(world, 2)) == (1, ("VERIFIED", "AUTO_APPROVED"))


async def test_whoever_never_acts_is_flagged_at_the_holds_end(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    world = await World(database, clock, tmp_path).prepare(HELD)
    await world.join(1)
    await world.join(2, by=1)
    await world.wait(DAY)
    assert await standing(world, 2) == ("PENDING", "PENDING_REVIEW")
    assert set(await flags(world, 2)) == {"never_active"}
    assert await world.count(1) == 0


async def test_whoever_does_nothing_later_counts_no_more(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    rules = {"states": LADDER, "referrals": {"never_active_after": {"days": 3}}}
    world = await World(database, clock, tmp_path).prepare(rules)
    await world.join(1)
    await world.join(2, by=1)
    await world.join(3, by=1)
    assert await world.state(1) == "VIP"
    await world.wait(HOUR)
    await world.write(3, "hello")
    await world.wait(3 * DAY)
    assert await standing(world, 2) == ("PENDING", "PENDING_REVIEW")
    assert (await standing(world, 3))[1] == "AUTO_APPROVED"
    assert (await world.state(1), await world.count(1)) == ("REGISTERED", 1)
    assert (await world.events(1))[-1][1]["cause"] == "fewer_referrals"


async def test_too_many_in_a_short_time_wait_for_review(world: World) -> None:
    await world.push({**OPEN, "referrals": {"velocity": {"most": 2, "within": {"minutes": 30}}}})
    await world.join(1)
    for friend in (2, 3, 4):
        await world.join(friend, by=1)
        await world.wait(MINUTE)
    assert await world.count(1) == 2
    assert await standing(world, 4) == ("PENDING", "PENDING_REVIEW")
    assert (await flags(world, 4))["velocity"] == {"count": 3, "most": 2, "minutes": 30}
    found = await world.referral(4)
    assert found is not None
    assert found.velocity_score == 75
    await world.wait(HOUR)
    await world.join(5, by=1)
    assert await world.count(1) == 3


async def follow(world: World, code: str, count: int) -> None:
    """Let many contacts follow one link, and do nothing else."""
    now = world.clock.now()
    rules = rules_of(await world.library())
    for _batch in range(count // 200):
        async with world.database.transaction() as session:
            new = [Contact(id=new_id(), created_at=now, last_seen_at=now) for _ in range(200)]
            session.add_all(new)
            await session.flush()
            for one in new:
                await invite.followed(session, rules, one.id, code, now, is_new=True)


@pytest.mark.slow
@pytest.mark.timeout(600)  # thousands of starts, on a machine that may be busy
async def test_a_flood_of_fake_starts_moves_nobody(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    rules = {"velocity": {"most": 5, "within": {"hours": 1}}}
    menu = {"text": "What now?", "rows": [[{"text": "My progress", "action": "progress"}]]}
    content = {**OPEN, "referrals": rules, "menus": {"REGISTERED": menu, "VIP": menu}}
    world = await World(database, clock, tmp_path).prepare(content)
    await world.join(1)
    await world.join(2, by=1)
    await world.join(3)
    await world.wait(2 * HOUR)
    fakes, code = range(1_000, 1_020), await world.code(1)
    await follow(world, code, FLOOD)
    for _twice in range(2):
        await world.flood([(user, f"/start r_{code}", None) for user in fakes])
        await world.flood([(user, "", "ACCEPT") for user in fakes])
    assert (await world.state(1), await world.count(1)) == ("REGISTERED", 1)
    async with database.reading() as session:
        assert await queries.count_waiting(session) == len(fakes)
        kinds = await session.scalars(select(ReferralFlag.kind).distinct())
        assert list(kinds) == ["velocity"]
        rows = await session.scalar(select(func.count()).select_from(Referral))
    assert rows == FLOOD + len(fakes) + 1
    await world.write(1, "/progress")
    assert world.said(1)[-1].endswith("You have brought 1 person. 1 more, and you are VIP.")
    await world.join(4, by=3)  # whoever has nothing to do with it is counted as ever
    assert await world.count(3) == 1
    assert await decide(world, fakes[0], "approve")
    assert (await world.state(1), await world.count(1)) == ("VIP", 2)
    assert any(text.startswith("🎉 You are VIP now!") for text in world.said(1))
    assert await decide(world, fakes[0], "reject")
    assert (await world.state(1), await world.count(1)) == ("REGISTERED", 1)
    await world.write(1, "/menu")
    assert world.said(1)[-1].endswith("What now?")


async def test_the_same_address_or_device_waits_for_review(world: World) -> None:
    await world.join(1)
    await world.happened(1, "link.clicked", {"ip": "10.0.0.7", "user_agent": "Phone"})
    await world.start(2, f"r_{await world.code(1)}")
    await world.happened(2, "link.clicked", {"ip": "10.0.0.7", "device": "d1", "user_agent": "X"})
    await world.press(2, "ACCEPT")
    assert await standing(world, 2) == ("PENDING", "PENDING_REVIEW")
    shown = (await flags(world, 2))["same_ip"]
    assert shown == {"value": "10.0.0.7", "contacts": [str(await world.id(1))]}
    found = await world.referral(2)
    assert found is not None
    assert (found.ip_address, found.device_fingerprint, found.user_agent) == ("10.0.0.7", "d1", "X")

    await world.start(3, f"r_{await world.code(1)}")
    await world.happened(3, "link.clicked", {"device": "d1"})
    await world.press(3, "ACCEPT")
    assert set(await flags(world, 3)) == {"same_device"}


@pytest.mark.parametrize("data", [{}, {"ip": 7}, {"ip": ""}, {"ip": "x" * 5000, "device": None}])
async def test_clicks_may_say_anything(world: World, data: dict[str, Any]) -> None:
    await world.join(1)
    await world.happened(1, "link.clicked", data)
    await world.join(2, by=1)
    assert await world.count(1) == 1


async def test_others_at_the_same_address_do_not_matter(world: World) -> None:
    await world.join(1)
    await world.join(9)
    await world.happened(9, "link.clicked", {"ip": "10.0.0.7"})
    await world.start(2, f"r_{await world.code(1)}")
    await world.happened(2, "link.clicked", {"ip": "10.0.0.7"})
    await world.press(2, "ACCEPT")
    assert await world.count(1) == 1


async def test_rings_wait_for_review(world: World) -> None:
    await world.start(1)
    await world.start(2, f"r_{await world.code(1)}")
    await world.start(3, f"r_{await world.code(2)}")
    await world.start(1, f"r_{await world.code(3)}")  # the circle closes
    for user in (1, 2, 3):
        await world.press(user, "ACCEPT")
    for user in (2, 3):
        assert await standing(world, user) == ("PENDING", "PENDING_REVIEW")
        assert set(await flags(world, user)) == {"ring"}
    assert await world.referral(1) is None
    assert [await world.count(user) for user in (1, 2, 3)] == [0, 0, 0]


async def test_a_ring_of_rows_is_seen_whoever_made_them(world: World) -> None:
    for user in (1, 2, 3):
        await world.start(user)
    await add(world, 1, 2)
    await add(world, 2, 3)
    async with world.database.reading() as session:
        ids = [await world.id(user) for user in (3, 1)]
        assert await evidence.ring(session, *ids) == [await world.id(n) for n in (3, 2, 1)]
        assert await evidence.ring(session, ids[1], ids[0]) == []


async def add(world: World, referrer: int, referred: int) -> None:
    async with world.database.transaction() as session:
        session.add(
            Referral(
                id=new_id(),
                referrer_id=await world.id(referrer),
                referred_id=await world.id(referred),
                referral_code="x",
                created_at=world.clock.now(),
            )
        )


async def test_the_queue_shows_who_and_why(world: World) -> None:
    await world.push({**OPEN, "referrals": {"velocity": {"most": 1}}})
    await world.join(1)
    for friend in (2, 3):
        await world.join(friend, by=1)
    async with world.database.reading() as session:
        (case,) = await review.queue(session)
    assert (case.referrer, case.referred, case.review) == ("P1", "P3", "PENDING_REVIEW")
    assert [kind for kind, _ in case.flags] == ["velocity"]


async def test_approving_counts_at_once(world: World) -> None:
    await world.push({**OPEN, "referrals": {"velocity": {"most": 1}}})
    await world.join(1)
    for friend in (2, 3):
        await world.join(friend, by=1)
    assert await world.state(1) == "REGISTERED"
    assert await decide(world, 3, "approve")
    assert (await world.state(1), await world.count(1)) == ("VIP", 2)
    assert not await decide(world, 3, "approve")
    assert await world.count(1) == 2
    found = await world.referral(3)
    assert found is not None
    assert (found.review, found.reviewed_by) == ("APPROVED", "anna")


async def test_rejecting_takes_back_at_once(world: World) -> None:
    await world.join(1)
    for friend in (2, 3):
        await world.join(friend, by=1)
    assert await world.state(1) == "VIP"
    assert await decide(world, 3, "reject")
    assert (await world.state(1), await world.count(1)) == ("REGISTERED", 1)
    assert await standing(world, 3) == ("PENDING", "REJECTED")
    assert not await decide(world, 3, "reject")
    assert await world.count(1) == 1
    assert await decide(world, 3, "approve")
    assert (await world.state(1), await world.count(1)) == ("VIP", 2)


async def test_one_rejected_before_registering_never_counts(world: World) -> None:
    await world.join(1)
    await world.start(2, f"r_{await world.code(1)}")
    with pytest.raises(Conflict, match="has not registered"):
        await decide(world, 2, "approve")
    assert await decide(world, 2, "reject")
    await world.press(2, "ACCEPT")
    assert (await world.count(1), await standing(world, 2)) == (0, ("PENDING", "REJECTED"))


async def test_a_referral_that_is_not_there_is_told(world: World) -> None:
    async with world.database.transaction() as session:
        rules = rules_of(await world.store.current(session))
        for call in (review.approve, review.reject):
            with pytest.raises(NotFound):
                await call(session, rules, new_id(), "anna", world.clock.now())


async def test_counting_works_before_any_rules_are_written(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    world = await World(database, clock, tmp_path).prepare(None)
    await world.start(1)
    await world.start(2, f"r_{await world.code(1)}")
    await world.happened(2, "registered")
    assert (await world.count(1), await world.state(1)) == (1, "VISITOR")
    assert world.said(1)[-1].startswith("Hello!")


async def test_a_registration_that_overtakes_its_start_counts(world: World) -> None:
    await world.join(1)
    await world.start(2)
    await world.happened(2, "registered")
    code = {"kind": "referral", "value": await world.code(1)}
    await world.happened(2, "bot.started", {"first": True, "code": code})
    assert await world.count(1) == 1


@pytest.mark.parametrize(
    ("segment", "people"),
    [
        ({"referrals": {"at_least": 1}}, {1, 2}),
        ({"referrals": {"at_least": 2}}, {1}),
        ({"referrals": {"at_most": 1}}, {2, 3, 4, 5}),
        ({"referrals": {"at_least": 1, "at_most": 1}}, {2}),
        ({"referrals": 0}, {3, 4, 5}),
        ({"referrals": {"is": 2}}, {1}),
        ({"not": {"referrals": {"at_least": 0}}}, set()),
        ({"referrals": {"at_most": -1}}, set()),
    ],
)
async def test_segments_know_how_many_somebody_has_brought(
    world: World, segment: Any, people: set[int]
) -> None:
    await world.join(1)
    await world.join(2, by=1)
    await world.join(3, by=1)
    await world.join(4, by=2)
    await world.start(5)
    async with world.database.reading() as session:
        found = await segments.page(session, segments.parse(segment), world.clock.now(), None, 100)
    assert {user for user in range(1, 6) if await world.id(user) in found} == people
