"""Build the engine: what decides, sends and settles, whoever runs it."""

import os
import resource
import secrets
import socket
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from dripline import metrics
from dripline.analytics.duty import CountUp, Fold
from dripline.bot.admin.telling import CONSUMER as OPERATORS
from dripline.bot.admin.telling import OperatorsHear
from dripline.broadcasts.launch import Launch
from dripline.broadcasts.origin import BroadcastOrigin
from dripline.broadcasts.queries import ORIGIN as BROADCAST
from dripline.broadcasts.reactions import CONSUMER as BROADCASTS
from dripline.broadcasts.reactions import BroadcastReactions
from dripline.broadcasts.render import Renderer as BroadcastRenderer
from dripline.broadcasts.switch import WAKE as WAKE_BROADCASTS
from dripline.channels.content_files import ContentFiles
from dripline.channels.email import EmailChannel
from dripline.channels.email_journal import DatabaseJournal
from dripline.channels.telegram import OnMigrated, TelegramChannel
from dripline.clients.http1 import Http1Client
from dripline.clients.telegram import LARGEST_DOWNLOAD, TelegramClient
from dripline.clock import Clock, RealClock, RealTime, to_us
from dripline.contacts import queries as contacts
from dripline.content.store import ContentStore
from dripline.database import Database, Wakes
from dripline.database.stalled import end_stalled
from dripline.deliveries import pace, queries, queue
from dripline.deliveries.cap import Cap
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.protocols import Channel, LinkTracker, Origin
from dripline.deliveries.pump import Pump
from dripline.deliveries.rescue import RENEW_EVERY_S, Leases
from dripline.deliveries.routing import Routing
from dripline.deliveries.system import ORIGIN as SYSTEM
from dripline.deliveries.system import SystemOrigin
from dripline.deliveries.troubles import CONSUMER as TROUBLES
from dripline.deliveries.troubles import TroubleReactions
from dripline.deliveries.verification import ORIGIN as CONSENT
from dripline.engagement.attribution import CONSUMER as ATTRIBUTION
from dripline.engagement.attribution import Attribution
from dripline.engagement.fold import FoldScores
from dripline.engagement.forget import ForgetOrigins
from dripline.engagement.learn import LearnHabits
from dripline.engagement.links import Keep, Links
from dripline.engagement.queries import keep_links
from dripline.engagement.scores import FILLS as SCORES
from dripline.engagement.scores import FillScores
from dripline.events.append import WAKE_REACT
from dripline.events.inbox import WAKE_INBOX
from dripline.events.react import GATHER_S, React
from dripline.events.subscriptions import Handler
from dripline.experiments.duty import DecideExperiments
from dripline.experiments.goals import CONSUMER as EXPERIMENTS
from dripline.experiments.goals import ExperimentReactions
from dripline.lifecycle.duty import LifecycleDuty
from dripline.lifecycle.links import FILLS, Fill
from dripline.lifecycle.queries import bot_names
from dripline.lifecycle.reactions import CONSUMER as LIFECYCLE_CONSUMER
from dripline.lifecycle.reactions import LifecycleReactions
from dripline.lifecycle.send import ORIGIN as LIFECYCLE
from dripline.lifecycle.send import LifecycleOrigin
from dripline.payments.reactions import CONSUMER as PAYMENTS
from dripline.payments.reactions import PaymentReactions
from dripline.rotations.post import ORIGIN as ROTATION
from dripline.rotations.queries import note_moved
from dripline.rotations.reactions import CONSUMER as ROTATIONS
from dripline.rotations.reactions import RotationReactions
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.direct import ORIGIN as DIRECT
from dripline.scenarios.direct import DirectOrigin
from dripline.scenarios.reactions import CONSUMER, ScenarioReactions
from dripline.scenarios.render import Filler, Renderer
from dripline.scenarios.state import ORIGIN as ENROLLMENT
from dripline.settings import MAIN_BOT, Settings
from dripline.webhooks.follow import CONSUMER as WEBHOOKS
from dripline.webhooks.follow import react as react_webhooks
from dripline.webhooks.follow import refresh as refresh_webhooks
from dripline.wiring import rotations, webhooks
from dripline.wiring.consent import consent_origin
from dripline.wiring.email import EMAIL, email_channel, resend_drain
from dripline.wiring.models import import_models
from dripline.wiring.programs import ProgramsOfScenarios
from dripline.worker import Duty

TELEGRAM = "telegram"
_MEASURE_EVERY_S = 15.0
_HABITS_EVERY_S = 60.0
_LIFECYCLE_EVERY_S = 2.0
_FOLD_EVERY_S = 5.0
_COUNT_EVERY_S = 60.0
_DECIDE_EVERY_S = 30.0
_SCORES_EVERY_S = 1.0
_STALLED_EVERY_S = 5.0
_MEASURE_MOST = 10_000  # what is due beyond that is simply "many"


@dataclass(slots=True)
class Engine:
    """Everything that deciding and sending needs, built once a process."""

    settings: Settings
    database: Database
    clock: Clock
    real_time: RealTime
    wakes: Wakes
    store: ContentStore
    clients: Mapping[str, TelegramClient]
    channels: Mapping[str, Channel]
    origins: Mapping[str, Origin]
    dispatcher: Dispatcher
    worker: str
    links: Links

    def pump(self) -> Pump:
        """Return the pump that keeps messages in flight."""
        wake = self.wakes.event(queue.WAKE_QUEUE)
        pump = Pump(self.dispatcher, wake, self.settings.in_flight)
        metrics.IN_FLIGHT.set_function(lambda: pump.held)
        return pump

    def duties(self) -> list[Duty]:
        """Return the duties beside the pump."""
        react = React(self.database, reactions_of(self.store, self.settings))
        lifecycle = LifecycleDuty(self.database, self.store)
        fold, count_up = Fold(self.database), CountUp(self.database, self.store)
        launch = Launch(self.database)
        scores = FoldScores(self.database, self.store)
        habits = LearnHabits(self.database)
        experiments = DecideExperiments(self.database, self.store)
        leases = Leases(self.database, self.real_time, self.worker)
        journal = DatabaseJournal(self.database, self.clock)
        news = resend_drain(self.settings, self.database)
        return [
            *([Duty("email_journal", journal.prune, 60.0)] if EMAIL in self.channels else []),
            Duty("email_news", lambda: news.run_once(self.clock.now()), 1.0, WAKE_INBOX),
            Duty("react", lambda: react.run_once(self.clock.now()), 1.0, WAKE_REACT, GATHER_S),
            Duty("launch", lambda: launch.run_once(self.clock.now()), 1.0, WAKE_BROADCASTS),
            Duty("renew", _once(leases.renew), RENEW_EVERY_S),
            Duty("habits", _once(lambda: habits.run_once(self.clock.now())), _HABITS_EVERY_S),
            Duty("rescue", leases.rescue, 2.0),
            *self._minding_others(),
            *webhooks.duties(self.settings, self.database, self.real_time, self.clock.now),
            Duty("measure", self._measure, _MEASURE_EVERY_S),
            Duty("fold", fold.run_once, _FOLD_EVERY_S),
            Duty("count", lambda: count_up.run_once(self.clock.now()), _COUNT_EVERY_S),
            Duty("lifecycle", lambda: lifecycle.run_once(self.clock.now()), _LIFECYCLE_EVERY_S),
            *rotations.duties(
                self.database, self.store, self.settings, self.clients, self.clock.now
            ),
            *self._forgetting(),
            Duty("scores", lambda: scores.run_once(self.clock.now()), _SCORES_EVERY_S),
            Duty("experiments", lambda: experiments.run_once(self.clock.now()), _DECIDE_EVERY_S),
        ]

    def _minding_others(self) -> list[Duty]:
        """Return the duty that ends other processes' transactions that stand still, if any can."""
        if self.database.is_sqlite:
            return []
        return [Duty("stalled", _once(lambda: end_stalled(self.database)), _STALLED_EVERY_S)]

    def _forgetting(self) -> list[Duty]:
        """Return the duty that forgets where clicks came from, if that is wanted."""
        days = self.settings.track_keep_days
        if not days:
            return []
        forget = ForgetOrigins(self.database, days)
        return [Duty("forget_origins", _once(lambda: forget.run_once(self.clock.now())), 1.0)]

    async def _measure(self) -> int:
        async with self.database.reading() as session:
            due = await queries.count_due(session, to_us(self.clock.now()), _MEASURE_MOST)
        metrics.QUEUE_DUE.set(due)
        return 0

    async def prepare(self) -> None:
        """Make the pace of each bot and of email known, and our bots known to who tracks links."""
        async with self.database.transaction() as session:
            await refresh_webhooks(session)
            names = await bot_names(session)
            for username in names.values():
                self.links.own(username)
            email = self.channels.get(EMAIL)
            if isinstance(email, EmailChannel) and names:
                email.know_bot(names.get(MAIN_BOT) or next(iter(names.values())))
            for bot in self.clients:
                key = queue.pace_key(TELEGRAM, bot)
                interval = pace.interval_us(self.settings.telegram_rate)
                await queries.ensure_pace(session, key, interval)
            if EMAIL in self.channels:
                interval = pace.interval_us(self.settings.email_rate)
                await queries.ensure_pace(session, queue.pace_key(EMAIL, ""), interval)

    def ways(self) -> list[str]:
        """Return the channels by which messages can go out."""
        return [name for name in self.channels if name != TELEGRAM or self.clients]

    async def close(self) -> None:
        """Close channels and database."""
        for channel in self.channels.values():
            await channel.close()
        await self.database.close()


def open_database(settings: Settings, wakes: Wakes) -> Database:
    """Return the database of the settings, with the wakes of this process."""
    import_models()
    database = Database.from_url(settings.database_url)
    database.wakes = wakes
    return database


def build(
    settings: Settings,
    clock: Clock,
    *,
    database: Database | None = None,
    channels: Mapping[str, Channel] | None = None,
    real_time: RealTime | None = None,
) -> Engine:
    """Build an engine; nothing is opened yet. `channels` replace those of the settings."""
    allow_files(settings.in_flight)
    wakes = Wakes()
    database = database or open_database(settings, wakes)
    database.wakes = wakes
    real_time = real_time or RealTime()
    store = ContentStore(database)
    clients = telegram_clients(settings) if channels is None else {}
    links = links_of(settings, _keeper(database, clock))
    tracker = links if settings.track_links and settings.public_url else None
    if channels is None:
        channels = _channels(settings, database, clock, clients, tracker, real_time)
    routing = routing_of(settings, channels)
    origins = {
        **origins_of(store, settings.default_language, routing, settings, clock),
        ROTATION: rotations.origin(store, settings, links, settings.default_language),
    }
    worker = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
    dispatcher = Dispatcher(database, clock, real_time, origins, channels, worker, tracker)
    return Engine(
        settings,
        database,
        clock,
        real_time,
        wakes,
        store,
        clients,
        channels,
        origins,
        dispatcher,
        worker,
        links,
    )


def _channels(
    settings: Settings,
    database: Database,
    clock: Clock,
    clients: Mapping[str, TelegramClient],
    tracker: LinkTracker | None,
    real_time: RealTime,
) -> dict[str, Channel]:
    telegram = TelegramChannel(clients, ContentFiles(database), _mover(database))
    email = email_channel(settings, database, clock, tracker, real_time)
    return {TELEGRAM: telegram} if email is None else {TELEGRAM: telegram, EMAIL: email}


def links_of(settings: Settings, keep: Keep) -> Links:
    """Return what signs tracked links; without PUBLIC_URL, or switched off, it leaves them alone.

    Only where links are tracked is the key asked for: asking may make one.
    """
    url = settings.public_url if settings.track_links else None
    return Links(settings.signing_key if url else b"", url, keep=keep)


def routing_of(settings: Settings, channels: Iterable[str]) -> Routing:
    """Return what decides on ways and hours: channels that are set up, quiet hours, the cap."""
    cap = Cap(*settings.frequency_cap) if settings.frequency_cap else None
    return Routing(channels, quiet=settings.quiet_hours, cap=cap)


def origins_of(
    store: ContentStore,
    default_language: str,
    routing: Routing | None = None,
    settings: Settings | None = None,
    clock: Clock | None = None,
) -> dict[str, Origin]:
    """Return who decides about queue rows, by the name that rows carry."""
    fillers = _fillers(store, clock)
    renderer = Renderer(default_language, fillers)
    return {
        ENROLLMENT: EnrollmentOrigin(store, renderer, routing),
        DIRECT: DirectOrigin(store, renderer, routing),
        BROADCAST: BroadcastOrigin(broadcast_renderer(store, default_language, clock), routing),
        SYSTEM: SystemOrigin(),
        CONSENT: consent_origin(store, settings, default_language),
        LIFECYCLE: LifecycleOrigin(store, default_language, fillers),
    }


def broadcast_renderer(
    store: ContentStore, default_language: str, clock: Clock | None = None
) -> BroadcastRenderer:
    """Return what renders broadcasts, for a preview as for sending."""
    return BroadcastRenderer(default_language, _fillers(store, clock))


def _fillers(store: ContentStore, clock: Clock | None) -> dict[frozenset[str], Filler]:
    """Return who fills which variables of `user`."""
    return {FILLS: Fill(store), SCORES: FillScores(clock or RealClock(), store)}


def reactions_of(store: ContentStore, settings: Settings | None = None) -> dict[str, Handler]:
    """Return who reacts to events, by the name of the consumer."""
    operators = settings.admin_telegram_ids if settings else ()
    language = settings.default_language if settings else "en"
    return {
        ATTRIBUTION: Attribution(timedelta(days=settings.attribution_days if settings else 30)),
        PAYMENTS: PaymentReactions(operators, language),
        CONSUMER: ScenarioReactions(store),
        EXPERIMENTS: ExperimentReactions(store),
        BROADCASTS: BroadcastReactions(),
        ROTATIONS: RotationReactions(operators, language),
        LIFECYCLE_CONSUMER: LifecycleReactions(store, ProgramsOfScenarios(store)),
        TROUBLES: TroubleReactions(operators, language),
        WEBHOOKS: react_webhooks,
        OPERATORS: OperatorsHear(settings.bots if settings else (), operators),
    }


def telegram_clients(settings: Settings) -> dict[str, TelegramClient]:
    """Return a client for each bot; they share connections."""
    if not settings.bots:
        return {}
    # Beside messages in flight there are polls, uploads and answers to buttons.
    http = Http1Client(
        settings.telegram_api_base,
        max_connections=settings.in_flight + 100,
        max_answer=LARGEST_DOWNLOAD + 1024,
    )
    return {
        name: TelegramClient(settings.telegram_api_base, token.get_secret_value(), http=http)
        for name, token in settings.bots.items()
    }


def allow_files(in_flight: int) -> None:
    """Raise the process's own limit on open files: each message in flight holds a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = in_flight * 2 + 1024
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _mover(database: Database) -> OnMigrated:
    async def moved(address_id: uuid.UUID, value: str) -> None:
        async with database.transaction() as session:
            await contacts.change_value(session, address_id, value)
            await note_moved(session, address_id, value)

    return moved


def _keeper(database: Database, clock: Clock) -> Keep:
    """Return what stores the urls that are too long for a token."""

    async def keep(urls: Mapping[uuid.UUID, str]) -> None:
        async with database.transaction() as session:
            await keep_links(session, urls, clock.now())

    return keep


def _once(call: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
    """Let a duty rest after each run: it never has more to do at once."""

    async def run() -> int:
        await call()
        return 0

    return run
