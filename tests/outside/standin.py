"""A stand-in for Telegram's Bot API, made for tests and independent of the product's sandbox.

    with StandIn(folder) as telegram:
        telegram.says(1, "/start")                # an update of user 1
        telegram.rule = lambda call: refuse(500)  # how requests fare; None: they are answered
        telegram.wait_for(lambda: telegram.texts(1) == ["hello"])

It runs in a thread of its own. Every request is written to a file before it is answered, so what
was asked for is known whatever dies. Updates go to whoever polls, or to the webhook that was set;
they are given again until they are confirmed.
"""

import asyncio
import itertools
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from outside.http import HttpRequest, Upload, answer, post, read_request

TOKEN = "7000000001:AAH-outside-of-everything-0123456789"
_SENDING = frozenset({"text", "photo", "video", "document", "voice", "media"})
_TERMINATED = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
_RETRY_S = 0.1
_AT_ONCE = 40  # as the real one's default for a webhook


@dataclass
class Call:
    """One request: what was asked, when, and what became of it. Times by `time.monotonic`."""

    number: int
    bot: str
    method: str
    fields: dict[str, Any]
    files: dict[str, Upload]
    at: float
    answered_at: float | None = None
    ok: bool = False
    message_ids: list[int] = field(default_factory=list)

    @property
    def chat(self) -> int:
        """Whom it was for; 0 for nobody."""
        return int(self.fields.get("chat_id", 0))

    @property
    def text(self) -> str:
        """The text or the caption."""
        media = self.fields.get("media")
        first = media[0].get("caption") if isinstance(media, list) and media else None
        return str(self.fields.get("text") or self.fields.get("caption") or first or "")

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The inline buttons, in order."""
        markup = self.fields.get("reply_markup") or {}
        return [button for row in markup.get("inline_keyboard", []) for button in row]

    @property
    def sends(self) -> bool:
        """Whether it brings a message to a chat."""
        return self.method.startswith("send") and bool(_SENDING & {*self.fields, *self.files})


@dataclass(frozen=True)
class Fate:
    """What becomes of a request instead of an answer; all None: the connection is dropped."""

    raw: bytes | None = None
    hang_s: float | None = None
    after_s: float = 0.0


def refuse(code: int, description: str = "Internal Server Error", **parameters: Any) -> Fate:
    """Answer as the Bot API refuses."""
    said: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        said["parameters"] = parameters
    return Fate(answer(code, json.dumps(said).encode()))


def blocked() -> Fate:
    """Answer as for a user who blocked the bot."""
    return refuse(403, "Forbidden: bot was blocked by the user")


GARBAGE = Fate(answer(200, b"<html>not what you think</html>", "text/html"))
HALF = Fate(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
DROPPED = Fate()
HANG = Fate(hang_s=600.0)

Rule = Callable[[Call], Fate | None]


class Bot:
    """One bot's updates and webhook."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.updates: list[dict[str, Any]] = []
        self.webhook: dict[str, Any] | None = None
        self.poll: asyncio.Event | None = None
        self.conflict = False
        self.news = asyncio.Event()
        self.delivered: list[tuple[int, int]] = []  # update id, status (0: no answer)


class StandIn:
    """See the module. `latency_s` is how long each answer takes, or a function that says so."""

    def __init__(self, folder: Path, tokens: Iterable[str] = (TOKEN,)) -> None:
        self.rule: Rule | None = None
        self.latency_s: float | Callable[[], float] = 0.0
        self.duplicates = 0.0  # the share of webhook deliveries that are made twice
        self.calls: list[Call] = []
        self.reached: dict[int, set[str]] = defaultdict(set)  # texts that were answered, by chat
        self.bots = {token: Bot(token) for token in tokens}
        self._record = (folder / "requests.jsonl").open("a")
        self._numbers = itertools.count(1)
        self._message_ids = itertools.count(1001)
        self._update_ids = itertools.count(random.randrange(10**6, 10**8))
        self._changed = threading.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="standin", daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        started = threading.Event()
        self._loop.call_soon(lambda: self._keep(self._serve(started)))
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._record.close()

    # What a test asks and does, from its own thread.

    def says(self, user: int, text: str, *, token: str = TOKEN, **person: Any) -> int:
        """A user writes to the bot; return the update's id."""
        message = {
            "message_id": next(self._message_ids),
            "date": int(time.time()),
            "chat": {"id": user, "type": "private", "first_name": f"c{user}"},
            "from": _person(user, **person),
            "text": text,
        }
        if text.startswith("/"):
            length = len(text.split(" ")[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return self.update({"message": message}, token)

    def presses(self, user: int, data: str, *, token: str = TOKEN, **person: Any) -> int:
        """A user presses an inline button; return the update's id."""
        message = {
            "message_id": 1,
            "date": int(time.time()),
            "chat": {"id": user, "type": "private"},
            "text": "…",
        }
        query = {
            "id": f"{user}{next(self._numbers)}",
            "from": _person(user, **person),
            "message": message,
            "chat_instance": "1",
            "data": data,
        }
        return self.update({"callback_query": query}, token)

    def blocks(self, user: int, *, back: bool = False, token: str = TOKEN) -> int:
        """A user blocks the bot, or lets it in again; return the update's id."""
        old, new = ("kicked", "member") if back else ("member", "kicked")
        bot = {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": "Bot"}
        change = {
            "chat": {"id": user, "type": "private"},
            "from": _person(user),
            "date": int(time.time()),
            "old_chat_member": {"user": bot, "status": old},
            "new_chat_member": {"user": bot, "status": new, "until_date": 0},
        }
        return self.update({"my_chat_member": change}, token)

    def update(self, update: dict[str, Any], token: str = TOKEN) -> int:
        """Give the bot an update; return its id."""
        number = next(self._update_ids)
        bot = self.bots[token]

        def put() -> None:
            bot.updates.append({"update_id": number, **update})
            bot.news.set()

        self._loop.call_soon_threadsafe(put)
        return number

    def give_again(self, update_id: int, token: str = TOKEN, times: int = 1) -> None:
        """Deliver an update to the webhook once more, as Telegram may."""
        bot = self.bots[token]
        known = {update["update_id"]: update for update in self._given}
        for _ in range(times):
            self._loop.call_soon_threadsafe(
                lambda: self._keep(self._deliver(bot, known[update_id]))
            )

    def sent(self, user: int | None = None, *, answered: bool = False) -> list[Call]:
        """Return the requests that bring messages, in order, of one user or of all."""
        return [
            call
            for call in tuple(self.calls)
            if call.sends and (user is None or call.chat == user) and (call.ok or not answered)
        ]

    def texts(self, user: int) -> list[str]:
        """Return the texts a user was sent; an album without one is left out."""
        return [call.text for call in self.sent(user) if call.text]

    def of_method(self, method: str) -> list[Call]:
        """Return the requests of one method."""
        return [call for call in tuple(self.calls) if call.method == method]

    def wait_for(
        self, condition: Callable[[], bool], seconds: float = 60.0, what: str = ""
    ) -> None:
        """Wait until a condition holds; it is looked at after each request, and now and then.

        Raises AssertionError when it does not come to hold.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                assert left > 0, f"not within {seconds:g} s: {what or condition}"
                self._changed.wait(min(left, 0.05))

    # The server, in its own thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            pending = asyncio.all_tasks(self._loop)
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            self._server.close()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _keep(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, started: threading.Event) -> None:
        self._given: list[dict[str, Any]] = []
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]
        for bot in self.bots.values():
            self._keep(self._push(bot))
        started.set()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader)) is not None:
                said = await self._answer(request, reader)
                if said is None:
                    break
                writer.write(said)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: HttpRequest, reader: asyncio.StreamReader) -> bytes | None:
        _, _, rest = request.path.partition("/bot")
        token, _, method = rest.partition("/")
        call = Call(
            next(self._numbers), token, method, request.fields, request.files, time.monotonic()
        )
        self._note(call)
        bot = self.bots.get(token)
        if bot is None:
            return refuse(401, "Unauthorized").raw
        if method == "getUpdates":
            return await self._updates(bot, call, reader)
        fate = self.rule(call) if self.rule else None
        latency = self.latency_s() if callable(self.latency_s) else self.latency_s
        if latency:
            await asyncio.sleep(latency)
        if fate is not None:
            await asyncio.sleep(fate.hang_s or fate.after_s)
            return fate.raw
        said = _ok(self._result(bot, call))
        call.answered_at, call.ok = time.monotonic(), True
        if call.sends:
            self.reached[call.chat].add(call.text)
        self._tell()
        return said

    def _note(self, call: Call) -> None:
        kept = [call.number, call.at, call.bot[:10], call.method, call.fields, list(call.files)]
        self._record.write(json.dumps(kept) + "\n")
        self._record.flush()
        self.calls.append(call)
        self._tell()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _result(self, bot: Bot, call: Call) -> Any:
        match call.method:
            case "getMe":
                number = int(bot.token.partition(":")[0])
                return {"id": number, "is_bot": True, "first_name": "Bot", "username": "out_bot"}
            case "setWebhook":
                bot.webhook = call.fields if call.fields.get("url") else None
                bot.news.set()
            case "deleteWebhook":
                bot.webhook = None
            case "getWebhookInfo":
                return {"url": (bot.webhook or {}).get("url", ""), "pending_update_count": 0}
            case "sendMediaGroup":
                return [self._message(call) for _ in call.fields["media"]]
            case _ if call.sends:
                return self._message(call)
        return True

    def _message(self, call: Call) -> dict[str, Any]:
        number = next(self._message_ids)
        call.message_ids.append(number)
        chat = {"id": call.chat, "type": "private" if call.chat > 0 else "supergroup"}
        message: dict[str, Any] = {"message_id": number, "date": int(time.time()), "chat": chat}
        file_id = {"file_id": f"file-{number}", "file_unique_id": f"u{number}", "file_size": 1}
        for kind in ("video", "document", "voice"):
            if kind in call.fields or kind in call.files:
                return message | {kind: file_id | {"duration": 1}}
        if call.method in {"sendPhoto", "sendMediaGroup"}:
            return message | {"photo": [file_id | {"width": 90, "height": 90}]}
        return message | {"text": call.text}

    async def _updates(self, bot: Bot, call: Call, reader: asyncio.StreamReader) -> bytes | None:
        fate = self.rule(call) if self.rule else None
        if fate is not None:
            await asyncio.sleep(fate.hang_s or fate.after_s)
            return fate.raw
        if bot.webhook is not None:
            said = "Conflict: can't use getUpdates method while webhook is active"
            return refuse(409, said).raw
        if bot.poll is not None:
            bot.conflict = True
            bot.poll.set()
        mine = bot.poll = asyncio.Event()
        offset = int(call.fields.get("offset", 0))
        bot.updates = [update for update in bot.updates if update["update_id"] >= offset]
        try:
            terminated = await self._wait_for_news(bot, mine, call, reader)
        finally:
            if bot.poll is mine:
                bot.poll = None
        if terminated:
            return refuse(409, _TERMINATED).raw
        return _ok(bot.updates[: int(call.fields.get("limit", 100))])

    async def _wait_for_news(
        self, bot: Bot, mine: asyncio.Event, call: Call, reader: asyncio.StreamReader
    ) -> bool:
        """Wait for updates, a time-out, a second poller or a dead one; True for a second poller."""
        until = time.monotonic() + float(call.fields.get("timeout", 0))
        while not bot.updates and time.monotonic() < until and not reader.at_eof():
            bot.news.clear()
            waits = [asyncio.ensure_future(bot.news.wait()), asyncio.ensure_future(mine.wait())]
            await asyncio.wait(waits, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if mine.is_set():
                return True
        return False

    async def _push(self, bot: Bot) -> None:
        """Deliver updates to the webhook, each until it is taken; each person's in order."""
        while True:
            if bot.webhook is None or not bot.updates:
                bot.news.clear()
                try:
                    await asyncio.wait_for(bot.news.wait(), 0.2)
                except TimeoutError:
                    continue
                continue
            firsts = {_from(update): update for update in reversed(bot.updates)}
            batch = list(firsts.values())[:_AT_ONCE]
            taken = await asyncio.gather(*(self._deliver_once(bot, one) for one in batch))
            if not all(taken):
                await asyncio.sleep(_RETRY_S)

    async def _deliver_once(self, bot: Bot, update: dict[str, Any]) -> bool:
        """Deliver an update, now and then twice; return whether it was taken."""
        if not await self._deliver(bot, update):
            return False
        bot.updates.remove(update)
        self._given.append(update)
        if random.random() < self.duplicates:
            self._keep(self._deliver(bot, update))
        return True

    async def _deliver(self, bot: Bot, update: dict[str, Any]) -> bool:
        webhook = bot.webhook or {}
        headers = {"X-Telegram-Bot-Api-Secret-Token": str(webhook.get("secret_token", ""))}
        try:
            status, _ = await post(str(webhook["url"]), json.dumps(update).encode(), headers)
        except (OSError, KeyError):
            status = 0
        bot.delivered.append((update["update_id"], status))
        self._tell()
        return 200 <= status < 300


def _from(update: dict[str, Any]) -> object:
    """Return whose update it is."""
    people = (part.get("from") for part in update.values() if isinstance(part, dict))
    return next((person["id"] for person in people if person), update["update_id"])


def _person(user: int, **more: Any) -> dict[str, Any]:
    person = {"id": user, "is_bot": False, "first_name": f"c{user}", "language_code": "en"}
    return person | more


def _ok(result: Any) -> bytes:
    return answer(200, json.dumps({"ok": True, "result": result}).encode())
