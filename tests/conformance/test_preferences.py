"""What a contact wants to get, where and when."""

from datetime import timedelta

from dripline.clock import VirtualClock
from dripline.contacts import queries
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.database import Database


async def test_preferences_are_made_and_changed_field_by_field(
    database: Database, clock: VirtualClock
) -> None:
    now = clock.now()
    async with database.transaction() as session:
        anna = (await by_telegram(session, "main", TelegramPerson(1, "Anna"), now)).contact_id
        boris = (await by_telegram(session, "main", TelegramPerson(2, "Boris"), now)).contact_id
        await queries.set_preferences(session, anna, now, preferred_channel="email", quiet_from=60)
    later = now + timedelta(hours=1)
    async with database.transaction() as session:
        await queries.set_preferences(session, anna, later, announcements=False)
    async with database.reading() as session:
        found = await queries.preferences_of(session, [anna, boris])
    assert list(found) == [anna]
    one = found[anna]
    assert (one.sequences, one.announcements, one.preferred_channel) == (True, False, "email")
    assert (one.quiet_from, one.quiet_to, one.best_hour, one.updated_at) == (60, None, None, later)
