"""Join rotations with what they need: shipped posts, links, bots' names, members of chats."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clients.telegram import TelegramClient
from dripline.content.store import ContentStore, Library
from dripline.database import Database
from dripline.engagement.codes import Codes
from dripline.engagement.links import Links
from dripline.errors import ChannelRefused
from dripline.lifecycle.queries import bot_names
from dripline.rotations.control import Rotations
from dripline.rotations.document import Given, Rotation, rotations_of
from dripline.rotations.duty import CountMembers, PostSlots
from dripline.rotations.origin import RotationOrigin
from dripline.rotations.shipped import shipped
from dripline.settings import Settings
from dripline.worker import Duty

GUIDES, PROMOS = "guides", "promos"


class SourcesOfSettings:
    """Every rotation: the content's, and the shipped ones that the environment names chats for."""

    def __init__(self, settings: Settings | None) -> None:
        chats = {} if settings is None else {
            GUIDES: settings.guide_chat_ids, PROMOS: settings.promo_chat_ids,
        }  # fmt: skip
        hours = None if settings is None else settings.interval_hours
        self._given = Given({key: ids for key, ids in chats.items() if ids}, hours)
        self._shipped: Mapping[str, Rotation] = shipped() if self._given.chats else {}

    def of(self, library: Library) -> dict[str, Rotation]:
        """Return the rotations by their ids."""
        return rotations_of(library, self._given, self._shipped)


class LinksOfPosts:
    """Signs the links of posts, and the codes by which posts lead into a bot."""

    def __init__(self, links: Links, settings: Settings) -> None:
        self._links = links
        self._settings = settings
        self._codes: Codes | None = None

    def post_link(self, post: int, url: str, label: str) -> str:
        """Return the tracked form of a link in a post, or the link as it is."""
        return self._links.post_link(post, url, label)

    def code(self, post: int, button: int = 0) -> str:
        """Return the payload of a deep link that says which post it stood in."""
        if self._codes is None:  # asking for the key may make one: not before it is needed
            self._codes = Codes(self._settings.signing_key)
        return self._codes.code(post, button)


class Members:
    """Asks Telegram how many members a chat has."""

    def __init__(self, clients: Mapping[str, TelegramClient]) -> None:
        self._clients = clients

    async def members(self, bot: str, chat: str) -> int | None:
        """Return the number. Raises a SendFailure when Telegram does not tell."""
        client = self._clients.get(bot)
        if client is None:
            raise ChannelRefused(f"no token of bot “{bot}” is set")
        number: Any = await client.call("getChatMemberCount", {"chat_id": chat_id(chat)})
        return number if isinstance(number, int) else None


def chat_id(value: str) -> int | str:
    """Return a chat as Telegram takes it: a number, or a @name."""
    return value if value.startswith("@") else int(value)


async def name_of_bot(session: AsyncSession, bot: str) -> str | None:
    """Return the username under which people find a bot."""
    return (await bot_names(session)).get(bot)


def rotations(settings: Settings | None) -> Rotations:
    """Return the operator's hands on rotations."""
    return Rotations(SourcesOfSettings(settings))


def origin(
    store: ContentStore, settings: Settings, links: Links, default_language: str
) -> RotationOrigin:
    """Return who sends posts."""
    return RotationOrigin(
        store,
        SourcesOfSettings(settings),
        LinksOfPosts(links, settings),
        name_of_bot,
        default_language,
    )


def duties(
    database: Database,
    store: ContentStore,
    settings: Settings,
    clients: Mapping[str, TelegramClient],
    now: Any,
) -> list[Duty]:
    """Return what keeps rotations going; `now` tells the domain's time."""
    slots = PostSlots(database, store, SourcesOfSettings(settings))
    counts = CountMembers(database, Members(clients))
    return [
        Duty("rotations", lambda: slots.run_once(now()), 1.0),
        Duty("members", lambda: counts.run_once(now()), 5.0),
    ]
