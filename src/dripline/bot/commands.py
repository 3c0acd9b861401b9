"""Duty: the commands that Telegram shows beside the input field, for contacts and for admins.

Registered when the bot starts, in every language there are texts in, and again when they change
(a menu comes into the content, an admin writes for the first time). What Telegram does not take
for a passing reason is tried again at the next run.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from dripline.bot.admin.commands import ADMIN_COMMANDS
from dripline.contacts import queries as contacts
from dripline.contacts.identify import TELEGRAM
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.errors import PermanentFailure, SendFailure
from dripline.lifecycle.document import rules_of
from dripline.texts import gettext as _
from dripline.texts import languages, marked

log = structlog.get_logger()
EVERY_S: Final = 60.0
_CONTACT: Final = (
    ("start", marked("Begin, or see the last message again")),
    ("progress", marked("How far you are")),
)
_OF_THEIR_OWN: Final = (("settings", marked("What you get, when and where")),)
_STOP: Final = (("stop", marked("Get nothing more")),)
_WITH_EMAIL: Final = (("email", marked("Get messages by email as well")),)
_WITH_MENUS: Final = (
    ("menu", marked("What you can do here")),
    ("top", marked("Who invited most friends")),
)
_HELP: Final = (("help", marked("What this bot does")),)
_Named = Sequence[tuple[str, str]]
_Place = tuple[str, str]  # a chat (empty: everybody) and a language (empty: any other)


class Calls(Protocol):
    """What speaks to Telegram."""

    async def call(self, method: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Call a method. Raises a SendFailure."""
        ...


class Commands:
    """Keeps the commands of all bots as they should be."""

    def __init__(
        self,
        database: Database,
        store: ContentStore,
        clients: Mapping[str, Calls],
        admins: Iterable[int],
        *,
        has_email: bool = False,
    ) -> None:
        self._database = database
        self._store = store
        self._clients = clients
        self._admins = tuple(admins)
        self._has_email = has_email
        self._done: dict[tuple[str, _Place], _Named] = {}

    async def run_once(self) -> int:
        """Register what has changed; return 0, so that the next look is not at once."""
        async with self._database.reading() as session:
            library = await self._store.current(session)
            chats = {
                bot: [
                    str(admin)
                    for admin in self._admins
                    if await contacts.address_of_value(session, TELEGRAM, bot, str(admin))
                ]
                for bot in self._clients
            }
        named = [*_CONTACT, *(_WITH_MENUS if rules_of(library).menus else ())]
        named += [*_OF_THEIR_OWN, *(_WITH_EMAIL if self._has_email else ()), *_STOP, *_HELP]
        for bot in self._clients:
            for place, wanted in _wanted(named, chats[bot]).items():
                await self._register(bot, place, wanted)
        return 0

    async def _register(self, bot: str, place: _Place, wanted: _Named) -> None:
        if self._done.get((bot, place)) == wanted:
            return
        chat, language = place
        payload: dict[str, Any] = {
            "commands": [{"command": name, "description": about} for name, about in wanted]
        }
        if chat:
            payload["scope"] = {"type": "chat", "chat_id": int(chat)}
        if language:
            payload["language_code"] = language
        try:
            await self._clients[bot].call("setMyCommands", payload)
        except SendFailure as failure:
            log.warning("bot.commands_not_set", bot=bot, chat=chat, reason=failure.reason)
            if not isinstance(failure, PermanentFailure):
                return  # what Telegram will never take is not asked for again
        else:
            log.info("bot.commands_set", bot=bot, chat=chat, language=language or None)
        self._done[bot, place] = wanted


def _wanted(named: _Named, admins: Sequence[str]) -> dict[_Place, _Named]:
    """Return the commands of each place, English where a language has none of its own."""
    found: dict[_Place, _Named] = {}
    for number, language in enumerate(languages()):
        code = language if number else ""
        ours = tuple((name, _(about, language)) for name, about in named)
        found["", code] = ours
        for chat in admins:
            theirs = tuple((name, _(about, language)) for name, about in ADMIN_COMMANDS)
            found[chat, code] = (*ours[:-1], *theirs)
    return found
