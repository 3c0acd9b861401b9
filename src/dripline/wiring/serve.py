"""Run the product: everything in one process, or its parts on many machines.

web       health, metrics, webhooks in         (stores what comes, answers)
worker    the pump, the duties, the drain      (decides and sends)
bot       long polling of each bot             (stores what comes)
"""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from dripline.api.late import Late
from dripline.api.ports import Check
from dripline.api.probe import Probe
from dripline.bot.admin.errands import WAKE_JOBS
from dripline.bot.admin.jobs import AdminJobs, ExpireWizards
from dripline.bot.answers import TelegramAnswers
from dripline.bot.commands import EVERY_S as COMMANDS_EVERY_S
from dripline.bot.commands import Commands
from dripline.bot.drain import Drain
from dripline.bot.polling import Poller
from dripline.bot.webhook import Registration
from dripline.clock import Clock, RealClock
from dripline.content.links import button_link
from dripline.database import Database, listen
from dripline.database.upgrade import prepare
from dripline.deliveries import queries as deliveries
from dripline.deliveries.rescue import take_over_all
from dripline.engagement.codes import Codes
from dripline.errors import ChannelRefused, Conflict, Invalid, SendFailure
from dripline.events import queries as events
from dripline.events.inbox import WAKE_INBOX
from dripline.lifecycle import queries as lifecycle
from dripline.lifecycle.referral_queries import prune_traces
from dripline.operators import key_queries as keys
from dripline.settings import Settings
from dripline.wiring.consent import mail_of
from dripline.wiring.content import follow, push_folder
from dripline.wiring.engine import Engine, broadcast_renderer, build
from dripline.wiring.lock import SoleWorker
from dripline.wiring.rotations import rotations
from dripline.wiring.stopping import stop_on_signals, unless_stopped
from dripline.wiring.web import WebServer
from dripline.wiring.webhooks import names_duty
from dripline.wiring.webhooks import prune as prune_webhooks
from dripline.worker import Duty, Worker

log = structlog.get_logger()
EVERYTHING = frozenset({"web", "worker", "bot"})
_SILENT_WORKER_S = 30
_GREETING_S = 5.0
_KEEP_INBOX = timedelta(days=3)
_KEEP_ANSWERS = timedelta(days=1)  # under an idempotency key


class Service:
    """One process of the product: started, then stopped without dropping anything."""

    def __init__(
        self, settings: Settings, parts: frozenset[str], clock: Clock, engine: Engine | None = None
    ) -> None:
        self.settings = settings
        self.parts = parts
        self.engine = engine or build(settings, clock)
        self._lock = SoleWorker(self.engine.database)
        self._answers = TelegramAnswers(self.engine.clients)
        self._worker = Worker(self.engine.wakes, [])
        self._unlisten: Callable[[], Awaitable[None]] | None = None
        self._web: WebServer | None = None
        self._finish: Callable[[], Awaitable[None]] | None = None
        self._ready = False

    async def start(self, content_dir: Path | None = None, *, force: bool = False) -> None:
        """Check everything that can be checked, then start.

        Raises Invalid, Conflict or NotFound with a sentence that says what to do.
        """
        database = self.engine.database
        if database.is_sqlite and self.parts != EVERYTHING:
            raise Conflict(
                "On SQLite everything runs in one process: use `dripline run`. For parts on their "
                "own set DATABASE_URL=postgresql://…",
                code="NEEDS_POSTGRESQL",
            )
        if "worker" in self.parts and not (self.settings.bots or self.settings.has_email):
            raise Invalid(
                "A worker without TELEGRAM_BOT_TOKEN would stop the bot for all others. Give it "
                "the settings of the other parts (for email alone SMTP_URL or RESEND_API_KEY).",
                code="NO_CHANNEL",
            )
        alone = self._lock.acquire()
        await prepare(database)
        # What signs links may ask for its key here, and the key is kept beside the database.
        pump = self.engine.pump() if "worker" in self.parts else None
        self._worker = Worker(self.engine.wakes, self._duties(), pump)
        if alone:
            await take_over_all(database)
        if content_dir is not None:
            await push_folder(self.engine, content_dir, force=force)
        if self.parts != {"web"}:
            await _introduce(self.engine)
        await self.engine.prepare()
        self._unlisten = await listen(database, self.engine.wakes)
        await self._start_web()
        await self._worker.start()
        self._ready = True
        _warn_of(self.settings)
        log.info(
            "dripline.ready",
            parts=sorted(self.parts),
            bots=sorted(self.engine.clients),
            channels=self.engine.ways(),
            address=self._web.address if self._web else None,
        )

    async def stop(self) -> None:
        """Take nothing more in, finish what is in flight, give back the rest."""
        # Side by side: a slow client and an API that hangs would take too long one after the other.
        await asyncio.gather(*(part.stop() for part in (self._web, self._worker) if part))
        if self._finish is not None:
            await self._finish()
        await self._answers.close()
        if self._unlisten is not None:
            with suppress(Exception):
                await self._unlisten()
        await self.engine.close()
        self._lock.release()
        if self._ready:
            log.info("dripline.stopped")

    @property
    def address(self) -> str | None:
        """Where the web part listens."""
        return self._web.address if self._web else None

    def _duties(self) -> list[Duty]:
        engine, duties = self.engine, [names_duty(self.engine.database)]
        if "worker" in self.parts:
            drain = Drain(
                engine.database,
                engine.store,
                list(engine.clients),
                self._answers,
                self.settings.admin_telegram_ids,
                mail_of(self.settings, engine.channels),
                Codes(self.settings.signing_key),
                rotations(self.settings),
                self.settings.default_currency,
            )
            duties += engine.duties()
            duties.append(
                Duty("drain", lambda: drain.run_once(engine.clock.now()), 1.0, WAKE_INBOX)
            )
            duties += _admin_duties(engine)
            duties.append(Duty("prune", lambda: _prune(engine), 3600.0))
        if "bot" in self.parts:
            duties += _updates(engine)
        return duties

    async def _start_web(self) -> None:
        settings = self.settings
        server = WebServer(await self._application(), settings.host, settings.port)
        try:
            await server.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Invalid(
                    f"Cannot listen there: {error.strerror}. Check HOST and PORT.", code="NO_PLACE"
                ) from None
            if "web" in self.parts:
                raise
            # Several workers of one machine: only one of them can have the port, and none needs it.
            log.warning("health.not_served", reason=f"port {settings.port} is in use")
            return
        self._web = server

    async def _application(self) -> Any:
        """Return what is served: everything by a web part, health and metrics by the others.

        One that is there for the web, or is about to be called by Telegram, has everything ready.
        """
        checks = {"database": lambda: _schema(self.engine.database)}
        if "worker" in self.parts:
            checks["worker"] = lambda: _heartbeat(self.engine)
        if "web" not in self.parts:
            return Probe(checks)
        from dripline.wiring.tracking import WebTracking

        late = Late(Probe(checks), _load_web, lambda: _whole(self.engine, checks))
        if self.parts != EVERYTHING or self.settings.telegram_updates == "webhook":
            await late.made()
        tracking = WebTracking(self.settings, self.engine.database, self.engine.clock)
        self._worker.add(tracking.duty())
        self._finish = tracking.finish
        return tracking.around(late)


def _load_web() -> None:
    """Import the framework and the models of every endpoint: half a second and more."""
    import dripline.api.app
    import dripline.wiring.routers  # noqa: F401


def _whole(engine: Engine, checks: Mapping[str, Check]) -> Any:
    from dripline.api.app import create_app
    from dripline.wiring.routers import backend_of, routers_of

    return create_app(checks, routers_of(engine), backend=backend_of(engine))


async def serve(
    settings: Settings,
    *,
    parts: frozenset[str] = EVERYTHING,
    content_dir: Path | None = None,
    watch: bool = False,
    force: bool = False,
) -> None:
    """Run parts of the product until it is asked to stop; see `stopping`."""
    if "bot" in parts and not settings.bots:
        raise Invalid(
            "TELEGRAM_BOT_TOKEN is not set. Get a token from @BotFather, or try `dripline demo`, "
            "which needs none.",
            code="NO_BOT",
        )
    service = Service(settings, parts, RealClock())
    stopping = stop_on_signals()
    try:
        await unless_stopped(stopping, service.start(content_dir, force=force))
        watching = None
        if watch and content_dir is not None:
            watching = asyncio.create_task(follow(service.engine, content_dir, force=force))
        await stopping.wait()
        if watching is not None:
            watching.cancel()
    finally:
        await service.stop()


async def _introduce(engine: Engine) -> None:
    """Ask each bot who it is: a wrong token is told now, not by messages that fail."""
    asked = (client.call("getMe", timeout=_GREETING_S) for client in engine.clients.values())
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for bot, me in zip(engine.clients, answers, strict=True):
        variable = "TELEGRAM_BOT_TOKEN" + ("" if bot == "main" else f"_{bot.upper()}")
        if isinstance(me, ChannelRefused):
            raise Invalid(
                f"Telegram refuses {variable}. Copy the token again from @BotFather.",
                code="INVALID_TOKEN",
            )
        if isinstance(me, SendFailure):
            log.warning("bot.not_answering", bot=bot, reason=me.reason)
            continue
        if isinstance(me, BaseException):
            raise me
        username = me.get("username") if isinstance(me, dict) else None
        log.info("bot.known", bot=bot, username=username)
        if username:
            engine.links.own(str(username))
            async with engine.database.transaction() as session:
                await lifecycle.remember_bot(session, bot, str(username)[:64])


def _admin_duties(engine: Engine) -> list[Duty]:
    """Return what admins' conversations need beside the drain."""
    renderer = broadcast_renderer(engine.store, engine.settings.default_language)
    jobs = AdminJobs(
        engine.database, engine.clients, engine.store, renderer, engine.settings.telegram_rate
    )
    expire = ExpireWizards(engine.database)
    return [
        Duty("admin_jobs", lambda: jobs.run_once(engine.clock.now()), 1.0, WAKE_JOBS),
        Duty("admin_silence", lambda: expire.run_once(engine.clock.now()), 5.0),
    ]


def _updates(engine: Engine) -> list[Duty]:
    """Return what brings updates in: a poll for each bot, or webhooks to be registered."""
    settings = engine.settings
    commands = Commands(
        engine.database,
        engine.store,
        engine.clients,
        settings.admin_telegram_ids,
        has_email=mail_of(settings, engine.channels).is_set_up,
    )
    duties = [Duty("commands", commands.run_once, COMMANDS_EVERY_S)]
    if settings.telegram_updates == "polling":
        return duties + [_polling(engine, bot) for bot in engine.clients]
    if settings.public_url is None:
        raise Invalid(
            "TELEGRAM_UPDATES=webhook needs PUBLIC_URL, the https address under which Telegram "
            "reaches this machine.",
            code="NO_PUBLIC_URL",
        )
    registration = Registration(engine.clients, settings.public_url, settings.signing_key)
    return [*duties, Duty("webhook", registration.run_once, 30.0)]


def _warn_of(settings: Settings) -> None:
    """Say what works and had better be otherwise."""
    if settings.public_url is not None and button_link(settings.public_url) is None:
        log.warning(
            "public_url.not_in_chats",
            reason=f"Telegram takes no links to {settings.public_url}: in chats links are not "
            "tracked. Its host needs a dot; on one machine 127.0.0.1 does in place of localhost.",
        )
    if settings.has_weak_key:
        log.warning(
            "secret_key.weak",
            reason="SECRET_KEY is short enough to be guessed, and who guesses it can sign links. "
            "Take 16 characters or more, such as `openssl rand -hex 32` makes; links that were "
            "sent until then are void.",
        )


def _polling(engine: Engine, bot: str) -> Duty:
    poller = Poller(engine.database, bot, engine.clients[bot])

    async def poll() -> int:
        # A long poll waits by itself, so there is no rest between two of them.
        await poller.run_once(engine.clock.now())
        return 1

    return Duty(f"poll_{bot}", poll, 0.0)


async def _prune(engine: Engine) -> int:
    async with engine.database.transaction() as session:
        await events.prune_inbox(session, engine.clock.now() - _KEEP_INBOX)
        await keys.prune_answers(session, engine.clock.now() - _KEEP_ANSWERS)
        if days := engine.settings.track_keep_days:
            await prune_traces(session, engine.clock.now() - timedelta(days=days))
    await prune_webhooks(engine.database, engine.clock.now())
    return 0


async def _schema(database: Database) -> str | None:
    from dripline.database.upgrade import check

    schema = await check(database)
    return None if schema.is_current else "the schema is not current: run `dripline db upgrade`"


async def _heartbeat(engine: Engine) -> str | None:
    async with engine.database.reading() as session:
        seen = await deliveries.latest_heartbeat(session)
    if seen is None or engine.real_time.now_us() - seen > _SILENT_WORKER_S * 1_000_000:
        return f"no worker has been seen for {_SILENT_WORKER_S} s"
    return None
