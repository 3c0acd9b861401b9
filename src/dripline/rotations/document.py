"""From the document of `rotations/registry.json` to values: made once a revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from dripline.content.compile import GO, OPEN, Making
from dripline.content.document import Message
from dripline.content.store import Library
from dripline.errors import PermanentFailure
from dripline.rotations.schedule import Schedule

KIND: Final = "rotations"
MAIN_BOT: Final = "main"
HOURS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Chat:
    """Where a rotation posts: a chat id or @name, a topic of it (0: none), and its language."""

    value: str
    topic: int = 0
    language: str = ""

    @property
    def name(self) -> str:
        """What reports call it: the chat, with its topic if it has one."""
        return f"{self.value}/{self.topic}" if self.topic else self.value


@dataclass(frozen=True, slots=True)
class Rotation:
    """A list of messages, the chats they go to, and when."""

    id: str
    name: str
    bot: str
    chats: tuple[Chat, ...]
    schedule: Schedule
    messages: tuple[Message, ...]
    is_active: bool = True
    scheduled: bool = True  # whether the content says when

    def after(self, message_id: str | None) -> Message:
        """Return the message that comes after this one; after the last comes the first."""
        ids = [message.id for message in self.messages]
        index = ids.index(message_id) + 1 if message_id in ids else 0
        return self.messages[index % len(ids)]


@dataclass(frozen=True, slots=True)
class Given:
    """What the environment says: chats by rotation, and how often."""

    chats: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hours: float | None = None


def rotations_of(
    library: Library, given: Given, shipped: Mapping[str, Rotation]
) -> dict[str, Rotation]:
    """Return every rotation by its id: the content's, and those that ship where chats are given.

    Chats and hours of the environment hold where the content names none.
    """
    found: dict[str, Rotation] = dict(library.rooms.get(KIND) or {})
    for rotation_id, chats in given.chats.items():
        rotation = found.get(rotation_id) or shipped.get(rotation_id)
        if rotation is None:
            continue
        if not rotation.chats:
            rotation = replace(rotation, chats=tuple(Chat(value) for value in chats))
        found[rotation_id] = rotation
    if given.hours is None:
        return found
    schedule = Schedule(every=timedelta(hours=given.hours))
    return {
        key: one if one.scheduled else replace(one, schedule=schedule) for key, one in found.items()
    }


def make(document: Mapping[str, Any], making: Making) -> dict[str, Rotation]:
    """Return the rotations of a document by their ids."""
    messages = {key: making.message(key, spec) for key, spec in document["messages"].items()}
    specs = document["file"].get("rotations") or ()
    return {spec["id"]: _rotation(spec, messages) for spec in specs}


def _rotation(spec: Mapping[str, Any], messages: Mapping[str, Message]) -> Rotation:
    listed = spec.get("posts") or list(messages)
    return Rotation(
        id=spec["id"],
        name=spec.get("name") or spec["id"],
        bot=spec.get("bot") or MAIN_BOT,
        chats=tuple(chat(one) for one in spec.get("chats") or ()),
        schedule=_schedule(spec),
        messages=tuple(messages[key] for key in listed if key in messages),
        is_active=spec.get("is_active") is not False,
        scheduled=bool(spec.get("cron") or spec.get("interval_hours")),
    )


def chat(spec: Any) -> Chat:
    """Return a chat as content writes it: an id, a @name, or an object with a topic."""
    if isinstance(spec, Mapping):
        return Chat(str(spec["chat"]), int(spec.get("topic") or 0), spec.get("language") or "")
    return Chat(str(spec))


def _schedule(spec: Mapping[str, Any]) -> Schedule:
    if spec.get("cron"):
        return Schedule(cron=spec["cron"], timezone=spec.get("timezone") or "UTC")
    return Schedule(every=timedelta(hours=float(spec.get("interval_hours") or HOURS)))


def labels_of(message: Message, language: str) -> list[str]:
    """Return what stands on a post's buttons, in order: how clicks say which one it was."""
    try:
        rows = message.render({"user": {}, "context": {}}, language).keyboard
    except PermanentFailure:  # the post fails by itself when it is sent
        return []
    return [button.text for row in rows for button in row]


def scenario_named(message: Message) -> str | None:
    """Return the scenario that a post's button leads into, or None."""
    for row in message.keyboard:
        for button in row:
            if button.kind == "callback" and button.value.is_fixed:
                value = button.value.render({})
                if value.startswith(GO) and value != OPEN:
                    return value.removeprefix(GO)
    return None
