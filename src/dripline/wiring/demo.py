"""`dripline demo`: the real engine, local stand-ins for Telegram and for a mail server, and a clock
to speed up.
"""

import asyncio
import shutil
import socket
import tempfile
import webbrowser
from contextlib import AsyncExitStack
from importlib.resources import as_file, files
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from pydantic import SecretStr

from dripline.analytics.why import Line, timeline
from dripline.clock import RealClock, VirtualClock
from dripline.contacts import queries as contacts
from dripline.sandbox.app import create_app
from dripline.sandbox.mailserver import taking_mail
from dripline.sandbox.ports import WhyEntry
from dripline.sandbox.serving import serving
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.telegram import Telegram
from dripline.settings import MAIN_BOT, Settings
from dripline.wiring.demo_clock import DemoClock
from dripline.wiring.engine import TELEGRAM, Engine, build
from dripline.wiring.serve import EVERYTHING, Service
from dripline.wiring.stopping import stop_on_signals, unless_stopped

TOKEN = "7000000001:sandbox-token-of-the-demo"  # noqa: S105 - of a stand-in on this machine
_COURSE = files("dripline.sandbox") / "course"
_PEOPLE = (("Anna", "en", "anna@example.com"), ("Boris", "ru", "boris@example.com"))
_ADMIN = ("Olga, admin", "en", "olga@example.com")  # whose commands make and change scenarios
_CHANNEL = "The Light Club, every day"
_SENDER = "The Light Club <hello@lightclub.example>"


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
                now=engine.clock.now(),
                real_us=engine.real_time.now_us(),
            )
        return [_entry(line) for line in lines]


class DemoOneClick:
    """Unsubscribes as mail programs do; only at the engine's own address, `base`."""

    def __init__(self) -> None:
        self.base = ""

    async def __call__(self, url: str) -> int:
        """Post to the address of an email's List-Unsubscribe; return the status."""
        if not self.base or not url.startswith(f"{self.base}/"):
            return 403
        return await asyncio.to_thread(_post_one_click, url)


def _post_one_click(url: str) -> int:
    request = Request(url, b"List-Unsubscribe=One-Click", method="POST")  # noqa: S310 - see above
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 502


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def demo(
    settings: Settings, *, port: int, open_browser: bool, content: Path | None = None
) -> None:
    """Play `content`, or the sample course, until SIGINT or SIGTERM; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="dripline-demo-") as folder, as_file(_COURSE) as course:
        # A push marks its folder, so it gets a copy.
        own = shutil.copytree(content or course, Path(folder) / "course")
        await run_demo(settings, Path(folder), own, port=port, open_browser=open_browser)


async def run_demo(
    settings: Settings, folder: Path, content: Path, *, port: int, open_browser: bool
) -> None:
    """Serve the sandbox on `port`, and run an engine against it over real HTTP on loopback."""
    clock = VirtualClock(RealClock().now(), speed=1.0)
    telegram = Telegram(clock.now)  # any other bot may join, with any token
    bot = telegram.add_bot(TOKEN, "Dripline demo", "dripline_demo_bot")
    people = [
        telegram.add_user(name, language_code=language, email=email)
        for name, language, email in (*_PEOPLE, _ADMIN)
    ]
    olga = people[-1]
    channel = telegram.add_group(
        _CHANNEL, Kind.CHANNEL, owner=olga, members=people[:-1], administrators=[bot.user]
    )
    control, why, one_click = DemoClock(clock, telegram), DemoWhy(), DemoOneClick()
    stopping = stop_on_signals()
    app = create_app(telegram, control, why, one_click=one_click)
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(app, port=port))
        mail = await stack.enter_async_context(taking_mail(telegram.post))
        web_port = _free_port()
        one_click.base = f"http://127.0.0.1:{web_port}"
        own = settings.changed(
            database_url=f"sqlite:///{folder / 'demo.db'}",
            telegram_bot_token=SecretStr(TOKEN),
            telegram_api_base=address,
            telegram_updates="polling",
            promo_chat_ids=(str(channel.id),),
            admin_telegram_ids=(*settings.admin_telegram_ids, olga.id),
            smtp_url=SecretStr(mail),
            resend_api_key=None,
            from_email=_SENDER,
            host="127.0.0.1",
            port=web_port,
            public_url=one_click.base,
        )
        service = Service(own, EVERYTHING, clock, build(own, clock))
        try:
            await unless_stopped(stopping, service.start(content))
            if stopping.is_set():
                return
            control.engine = why.engine = service.engine
            print(f"\n  dripline demo: {address}/sandbox/\n  Press Ctrl+C to end it.\n", flush=True)
            if open_browser:
                await asyncio.to_thread(webbrowser.open, f"{address}/sandbox/")
            await stopping.wait()
        finally:
            await service.stop()


def _entry(line: Line) -> WhyEntry:
    return WhyEntry(
        line.at, line.kind, line.title, line.detail, line.scenario, line.message_id, line.due
    )
