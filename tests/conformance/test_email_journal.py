"""Two workers and one Resend: whatever dies in the middle, no email goes out twice."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from dripline.channels.content_files import ContentFiles
from dripline.channels.email import Letter
from dripline.channels.email_journal import DatabaseJournal
from dripline.channels.email_resend import ResendTransport
from dripline.channels.email_turns import SharedTurns
from dripline.clients.resend import ResendClient
from dripline.clock import RealTime, VirtualClock
from dripline.content.rendered import EmailParts
from dripline.database import Database
from dripline.deliveries import queries
from dripline.deliveries.models import EmailBatch, EmailBatchMember
from dripline.ids import new_id
from dripline.mail_settings import Sender
from resend_standin import KEY, Resend


def letter(number: int, clock: VirtualClock) -> Letter:
    parts = EmailParts("Hello", f"<p>{number}</p>", str(number))
    sender = Sender("Anna", "anna@example.com")
    return Letter(new_id(), sender, f"a{number}@example.org", parts, "", clock.now())


async def test_workers_share_the_requests_of_a_second(database: Database) -> None:
    """Each takes the next turn of the team, whoever had the one before."""
    time = RealTime()
    workers = [SharedTurns(database, time) for _ in range(3)]
    waits = [await worker.take(10.0) for worker in workers for _ in range(2)]
    assert [round(wait / 10) for wait in waits] == [0, 1, 2, 3, 4, 5]
    assert round(await workers[0].take(10.0, rest_s=100.0) / 10) == 10  # what Resend asked for
    assert round(await workers[1].take(10.0) / 10) == 11  # of everybody


async def test_without_the_database_a_worker_keeps_to_the_limit_by_itself(
    database: Database,
) -> None:
    turns = SharedTurns(database, RealTime())
    async with database.transaction() as session:
        await session.execute(text("DROP TABLE pace"))
    assert [round(await turns.take(10.0) / 10) for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("settled", [0, 3])
async def test_another_worker_asks_for_the_same_requests(
    database: Database, clock: VirtualClock, settled: int
) -> None:
    async with Resend() as resend:
        resend.hold = asyncio.Event()
        client = ResendClient(resend.base, KEY)
        client.requests_a_second = 100
        journal = DatabaseJournal(database, clock)
        first = ResendTransport(client, ContentFiles(database), journal)
        letters = [letter(number, clock) for number in range(25)]
        tasks = [asyncio.create_task(first.send(one)) for one in letters[:20]]
        await resend.came.wait()
        for task in tasks:  # killed: Resend has the requests, nobody hears its answers
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        resend.hold.set()
        await first.close()
        async with database.transaction() as session:
            done = [one.delivery_id for one in letters[:settled]]
            await queries.settle_email_batches(session, done)
        other = ResendClient(resend.base, KEY)
        other.requests_a_second = 100
        second = ResendTransport(other, ContentFiles(database), DatabaseJournal(database, clock))
        mixed = letters[settled:][::-1]
        ids = await asyncio.gather(*(second.send(one) for one in mixed))
        await second.close()
        assert len(set(ids)) == len(mixed)
        assert len(resend.emails) == len(set(resend.recipients)) == 25


async def rows(database: Database, model: Any) -> int:
    async with database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(model)) or 0)


async def test_what_is_settled_is_forgotten(database: Database, clock: VirtualClock) -> None:
    journal = DatabaseJournal(database, clock)
    one, two = new_id(), new_id()
    await journal.begin("batch-1", [(one.hex, {"to": ["a"]}), (two.hex, {"to": ["b"]})])
    found = await asyncio.gather(journal.find(one.hex), journal.find(new_id().hex))
    assert found == [("batch-1", [(one.hex, {"to": ["a"]}), (two.hex, {"to": ["b"]})]), None]
    async with database.transaction() as session:
        await queries.settle_email_batches(session, [one])
    await journal.prune()
    assert await rows(database, EmailBatch) == 1
    async with database.transaction() as session:
        await queries.settle_email_batches(session, [two])
    await journal.prune()
    assert await rows(database, EmailBatch) == 0


async def test_after_a_day_a_key_is_worth_nothing(database: Database, clock: VirtualClock) -> None:
    journal, one = DatabaseJournal(database, clock), new_id()
    await journal.begin(one.hex, [(one.hex, {})])
    clock.advance(timedelta(hours=25))
    await journal.prune()
    assert await journal.find(one.hex) is None
    assert await rows(database, EmailBatchMember) == 0
