"""`python -m dripline.sandbox --port 8081`: the Bot API and the page alone, for any bot."""

from __future__ import annotations

import argparse
import asyncio
import signal

from dripline.sandbox.alone import LoneClock
from dripline.sandbox.app import SandboxApp, create_app
from dripline.sandbox.serving import serving
from dripline.sandbox.world.telegram import Telegram


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dripline.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8081, help="port to listen on")
    parser.add_argument("--token", action="append", help="accept only this token; may be repeated")
    parser.add_argument("--no-limits", action="store_true", help="switch the rate limits off")
    parser.add_argument("--contact", action="append", default=[], help="add a contact of this name")
    return parser.parse_args()


def _app(arguments: argparse.Namespace) -> SandboxApp:
    clock = LoneClock()
    telegram = Telegram(clock.now, known_tokens=arguments.token)
    for token in arguments.token or ():
        telegram.add_bot(token)
    for name in arguments.contact or ["Anna"]:
        telegram.add_user(name)
    return create_app(telegram, clock, None, limits=not arguments.no_limits)


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(_app(arguments), host=arguments.host, port=arguments.port) as url:
        print(f"Sandbox: {url}/sandbox/   Bot API: {url}")
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_run(_arguments()))
