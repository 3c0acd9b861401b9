"""Emails by way of Resend: one at a time while there are few, a hundred at a time when many wait.

A team has a handful of requests a second, an email may be one of a hundred in one of them. So
what comes while the next request may not leave yet goes out with it.

Nothing goes out twice. What leaves together is written down first, with its idempotency key; until
its messages are settled, whoever sends one of them again (we, after an answer was lost, or another
worker, after we died) sends that very request again, and Resend knows it.
"""

import asyncio
from base64 import b64encode
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

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


Answer = asyncio.Future[str | None]
Emails = Sequence[tuple[str, dict[str, Any]]]  # a delivery's id, and the fields of its email


class Journal(Protocol):
    """Remembers what left together, until it is settled."""

    async def begin(self, key: str, emails: Emails) -> None:
        """Write down what leaves under a key; it is durable when this returns."""
        ...

    async def find(self, message_id: str) -> tuple[str, Emails] | None:
        """Return the request in which a message has left before, or None."""
        ...

    async def forget(self, key: str) -> None:
        """Resend has not taken what left under a key: its messages are free again."""
        ...


class Turns(Protocol):
    """Says when the next request may leave."""

    async def take(self, every_s: float, rest_s: float = 0.0) -> float:
        """Take the next turn, `rest_s` seconds from now at the earliest; return its seconds.

        Turns are `every_s` seconds apart.
        """
        ...


class OwnTurns:
    """Turns of one process."""

    def __init__(self) -> None:
        self._next_at = 0.0

    async def take(self, every_s: float, rest_s: float = 0.0) -> float:
        """Take the next turn, `rest_s` seconds from now at the earliest; return its seconds."""
        now = asyncio.get_running_loop().time()
        at = max(self._next_at, now + rest_s)
        self._next_at = at + every_s
        return at - now


@dataclass(slots=True)
class Batch:
    """Emails that go out under one idempotency key, always these and in this order.

    `answers` are those who wait; of a batch that comes again some may not have come yet.
    """

    emails: list[tuple[str, dict[str, Any]]]
    answers: dict[str, Answer]
    key: str = ""
    again: bool = False
    maybe_taken: bool = False

    def __post_init__(self) -> None:
        if not self.key:
            ids = ",".join(one for one, _ in self.emails)
            alone = len(self.emails) == 1
            self.key = ids if alone else f"batch-{sha256(ids.encode()).hexdigest()}"


class ResendTransport:
    """Hands letters to Resend; `media` reads what goes along with them."""

    def __init__(
        self,
        client: ResendClient,
        media: ReadMedia,
        journal: Journal,
        turns: Turns | None = None,
    ) -> None:
        self._client = client
        self._turns = turns or OwnTurns()
        self._media = media
        self._journal = journal
        self._waiting: deque[tuple[str, dict[str, Any], Answer]] = deque()
        self._leaving: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._again: dict[str, Batch] = {}
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._quota_told = False

    async def send(self, letter: Letter) -> str | None:
        """Hand a letter over; return Resend's id of it, None if it had gone out before.

        Raises a SendFailure.
        """
        message_id = letter.delivery_id.hex
        if message_id in self._known:
            return self._known.pop(message_id)
        answer: Answer = asyncio.get_running_loop().create_future()
        if letter.parts.attached:  # batches take none, so it always leaves alone, under its own key
            email = await self._fields(letter)
            await self._slot()
            self._start(Batch([(message_id, email)], {message_id: answer}))
        elif left := await self._journal.find(message_id):
            await self._leave_again(message_id, answer, *left)
        else:
            self._waiting.append((message_id, await self._fields(letter), answer))
            if self._leaving is None or self._leaving.done():
                self._leaving = asyncio.create_task(self._leave())
        return await answer

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
            batch = self._taken()
            if batch.emails:
                self._start(batch)

    def _taken(self) -> Batch:
        emails: list[tuple[str, dict[str, Any]]] = []
        answers: dict[str, Answer] = {}
        size = 0
        while self._waiting and len(emails) < MOST_IN_BATCH and size < _MOST_BYTES:
            message_id, email, answer = self._waiting.popleft()
            if not answer.cancelled():
                emails.append((message_id, email))
                answers[message_id] = answer
                size += len(email["html"]) + len(email["text"])
        return Batch(emails, answers)

    async def _leave_again(self, message_id: str, answer: Answer, key: str, emails: Emails) -> None:
        """Send a request again for the first of its messages that comes; the others join."""
        batch = self._again.get(key)
        if batch is not None:
            batch.answers[message_id] = answer
            return
        batch = Batch(list(emails), {message_id: answer}, key, again=True)
        self._again[key] = batch
        await self._slot()
        self._start(batch)

    async def _slot(self, rest_s: float = 0.0) -> None:
        """Wait for our turn, which is that many seconds from now at the earliest."""
        every = 1.0 / (self._client.requests_a_second or _REQUESTS_A_SECOND)
        wait = await self._turns.take(every, rest_s)
        if wait > 0:
            await asyncio.sleep(wait)

    def _start(self, batch: Batch) -> None:
        task = asyncio.create_task(self._running_to_its_end(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, batch: Batch) -> None:
        try:
            ids = await self._insist(batch)
        except BadEmail as bad:
            self._again.pop(batch.key, None)  # who comes from now on begins anew
            await self._journal.forget(batch.key)
            if len(batch.emails) == 1:
                _refuse(batch, bad)
            else:
                await self._halve(batch)
        except SendFailure as failure:
            if not batch.maybe_taken:
                await self._journal.forget(batch.key)
            _refuse(batch, failure)
        except asyncio.CancelledError:
            _refuse(batch, ChannelDown("we stop"))
            raise
        else:
            self._quota_told = False
            self._answer(batch, ids)

    async def _running_to_its_end(self, batch: Batch) -> None:
        try:
            await self._run(batch)
        except Exception as error:
            log.exception("email.resend_broke")
            _refuse(batch, ChannelDown(f"unexpected: {error!r}"))
        finally:
            self._again.pop(batch.key, None)

    async def _insist(self, batch: Batch) -> Sequence[str | None]:
        """Return the ids of a batch; what passes soon is waited for, under the same key."""
        if not batch.again:
            await self._journal.begin(batch.key, batch.emails)
        else:
            batch.maybe_taken = True
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
                await self._slot(wait)
        raise ChannelDown("Resend did not answer")

    async def _request(self, batch: Batch) -> Sequence[str | None]:
        if len(batch.emails) == 1:
            return [await self._client.send(batch.emails[0][1], batch.key)]
        return await self._client.send_batch([email for _, email in batch.emails], batch.key)

    async def _halve(self, batch: Batch) -> None:
        """Send the halves of a batch that was refused for one of its emails."""
        waiting = [
            one
            for one in batch.emails
            if one[0] in batch.answers and not batch.answers[one[0]].done()
        ]
        middle = (len(waiting) + 1) // 2
        for half in filter(None, (waiting[:middle], waiting[middle:])):
            await self._slot()
            self._start(Batch(half, {one: batch.answers[one] for one, _ in half}))

    def _answer(self, batch: Batch, ids: Sequence[str | None]) -> None:
        for (message_id, _email), provider_id in zip(batch.emails, ids, strict=True):
            answer = batch.answers.get(message_id)
            if answer is not None and not answer.done():
                answer.set_result(provider_id)
            elif batch.again:  # it will come again, and then it is known
                self._known[message_id] = provider_id
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _tell(self, quota: QuotaUsedUp) -> None:
        if not self._quota_told:
            self._quota_told = True
            log.error("email.quota_used_up", reason=quota.reason, rests_s=quota.after)


def _refuse(batch: Batch, failure: SendFailure) -> None:
    for answer in batch.answers.values():
        if not answer.done():
            answer.set_exception(failure)
