"""Take bounces in, from a pipe, a file, an mbox or a maildir: each moves delivery and address."""

import mailbox
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.channels import email_news
from dripline.channels.bounce_messages import ARRIVAL, COMPLAINT, DELAY, LARGEST, Bounce, read
from dripline.channels.email_news import About
from dripline.contacts import bounces
from dripline.database import Database
from dripline.deliveries import queries
from dripline.errors import Invalid, NotFound

_OLDEST = timedelta(days=60)
UNKNOWN, OTHER, UNREADABLE = "unknown", "no_bounce", "unreadable"


@dataclass(slots=True)
class Taken:
    """How many messages of each kind there were, and what was wrong with the last unreadable."""

    kinds: Counter[str] = field(default_factory=Counter)
    problem: str = ""


async def take(database: Database, messages: Iterator[bytes], now: datetime) -> Taken:
    """Handle messages one by one, each in its own transaction; again changes nothing."""
    taken = Taken()
    for raw in messages:
        try:
            bounce = read(raw)
        except ValueError as error:
            taken.kinds[UNREADABLE] += 1
            taken.problem = str(error)
            continue
        if bounce is None:
            taken.kinds[OTHER] += 1
            continue
        async with database.transaction() as session:
            taken.kinds[await handle(session, bounce, now)] += 1
    return taken


async def handle(session: AsyncSession, bounce: Bounce, now: datetime) -> str:
    """Let a bounce follow; return its kind, or UNKNOWN for an email that is not ours."""
    at = _moment(bounce, now)
    named = [await queries.delivery(session, one) for one in bounce.deliveries]
    delivery = next((one for one in named if one is not None), None)
    if delivery is None:
        return await _of_nobody_known(session, bounce, at)
    about = About(delivery, delivery.recipient, at)
    if bounce.kind == COMPLAINT:
        await email_news.complained(session, about, bounce.reason)
    elif bounce.kind == DELAY:
        await email_news.delayed(session, about, bounce.reason)
    elif bounce.kind == ARRIVAL:
        await email_news.delivered(session, about)
    else:
        await email_news.bounced(session, about, bounce.kind, bounce.reason)
    return bounce.kind


async def _of_nobody_known(session: AsyncSession, bounce: Bounce, at: datetime) -> str:
    """Count a bounce that proves nothing as a soft one: anybody could have written it."""
    if bounce.kind not in {email_news.PERMANENT, email_news.TRANSIENT}:
        return UNKNOWN
    known = False
    for value in bounce.addresses:
        if await bounces.is_known(session, value):
            await bounces.soft(session, value, at, bounce.reason)
            known = True
    return email_news.TRANSIENT if known else UNKNOWN


def _moment(bounce: Bounce, now: datetime) -> datetime:
    """Return when a bounce was written, as far as that can be believed."""
    at = bounce.told_at
    return at if at is not None and now - _OLDEST <= at <= now else now


def messages_of(path: Path) -> Iterator[bytes]:
    """Yield the messages of a maildir, an mbox or a file of one message.

    Raises NotFound when nothing is there, Invalid when it cannot be read as any of them.
    """
    if not path.exists():
        raise NotFound(f"There is no {path}.")
    try:
        if path.is_dir():
            yield from _maildir(path)
        elif _begins(path, b"From "):
            yield from _mbox(path)
        else:
            with path.open("rb") as stream:
                yield stream.read(LARGEST + 1)
    except (OSError, mailbox.Error) as error:
        raise Invalid(f"{path} cannot be read: {error}.") from error


def _maildir(path: Path) -> Iterator[bytes]:
    if not (path / "cur").is_dir() or not (path / "new").is_dir():
        raise Invalid(f"{path} is no maildir: it has no folders “new” and “cur”.")
    for folder in ("new", "cur"):
        for file in sorted((path / folder).iterdir()):
            if file.is_file():
                with file.open("rb") as stream:
                    yield stream.read(LARGEST + 1)


def _mbox(path: Path) -> Iterator[bytes]:
    with closing(mailbox.mbox(path, create=False)) as box:
        for key in box.iterkeys():
            yield box.get_bytes(key)


def _begins(path: Path, mark: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(mark)) == mark
