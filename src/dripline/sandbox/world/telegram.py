"""The sandbox's Telegram: who and what exists, and how to find it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.changes import Change, Changes
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.files import FileStore
from dripline.sandbox.world.mail import PostOffice
from dripline.sandbox.world.messages import History, Message
from dripline.sandbox.world.people import Standing, User
from dripline.sandbox.world.updates import UpdateQueue

_TOKEN = re.compile(r"([1-9]\d{0,15}):[A-Za-z0-9_-]{1,64}")
_FIRST_UPDATE_ID = 700_000_001
_FIRST_USER_ID = 5_000_000_001
_FIRST_GROUP_ID = 4_000_000_001
_FIRST_CHANNEL_ID = 2_000_000_001


class Telegram:
    """All of it, in memory. `now` gives the sandbox's time; `history` bounds a chat's messages."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        known_tokens: Iterable[str] | None = None,
        history: int = 500,
    ) -> None:
        self._now = now
        self._known = None if known_tokens is None else frozenset(known_tokens)
        self._history = history
        self._last_id = 0
        self._private: dict[tuple[int, int], Chat] = {}
        self._groups: dict[int, Chat] = {}
        self.bots: dict[int, Bot] = {}
        self.users: dict[int, User] = {}
        self.files = FileStore()
        self.changes = Changes()
        self.post = PostOffice(self.users, self.changes, self.date)  # their other way

    def date(self) -> int:
        """The sandbox's time, as Unix time in seconds."""
        return int(self._now().timestamp())

    def now(self) -> datetime:
        """The sandbox's time, aware, UTC."""
        return self._now()

    def new_number(self) -> int:
        """A number never given before."""
        self._last_id += 1
        return self._last_id

    # bots

    def bot(self, token: str) -> Bot | None:
        """The bot of a token, made on first sight; None if the token is wrong.

        A bot has one token: another token with the same number is refused, like a revoked one.
        """
        match = _TOKEN.fullmatch(token)
        if match is None or (self._known is not None and token not in self._known):
            return None
        known = self.bots.get(int(match.group(1)))
        if known is None:
            return self.add_bot(token)
        return known if known.token == token else None

    def add_bot(self, token: str, name: str = "", username: str = "") -> Bot:
        """Add a bot, or give a known one another name. Raises ValueError for a malformed token."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise ValueError("a bot token looks like 123456:ABC-DEF")
        number = int(match.group(1))
        bot = self.bots.get(number)
        if bot is None:
            user = User(number, name or "Bot", username=username or f"sandbox_{number}_bot")
            user.is_bot = True
            bot = self.bots[number] = Bot(token, user, UpdateQueue(_FIRST_UPDATE_ID))
            self.users[number] = user
        bot.user.first_name = name or bot.user.first_name
        bot.user.username = username or bot.user.username
        self.changes.tell(Change("contact", user=bot.user))
        return bot

    # people

    def add_user(
        self,
        first_name: str,
        *,
        last_name: str = "",
        username: str = "",
        language_code: str = "en",
        user_id: int = 0,
        email: str = "",
    ) -> User:
        """Add a person. Raises ValueError if the id is taken."""
        number = user_id or _FIRST_USER_ID + self.new_number()
        if number in self.users:
            raise ValueError(f"user {number} exists already")
        user = User(number, first_name, last_name, username, language_code, email=email)
        self.users[number] = user
        self.changes.tell(Change("contact", user=user))
        return user

    # chats

    def private(self, bot: Bot, user: User) -> Chat:
        """The chat between a bot and a person, made on first sight."""
        key = (bot.id, user.id)
        if key not in self._private:
            history = History(self._history)
            self._private[key] = Chat(user.id, Kind.PRIVATE, history, user=user, bot_id=bot.id)
        return self._private[key]

    def add_group(
        self,
        title: str,
        kind: Kind = Kind.SUPERGROUP,
        *,
        owner: User | None = None,
        members: Iterable[User] = (),
        administrators: Iterable[User] = (),
        username: str = "",
        chat_id: int = 0,
    ) -> Chat:
        """Add a group, supergroup or channel. Raises ValueError if the id is taken."""
        number = chat_id or self._group_id(kind)
        if number in self._groups:
            raise ValueError(f"chat {number} exists already")
        chat = Chat(number, kind, History(self._history), title=title, username=username)
        chat.members.update({user.id: Standing.MEMBER for user in members})
        chat.members.update({user.id: Standing.ADMINISTRATOR for user in administrators})
        if owner:
            chat.members[owner.id] = Standing.CREATOR
        self._groups[number] = chat
        self.changes.tell(Change("chat", chat=chat))
        return chat

    def _group_id(self, kind: Kind) -> int:
        number = self.new_number()
        if kind is Kind.GROUP:
            return -(_FIRST_GROUP_ID + number)
        return -1_000_000_000_000 - (_FIRST_CHANNEL_ID + number)

    def group(self, chat_id: int) -> Chat | None:
        """A group, supergroup or channel by its id."""
        return self._groups.get(chat_id)

    def group_named(self, username: str) -> Chat | None:
        """A public supergroup or channel by its @username, any case."""
        wanted = username.removeprefix("@").lower()
        return next((c for c in self._groups.values() if c.username.lower() == wanted), None)

    def chats_of(self, user: User) -> list[Chat]:
        """The chats a person sees: those with bots, and the groups they are in."""
        private = [self.private(bot, user) for bot in self.bots.values()]
        groups = [chat for chat in self._groups.values() if chat.standing(user.id).inside]
        return private + groups

    def groups(self) -> list[Chat]:
        """All groups, supergroups and channels."""
        return list(self._groups.values())

    def have_met(self, bot: Bot, user: User) -> bool:
        """Whether the bot has seen this person: in their own chat, or in a group of both."""
        chat = self._private.get((bot.id, user.id))
        if chat and (chat.started or len(chat.history)):
            return True
        return self.share_a_group(bot, user)

    def share_a_group(self, bot: Bot, user: User) -> bool:
        """Whether both are in one group."""
        return any(
            chat.standing(bot.id).inside and chat.standing(user.id).inside
            for chat in self._groups.values()
        )

    # messages

    def keep(self, message: Message) -> Message:
        """Put a new message into its chat and tell everyone."""
        message.chat.history.add(message)
        self.changes.tell(Change("sent", chat=message.chat, message=message))
        return message
