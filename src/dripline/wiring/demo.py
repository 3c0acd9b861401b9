"""`dripline demo`: the real engine, a local stand-in for Telegram, and a clock to speed up."""

import asyncio
import shutil
import tempfile
import webbrowser
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import SecretStr

from dripline.analytics.why import Line, timeline
from dripline.clock import RealClock, VirtualClock, from_us
from dripline.contacts import queries as contacts
from dripline.database import Database
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.queue import WAKE_QUEUE
from dripline.sandbox.app import create_app
from dripline.sandbox.ports import Due, WhyEntry
from dripline.sandbox.serving import serving
from dripline.sandbox.world.telegram import Telegram
from dripline.scenarios import queries as enrollments
from dripline.settings import MAIN_BOT, Settings
from dripline.wiring.engine import TELEGRAM, Engine, build
from dripline.wiring.serve import EVERYTHING, Service, stop_on_signals

TOKEN = "7000000001:sandbox-token-of-the-demo"  # noqa: S105 - of a stand-in on this machine
_COURSE = files("dripline.sandbox") / "course"
_PEOPLE = (("Anna", "en"), ("Boris", "ru"))
_ADMIN = ("Olga, admin", "en")  # whose commands make and change scenarios


class DemoClock:
    """The clock as the page moves it; whoever waits for time is woken when it moves."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.engine: Engine | None = None

    @property
    def speed(self) -> float:
        """How many sandbox seconds pass in a real one."""
        return self._clock.speed

    def now(self) -> datetime:
        """The sandbox's time."""
        return self._clock.now()

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on."""
        self._clock.set_speed(speed)
        self._wake()

    async def next_due(self) -> Due | None:
        """The next message that is due, and whose it is."""
        if self.engine is None:
            return None
        due = await next_due_us(self.engine.database)
        if due is None:
            return None
        return Due(from_us(due), await _owner(self.engine.database, due))

    async def jump_to_next(self) -> datetime | None:
        """Move to the moment when the next message is due."""
        due = await self.next_due()
        if due is None:
            return None
        self._clock.jump_to(due.at)
        self._wake()
        return due.at

    def _wake(self) -> None:
        if self.engine is not None:
            self.engine.wakes.signal(WAKE_QUEUE)


class DemoWhy:
    """Explains a contact of the page by the engine's own decisions."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    async def timeline(self, bot: str, chat_id: int, language: str) -> list[WhyEntry]:
        """Return what happened to a contact, and why."""
        engine = self.engine
        if engine is None:
            return []
        async with engine.database.reading() as session:
            address = await contacts.address_of_value(session, TELEGRAM, MAIN_BOT, str(chat_id))
            if address is None:
                return []
            library = await engine.store.current(session)
            lines = await timeline(
                session,
                address.contact_id,
                library=library,
                language=language,
                real_us=engine.real_time.now_us(),
            )
        return [_entry(line) for line in lines]


async def demo(settings: Settings, *, port: int, open_browser: bool) -> None:
    """Run the demo until SIGINT or SIGTERM; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="dripline-demo-") as folder, as_file(_COURSE) as course:
        content = shutil.copytree(course, Path(folder) / "course")  # a push marks its folder
        await run_demo(settings, Path(folder), content, port=port, open_browser=open_browser)


async def run_demo(
    settings: Settings, folder: Path, content: Path, *, port: int, open_browser: bool
) -> None:
    """Serve the sandbox on `port`, and run an engine against it over real HTTP on loopback."""
    clock = VirtualClock(RealClock().now(), speed=1.0)
    telegram = Telegram(clock.now)  # any other bot may join, with any token
    telegram.add_bot(TOKEN, "Dripline demo", "dripline_demo_bot")
    for name, language in _PEOPLE:
        telegram.add_user(name, language_code=language)
    olga = telegram.add_user(_ADMIN[0], language_code=_ADMIN[1])
    control, why = DemoClock(clock), DemoWhy()
    stopping = stop_on_signals()
    async with serving(create_app(telegram, control, why), port=port) as address:
        own = settings.model_copy(
            update={
                "database_url": f"sqlite:///{folder / 'demo.db'}",
                "telegram_bot_token": SecretStr(TOKEN),
                "telegram_api_base": address,
                "telegram_updates": "polling",
                "admin_telegram_ids": (*settings.admin_telegram_ids, olga.id),
                "host": "127.0.0.1",
                "port": 0,
            }
        )
        service = Service(own, EVERYTHING, clock, build(own, clock))
        try:
            await service.start(content)
            control.engine = why.engine = service.engine
            print(f"\n  dripline demo: {address}/sandbox/\n  Press Ctrl+C to end it.\n", flush=True)
            if open_browser:
                await asyncio.to_thread(webbrowser.open, f"{address}/sandbox/")
            await stopping.wait()
        finally:
            await service.stop()


async def _owner(database: Database, due_us: int) -> str:
    async with database.reading() as session:
        contact = await enrollments.contact_due_at(session, due_us)
    return "" if contact is None else contact.first_name or contact.username or ""


def _entry(line: Line) -> WhyEntry:
    return WhyEntry(
        line.at, line.kind, line.title, line.detail, line.scenario, line.message_id, line.due
    )
