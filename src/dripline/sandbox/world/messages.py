"""Messages, and the bounded history of a chat."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dripline.sandbox.world.files import StoredFile
from dripline.sandbox.world.people import User

if TYPE_CHECKING:
    from dripline.sandbox.world.chats import Chat

Json = dict[str, Any]


@dataclass(slots=True)
class Media:
    """What a message carries besides words. `kind` is the field's name in a Message."""

    kind: str
    file: StoredFile
    width: int = 0
    height: int = 0
    duration: int = 0
    title: str = ""
    performer: str = ""
    spoiler: bool = False
    caption_above: bool = False
    emoji: str = ""

    @property
    def captioned(self) -> bool:
        """Whether words may stand under it."""
        return self.kind not in ("sticker", "video_note")


@dataclass(slots=True)
class Message:
    """One message. `text` is the caption when there is media; `date` is Unix time, sandbox's.

    `thing` is what is neither words nor a file (dice, a place, a contact, a poll), as the Bot API
    writes it; `pins` is the message that this one says was pinned; `reactions` are by who reacted.
    """

    id: int
    chat: Chat
    date: int
    sender: User | None
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    media: Media | None = None
    thing: Json | None = None
    album: str = ""
    keyboard: Json | None = None
    reply_keyboard: Json | None = None
    edited: int = 0
    reply_to: Message | None = None
    origin: Json | None = None
    service: Json | None = None
    protected: bool = False
    link_preview: Json | None = None
    bot_id: int = 0
    pins: Message | None = None
    reactions: dict[int, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it holds besides words: the field's name in a Message; empty for words alone."""
        return self.media.kind if self.media else next(iter(self.thing or {}), "")


class History:
    """The newest messages of one chat; old ones fall out."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._messages: OrderedDict[int, Message] = OrderedDict()
        self._last_id = 0

    def next_id(self) -> int:
        """The id of the chat's next message: they rise by one."""
        self._last_id += 1
        return self._last_id

    def add(self, message: Message) -> None:
        """Keep a message, and let the oldest fall out."""
        self._messages[message.id] = message
        while len(self._messages) > self._size:
            self._messages.popitem(last=False)

    def get(self, message_id: int) -> Message | None:
        """A message by id; None if it never was, was deleted or fell out."""
        return self._messages.get(message_id)

    def remove(self, message_id: int) -> Message | None:
        """Take a message out of the chat."""
        return self._messages.pop(message_id, None)

    def last(self) -> Message | None:
        """The newest message."""
        return next(reversed(self._messages.values()), None)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages.values())

    def __len__(self) -> int:
        return len(self._messages)
