"""A Telegram user is one contact at however many bots, found without going through everybody."""

from datetime import UTC, datetime

from dripline.contacts import queries
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.database import Database, bulk
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


async def test_nobody_else_is_read_on_the_way(database: Database) -> None:
    """On SQLite: the statement that every new person asks steps through the index only."""
    if not database.is_sqlite:
        return
    async with database.reading() as session:
        plan = bulk.same(f"EXPLAIN QUERY PLAN {queries._TELEGRAM_USER.sqlite}")
        steps = [row[3] for row in await bulk.run(session, plan, "1")]
    assert any("(channel=? AND bot=? AND value=?)" in step for step in steps)
    assert not any("SCAN a" in step for step in steps)
