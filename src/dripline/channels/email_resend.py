"""Emails by way of Resend: one at a time while there are few, a hundred at a time when many wait.

A team has a handful of requests a second, an email may be one of a hundred in one of them. So
what comes while the next request may not leave yet goes out with it. An answer that did not come
is asked for again under the same idempotency key, with the very same bytes; only after that do the
messages go back into the queue, and a batch whose fate is not known is kept to be asked for again.
"""

import asyncio
from base64 import b64encode
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import structlog

from dripline.channels.email import Letter, ReadMedia, files_of, one_click
from dripline.clients.resend import MOST_IN_BATCH, ResendClient
from dripline.clients.resend_errors import AlreadySent, BadEmail, QuotaUsedUp
from dripline.content.email.form import content_id
from dripline.errors import ChannelDown, RateLimited, SendFailure

log = structlog.get_logger()
_REQUESTS_A_SECOND = 5.0  # until Resend says otherwise
_TRIES = 3
_BACK_OFF_S = 0.5
_LONGEST_WAIT_S = 5.0  # a longer one is the queue's to wait for
_MOST_KNOWN = 10_000
_MOST_BYTES = 4 * 1024 * 1024
TRACKING_TAG = "tracking_id"


@dataclass(slots=True)
class Waiting:
    """One email, and who waits for its id."""

    id: str
    email: dict[str, Any]
    answer: "asyncio.Future[str | None]"


@dataclass(slots=True)
class Batch:
    """Emails that go out under one idempotency key, always these and in this order."""

    emails: list[Waiting]
    key: str = field(init=False)
    maybe_taken: bool = False

    def __post_init__(self) -> None:
        ids = ",".join(one.id for one in self.emails)
        alone = len(self.emails) == 1
        self.key = ids if alone else f"batch-{sha256(ids.encode()).hexdigest()}"


class ResendTransport:
    """Hands letters to Resend; `media` reads what goes along with them."""

    def __init__(self, client: ResendClient, media: ReadMedia) -> None:
        self._client = client
        self._media = media
        self._waiting: deque[Waiting] = deque()
        self._leaving: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._next_at = 0.0
        self._unknown: OrderedDict[str, Batch] = OrderedDict()  # by the id of each of its emails
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._quota_told = False

    async def send(self, letter: Letter) -> str | None:
        """Hand a letter over; return Resend's id of it, None if it had gone out before.

        Raises a SendFailure.
        """
        message_id = letter.delivery_id.hex
        if message_id in self._known:
            return self._known.pop(message_id)
        if message_id in self._unknown:
            return await self._ask_again(message_id)
        email = await self._fields(letter)
        one = Waiting(message_id, email, asyncio.get_running_loop().create_future())
        if letter.parts.attached:  # batches take no attachments
            await self._slot()
            self._start(Batch([one]))
        else:
            self._waiting.append(one)
            if self._leaving is None or self._leaving.done():
                self._leaving = asyncio.create_task(self._leave())
        return await one.answer

    async def close(self) -> None:
        """Give back the connections; what waits for an answer is cut short."""
        tasks = [*self._running, *([self._leaving] if self._leaving else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    async def _fields(self, letter: Letter) -> dict[str, Any]:
        parts = letter.parts
        fields: dict[str, Any] = {
            "from": str(letter.sender),
            "to": [letter.recipient],
            "subject": parts.subject,
            "html": parts.html,
            "text": parts.plain,
            "tags": [{"name": TRACKING_TAG, "value": letter.delivery_id.hex}],
        }
        if headers := one_click(letter.unsubscribe):
            fields["headers"] = headers
        if parts.attached:
            files = await files_of(parts, self._media)
            fields["attachments"] = [
                {
                    "filename": one.filename,
                    "content": b64encode(files[one.sha256]).decode(),
                    "content_id": content_id(one),
                }
                for one in parts.attached
            ]
        return fields

    # Requests leave evenly; what waits for the next one leaves with it.

    async def _leave(self) -> None:
        while self._waiting:
            await self._slot()
            if batch := self._taken():
                self._start(Batch(batch))

    def _taken(self) -> list[Waiting]:
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < MOST_IN_BATCH and size < _MOST_BYTES:
            one = self._waiting.popleft()
            if not one.answer.cancelled():
                batch.append(one)
                size += len(one.email["html"]) + len(one.email["text"])
        return batch

    async def _slot(self) -> None:
        loop = asyncio.get_running_loop()
        every = 1.0 / (self._client.requests_a_second or _REQUESTS_A_SECOND)
        at = max(self._next_at, loop.time())
        self._next_at = at + every
        if at > loop.time():
            await asyncio.sleep(at - loop.time())

    def _start(self, batch: Batch) -> None:
        task = asyncio.create_task(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, batch: Batch) -> None:
        try:
            ids = await self._insist(batch)
        except BadEmail as bad:
            if len(batch.emails) == 1:
                _refuse(batch.emails, bad)
            else:
                await self._halve(batch)
        except SendFailure as failure:
            if batch.maybe_taken and len(batch.emails) > 1:
                self._keep(batch)
            _refuse(batch.emails, failure)
        except asyncio.CancelledError:
            _refuse(batch.emails, ChannelDown("we stop"))
            raise
        except Exception as error:
            log.exception("email.resend_broke")
            _refuse(batch.emails, ChannelDown(f"unexpected: {error!r}"))
        else:
            self._quota_told = False
            self._answer(batch, ids)

    async def _insist(self, batch: Batch) -> Sequence[str | None]:
        """Return the ids of a batch; what passes soon is waited for, under the same key."""
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._request(batch)
            except AlreadySent:
                return [None] * len(batch.emails)
            except QuotaUsedUp as quota:
                self._tell(quota)
                raise
            except (RateLimited, ChannelDown) as failure:
                batch.maybe_taken |= isinstance(failure, ChannelDown)
                wait = failure.after if isinstance(failure, RateLimited) else _BACK_OFF_S * attempt
                if attempt == _TRIES or wait > _LONGEST_WAIT_S:
                    raise
                self._next_at = max(self._next_at, asyncio.get_running_loop().time() + wait)
                await self._slot()
        raise ChannelDown("Resend did not answer")

    async def _request(self, batch: Batch) -> Sequence[str | None]:
        if len(batch.emails) == 1:
            return [await self._client.send(batch.emails[0].email, batch.key)]
        return await self._client.send_batch([one.email for one in batch.emails], batch.key)

    async def _halve(self, batch: Batch) -> None:
        """Send the halves of a batch that was refused for one of its emails."""
        for one in batch.emails:
            self._unknown.pop(one.id, None)
        waiting = [one for one in batch.emails if not one.answer.done()]
        middle = (len(waiting) + 1) // 2
        for half in filter(None, (waiting[:middle], waiting[middle:])):
            await self._slot()
            self._start(Batch(half))

    # A batch whose answer never came.

    def _keep(self, batch: Batch) -> None:
        for one in batch.emails:
            self._unknown[one.id] = batch
        while len(self._unknown) > _MOST_KNOWN:
            self._unknown.popitem(last=False)

    async def _ask_again(self, message_id: str) -> str | None:
        """Send the same batch once more for the first that comes again; the others join."""
        batch = self._unknown[message_id]
        mine = next(one for one in batch.emails if one.id == message_id)
        running = any(not one.answer.done() for one in batch.emails)
        mine.answer = asyncio.get_running_loop().create_future()
        if not running:
            await self._slot()
            self._start(batch)
        return await mine.answer

    def _answer(self, batch: Batch, ids: Sequence[str | None]) -> None:
        for one, provider_id in zip(batch.emails, ids, strict=True):
            was_unknown = self._unknown.pop(one.id, None) is not None
            if not one.answer.done():
                one.answer.set_result(provider_id)
            elif was_unknown:  # it will come again, and then it is known
                self._known[one.id] = provider_id
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _tell(self, quota: QuotaUsedUp) -> None:
        if not self._quota_told:
            self._quota_told = True
            log.error("email.quota_used_up", reason=quota.reason, rests_s=quota.after)


def _refuse(emails: Sequence[Waiting], failure: SendFailure) -> None:
    for one in emails:
        if not one.answer.done():
            one.answer.set_exception(failure)
