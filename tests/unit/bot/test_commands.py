"""The commands that Telegram shows are registered, again when they change, and after an outage."""

from collections.abc import Mapping
from typing import Any

from dripline.bot.commands import Commands
from dripline.clock import VirtualClock
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.errors import ChannelDown, PermanentFailure, SendFailure
from dripline.wiring.models import import_models

ADMIN = 100
import_models()


class Telegram:
    """Notes what it is asked; fails when told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.failure: SendFailure | None = None

    async def call(self, method: str, payload: Mapping[str, Any] | None = None) -> Any:
        assert method == "setMyCommands"
        self.asked.append(dict(payload or {}))
        if self.failure is not None:
            raise self.failure
        return True

    def take(self) -> dict[tuple[int | None, str | None], dict[str, str]]:
        """Return what was registered since the last look, by chat and language."""
        found = {
            (one.get("scope", {}).get("chat_id"), one.get("language_code")): {
                command["command"]: command["description"] for command in one["commands"]
            }
            for one in self.asked
        }
        self.asked = []
        return found


async def test_contacts_and_admins_have_their_own_in_both_languages(
    database: Database, clock: VirtualClock
) -> None:
    telegram = Telegram()
    commands = Commands(database, ContentStore(database), {"main": telegram}, [ADMIN])
    assert await commands.run_once() == 0
    found = telegram.take()
    assert set(found) == {(None, None), (None, "ru")}
    assert list(found[None, None]) == ["start", "progress", "settings", "stop", "help"]
    assert found[None, "ru"]["start"].startswith("Начать")
    async with database.transaction() as session:
        await by_telegram(session, "main", TelegramPerson(ADMIN, "Olga"), clock.now())
    await commands.run_once()
    found = telegram.take()
    assert set(found) == {(ADMIN, None), (ADMIN, "ru")}
    assert {"start", "scenarios", "payment", "help"} <= set(found[ADMIN, None])
    await commands.run_once()
    assert telegram.take() == {}


async def test_an_outage_is_tried_again_and_a_refusal_is_not(database: Database) -> None:
    telegram = Telegram()
    commands = Commands(database, ContentStore(database), {"main": telegram}, [])
    telegram.failure = ChannelDown("no answer")
    await commands.run_once()
    assert len(telegram.take()) == 2
    telegram.failure = PermanentFailure("no such method")
    await commands.run_once()
    assert len(telegram.take()) == 2
    await commands.run_once()
    assert telegram.take() == {}
