"""A Telegram user is one contact at however many bots, found without going through everybody."""

from datetime import UTC, datetime

import pytest

from dripline.analytics.lists import contacts_page
from dripline.contacts import queries
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.database import Database, bulk
from dripline.ids import new_id
from dripline.importing.queries import known_people

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def test_somebody_is_known_at_whichever_bot(database: Database) -> None:
    anna, bob = TelegramPerson(1, "Anna"), TelegramPerson(2, "Bob")
    async with database.transaction() as session:
        assert await queries.telegram_user(session, "1") is None
        assert await queries.telegram_bots(session) == []
        first = await by_telegram(session, "second", anna, NOW)
        other = await by_telegram(session, "third", bob, NOW)
        for bot in ("first", "third"):
            again = await by_telegram(session, bot, anna, NOW)
            assert (again.contact_id, again.created) == (first.contact_id, False)
        assert await queries.telegram_bots(session) == ["first", "second", "third"]
        assert await queries.telegram_user(session, "1") == first.contact_id
        oldest = await queries.any_telegram_address(session, "1")
        assert oldest is not None
        assert (oldest.id, oldest.bot) == (first.address_id, "second")
        assert await queries.any_telegram_address(session, "3") is None
        known = await known_people(session, "third", ["1", "2", "3"])
        assert {value: one.contact_id for value, one in known.items()} == {
            "1": first.contact_id, "2": other.contact_id,
        }  # fmt: skip
        assert (await known_people(session, "fourth", ["2"]))["2"].address_id is None


async def test_an_address_names_its_owner_whatever_others_call_themselves(
    database: Database,
) -> None:
    async with database.transaction() as session:
        anna = await by_telegram(session, "second", TelegramPerson(17, "Anna"), NOW)
        await by_telegram(session, "first", TelegramPerson(18, "17"), NOW)
        await by_telegram(session, "first", TelegramPerson(19, "anna@example.com"), NOW)
        row = {
            "id": new_id(), "contact_id": anna.contact_id, "channel": "email", "bot": "",
            "value": "anna@example.com", "reachability": "reachable", "reachability_since": NOW,
            "next_send_at": 0, "created_at": NOW,
        }  # fmt: skip
        assert await queries.insert_address(session, row)
        for words in ("17", " 17 ", "anna@example.com", "Anna@Example.com"):
            found = await queries.contacts_named(session, words, 6)
            assert [one.id for one in found] == [anna.contact_id]
            listed = await contacts_page(session, None, 6, query=words)
            assert [one.id for one in listed] == [anna.contact_id]
            assert not await contacts_page(session, None, 6, query=words, tag="vip")
        assert len(await queries.contacts_named(session, "anna", 6)) == 2
        assert await queries.contacts_named(session, "", 2)
        assert not await queries.contacts_named(session, "nobody", 6)


@pytest.mark.parametrize("statement", [queries._TELEGRAM_USER, queries._ADDRESSED])
@pytest.mark.parametrize("has_statistics", [False, True])
async def test_nobody_else_is_read_on_the_way(
    database: Database, statement: bulk.Statement, has_statistics: bool
) -> None:
    """On SQLite: what is asked about one address steps through the index only."""
    if not database.is_sqlite:
        return
    if has_statistics:  # as somebody may have made them by hand
        async with database.transaction() as session:
            await by_telegram(session, "main", TelegramPerson(1, "Anna"), NOW)
            await bulk.run(session, bulk.same("ANALYZE"))
            grown = "UPDATE sqlite_stat1 SET stat = ? WHERE tbl = 'addresses' AND idx LIKE '%_2'"
            await bulk.run(session, bulk.same(grown), "1000000 500000 500000 1")
    values = ["1"] * statement.sqlite.count("?")
    async with database.reading() as session:
        plan = bulk.same(f"EXPLAIN QUERY PLAN {statement.sqlite}")
        steps = [row[3] for row in await bulk.run(session, plan, *values)]
    assert any("(channel=? AND bot=? AND value=?)" in step for step in steps)
    assert not any("SCAN a" in step or "BLOOM" in step for step in steps)
