"""An address is given, confirmed, left and taken up again; each step is on record."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dripline.clock import VirtualClock
from dripline.contacts import consent, consent_queries, email, queries, suppression
from dripline.contacts.consent import Evidence, change
from dripline.contacts.erase import erase
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import ConsentEntry, Contact, Suppression
from dripline.contacts.wishes import checked
from dripline.database import Database
from dripline.engagement.habit_queries import learn
from dripline.errors import Conflict, Invalid, NotFound, TooMany
from dripline.events.models import Event
from dripline.ids import new_id
from dripline.wiring import import_models

import_models()
BOT = Evidence("bot", "What is your email address?")
PAGE = Evidence("page", "Yes, this is my address", "192.0.2.7", "Firefox")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class People:
    """Contacts of a bot, and what they do with their addresses, each step a transaction."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database, self.clock = database, clock

    async def new(self, number: int) -> uuid.UUID:
        async with self.database.transaction() as session:
            person = TelegramPerson(number, f"P{number}")
            return (await by_telegram(session, "main", person, self.clock.now())).contact_id

    async def give(self, contact: uuid.UUID, raw: object) -> uuid.UUID:
        """Return the id of the verification that was asked for."""
        async with self.database.transaction() as session:
            given = await email.give(session, contact, raw, BOT, self.clock.now())
            assert given.verification is not None
            return given.verification.id

    async def confirm(self, verification: uuid.UUID) -> str:
        async with self.database.transaction() as session:
            return (await email.confirm(session, verification, PAGE, self.clock.now())).value

    async def verified(self, contact: uuid.UUID, raw: str) -> None:
        await self.confirm(await self.give(contact, raw))

    async def address(self, contact: uuid.UUID) -> tuple[str, str] | None:
        async with self.database.reading() as session:
            found = await consent_queries.email_of(session, contact)
            return (found.value, found.reachability) if found else None

    async def log(self, contact: uuid.UUID) -> list[tuple[Any, ...]]:
        async with self.database.reading() as session:
            rows = await consent_queries.consent_of(session, contact)
            return [(row.what, row.old, row.new, row.source) for row in rows]


@pytest.fixture
def people(database: Database, clock: VirtualClock) -> People:
    return People(database, clock)


async def test_an_address_is_the_contacts_once_they_confirm_it(people: People) -> None:
    anna = await people.new(1)
    asked = await people.give(anna, "Anna@Example.com")
    assert await people.address(anna) == ("anna@example.com", "unverified")
    assert await people.confirm(asked) == "anna@example.com"
    assert await people.address(anna) == ("anna@example.com", "reachable")
    async with people.database.reading() as session:
        wants = (await queries.preferences_of(session, [anna]))[anna]
        entries = await consent_queries.consent_of(session, anna)
        names = (await session.scalars(select(Event.name).where(Event.contact_id == anna))).all()
    assert (wants.sequences, wants.announcements, wants.preferred_time) == (True, True, "morning")
    assert await people.log(anna) == [
        ("email", None, "anna@example.com (unverified)", "bot"),
        ("email", "anna@example.com (unverified)", "anna@example.com (verified)", "page"),
        ("sequences", None, "yes", "page"),
        ("announcements", None, "yes", "page"),
        ("preferred_time", None, "morning", "page"),
    ]
    assert (entries[1].ip, entries[1].user_agent) == ("192.0.2.7", "Firefox")
    assert entries[1].wording == "Yes, this is my address"
    assert {"consent.changed", "address.reachable"} <= set(names)


async def test_a_letter_is_answered_once_and_in_time(people: People, clock: VirtualClock) -> None:
    anna = await people.new(1)
    first = await people.give(anna, "anna@example.com")
    clock.advance(2 * MINUTE)
    second = await people.give(anna, "anna@example.com")
    with pytest.raises(NotFound) as refused:
        await people.confirm(first)  # only the newest letter counts
    assert refused.value.code == "VERIFICATION_GONE"
    await people.confirm(second)
    for spent in (second, new_id()):
        with pytest.raises(NotFound):
            await people.confirm(spent)
    clock.advance(2 * MINUTE)
    late = await people.give(anna, "anna2@example.com")
    clock.advance(2 * DAY)
    with pytest.raises(NotFound):
        await people.confirm(late)
    assert await people.address(anna) == ("anna@example.com", "reachable")


async def test_a_new_address_takes_over_when_it_is_confirmed(
    people: People, clock: VirtualClock
) -> None:
    anna = await people.new(1)
    await people.verified(anna, "anna@example.com")
    clock.advance(2 * MINUTE)
    asked = await people.give(anna, "new@example.com")
    assert await people.address(anna) == ("anna@example.com", "reachable")
    await people.confirm(asked)
    assert await people.address(anna) == ("new@example.com", "reachable")
    assert (await people.log(anna))[-1] == (
        "email", "anna@example.com (reachable)", "new@example.com (verified)", "page",
    )  # fmt: skip
    boris = await people.new(2)  # who may have the old one now
    await people.verified(boris, "anna@example.com")


async def test_an_address_belongs_to_one_contact(people: People, clock: VirtualClock) -> None:
    anna, boris = await people.new(1), await people.new(2)
    await people.verified(anna, "anna@example.com")
    with pytest.raises(Conflict) as refused:
        await people.give(boris, "ANNA@example.com")
    assert refused.value.code == "EMAIL_TAKEN"
    assert str(anna) not in refused.value.message
    # Whoever only claims an address, and never confirms it, does not keep it from its owner.
    await people.give(boris, "carl@example.com")
    carl = await people.new(3)
    with pytest.raises(Conflict):
        await people.give(carl, "carl@example.com")
    clock.advance(3 * DAY)
    await people.verified(carl, "carl@example.com")
    assert await people.address(boris) is None
    assert await people.address(carl) == ("carl@example.com", "reachable")


async def test_letters_cannot_be_asked_for_without_end(people: People, clock: VirtualClock) -> None:
    anna = await people.new(1)
    await people.give(anna, "one@example.com")
    clock.advance(timedelta(seconds=10))
    with pytest.raises(TooMany) as refused:
        await people.give(anna, "two@example.com")
    assert (refused.value.code, refused.value.after) == ("TOO_MANY_VERIFICATIONS", 50)
    for number in range(5):
        clock.advance(2 * MINUTE)
        await people.give(anna, f"n{number}@example.com")
    clock.advance(2 * MINUTE)
    with pytest.raises(TooMany) as refused:
        await people.give(anna, "more@example.com")
    assert refused.value.message == email.TOO_OFTEN
    clock.advance(timedelta(seconds=refused.value.after))  # and no sooner
    await people.give(anna, "more@example.com")
    clock.advance(DAY)
    await people.give(anna, "more@example.com")


async def test_a_stranger_is_not_flooded_by_many(people: People, clock: VirtualClock) -> None:
    for number in range(1, 5):
        contact = await people.new(number)
        await people.give(contact, "victim@example.com")
        async with people.database.transaction() as session:
            await email.remove(session, contact, BOT, clock.now())
    with pytest.raises(Conflict):
        await people.give(await people.new(9), "victim@example.com")


async def test_somebody_leaves_and_comes_back(people: People, clock: VirtualClock) -> None:
    anna = await people.new(1)
    await people.verified(anna, "anna@example.com")
    link = Evidence("link")
    async with people.database.transaction() as session:
        assert await email.leave(session, anna, link, clock.now())
        assert not await email.leave(session, anna, link, clock.now())
    assert await people.address(anna) == ("anna@example.com", "unsubscribed")
    async with people.database.reading() as session:
        assert set(await suppression.of(session, ["anna@example.com"])) == {"anna@example.com"}
    async with people.database.transaction() as session:
        assert await email.come_back(session, anna, PAGE, clock.now())
        assert not await email.come_back(session, anna, PAGE, clock.now())
    assert await people.address(anna) == ("anna@example.com", "reachable")
    async with people.database.reading() as session:
        assert await suppression.of(session, ["anna@example.com"]) == {}


async def test_a_complaint_is_for_good(people: People, clock: VirtualClock) -> None:
    anna = await people.new(1)
    await people.verified(anna, "anna@example.com")
    async with people.database.transaction() as session:
        await email.leave(session, anna, Evidence("link"), clock.now())
        assert await suppression.suppress(session, "anna@example.com", "complained", clock.now())
        assert not await suppression.suppress(session, "anna@example.com", "bounced", clock.now())
        assert not await suppression.lift(session, "anna@example.com", ("complained", "bounced"))
        assert not await email.come_back(session, anna, PAGE, clock.now())
    clock.advance(DAY)
    for contact in (anna, await people.new(2)):
        with pytest.raises((Invalid, Conflict)):
            await people.give(contact, "anna@example.com")


async def test_an_address_is_removed_and_another_takes_its_place(
    people: People, clock: VirtualClock
) -> None:
    anna, boris = await people.new(1), await people.new(2)
    await people.verified(anna, "anna@example.com")
    async with people.database.transaction() as session:
        assert await email.remove(session, anna, BOT, clock.now())
        assert not await email.remove(session, anna, BOT, clock.now())
    assert await people.address(anna) is None
    await people.verified(boris, "anna@example.com")
    clock.advance(2 * MINUTE)
    await people.verified(anna, "other@example.com")
    assert await people.address(anna) == ("other@example.com", "reachable")
    assert ("email", "anna@example.com (reachable)", None, "bot") in await people.log(anna)


async def test_wishes_are_on_record_where_they_are_different(
    people: People, clock: VirtualClock
) -> None:
    anna = await people.new(1)
    wishes = checked(
        {"announcements": False, "sequences": True, "timezone": "berlin", "quiet_from": "22:00",
         "quiet_to": "08:00", "weekdays": "1,2", "language": "ru"}
    )  # fmt: skip
    for expected in (7, 0):
        async with people.database.transaction() as session:
            assert len(await change(session, anna, wishes, PAGE, clock.now())) == expected
    assert ("announcements", None, "no", "page") in await people.log(anna)
    async with people.database.reading() as session:
        contact = await queries.contact(session, anna)
        assert contact is not None
        found = (contact.timezone, contact.timezone_source, contact.language)
    assert found == ("Europe/Berlin", "asked", "ru")


async def test_an_erasure_leaves_the_proof_without_a_name(
    people: People, clock: VirtualClock
) -> None:
    anna = await people.new(1)
    await people.verified(anna, "anna@example.com")
    async with people.database.transaction() as session:
        await suppression.suppress(session, "anna@example.com", "complained", clock.now(), "spam!")
        await erase(session, anna, clock.now())
    async with people.database.reading() as session:
        entries = (await session.scalars(select(ConsentEntry))).all()
        kept = (await session.scalars(select(Suppression))).one()
        assert set(await suppression.of(session, ["anna@example.com"])) == {"anna@example.com"}
    assert {entry.what for entry in entries} == {"email", "sequences", "announcements"}
    assert {(entry.contact_id, entry.ip) for entry in entries} == {(None, None)}
    assert {entry.subject for entry in entries} == {kept.value}
    assert "anna" not in repr([(entry.old, entry.new) for entry in entries]) + kept.value
    clock.advance(DAY)
    with pytest.raises(Invalid) as refused:
        await people.give(await people.new(2), "anna@example.com")
    assert refused.value.code == "EMAIL_SUPPRESSED"


async def test_a_guess_that_is_left_standing_is_an_answer(
    people: People, clock: VirtualClock
) -> None:
    anna = await people.new(1)
    async with people.database.transaction() as session:
        contact = await session.get_one(Contact, anna)
        contact.timezone, contact.timezone_source = "Europe/Berlin", "guessed"
    async with people.database.transaction() as session:
        wishes = checked({"timezone": "Europe/Berlin"})
        assert await change(session, anna, wishes, PAGE, clock.now()) == []
    async with people.database.reading() as session:
        assert (await session.get_one(Contact, anna)).timezone_source == "asked"


async def test_what_was_learned_of_somebody_is_nothing_they_said(
    people: People, clock: VirtualClock
) -> None:
    """Habits are written beside the wishes; consent goes on record all the same."""
    anna, boris = await people.new(1), await people.new(2)
    async with people.database.transaction() as session:
        await learn(session, {anna: (9, "telegram"), boris: (9, None)}, clock.now())
    await people.verified(anna, "anna@example.com")
    agreed = [line for line in await people.log(anna) if line[0] in consent.OPT_INS]
    assert agreed == [
        ("sequences", None, "yes", "page"),
        ("announcements", None, "yes", "page"),
    ]
    async with people.database.transaction() as session:
        for _ in range(2):
            await change(session, boris, {"sequences": True}, PAGE, clock.now())
    assert await people.log(boris) == [("sequences", None, "yes", "page")]


async def test_who_has_left_courses_does_not_take_them_up_by_confirming_an_address(
    people: People, clock: VirtualClock
) -> None:
    anna = await people.new(1)
    async with people.database.transaction() as session:
        await change(session, anna, {"sequences": False}, PAGE, clock.now())
    await people.verified(anna, "anna@example.com")
    async with people.database.reading() as session:
        wants = await consent.preferences(session, anna)
    assert (wants.sequences, wants.announcements) == (False, True)
    assert ("announcements", None, "yes", "page") in await people.log(anna)
