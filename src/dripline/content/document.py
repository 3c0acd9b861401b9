"""Scenarios and messages as values: compiled once a revision, rendered a million times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Literal

from dripline.content.liquid import Template
from dripline.content.rendered import Button, ButtonKind, Media, Rendered

URGENT, HIGH, NORMAL, LOW = 1, 2, 3, 4
PRIORITIES = {"urgent": URGENT, "high": HIGH, "normal": NORMAL, "low": LOW}


@dataclass(frozen=True, slots=True)
class Timing:
    """When a message is due after the one before it (or after the start)."""

    days: int = 0
    hours: int = 0
    minutes: int = 0
    at: time | None = None
    weekdays: tuple[int, ...] = ()
    origin: Literal["previous", "start"] = "previous"


@dataclass(frozen=True, slots=True)
class Wait:
    """A message after which an action moves the contact on: a button, or an event."""

    kind: Literal["callback", "event"]
    name: str
    timeout: Timing | None = None


@dataclass(frozen=True, slots=True)
class ButtonTemplate:
    """A button whose text and value are templates; one whose value renders empty is left out."""

    kind: ButtonKind
    text: Template
    value: Template
    checked: bool  # whether the value is a url to be looked at before it goes out

    def render(self, context: Mapping[str, Any]) -> Button | None:
        """Return the button, or None when it leads nowhere."""
        value = self.value.render(context).strip()
        if not value or (self.checked and not is_safe_url(value)):
            return None
        return Button(self.kind, self.text.render(context), value)


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a scenario; `texts` by language, the default under the empty name."""

    id: str
    texts: Mapping[str, Template]
    timing: Timing = Timing()
    media: tuple[Media, ...] = ()
    keyboard: tuple[tuple[ButtonTemplate, ...], ...] = ()
    wait: Wait | None = None
    condition: Any = None
    priority: int = NORMAL
    variables: frozenset[str] = frozenset()
    base: Mapping[str, Any] = field(default_factory=dict)

    def render(self, context: Mapping[str, Any], language: str) -> Rendered:
        """Return the message for a contact; `context` fills the scopes `user` and `context`.

        Raises PermanentFailure (code `template`) when a template fails.
        """
        scopes = {**self.base, **context}
        rows = (
            tuple(shown for button in row if (shown := button.render(scopes)) is not None)
            for row in self.keyboard
        )
        return Rendered(
            self.text(language).render(scopes), self.media, tuple(row for row in rows if row)
        )

    def text(self, language: str) -> Template:
        """Return the text's template in a language (`ru`, `pt-BR`), or the default one."""
        wanted = language.lower().replace("_", "-")
        for name in (wanted, wanted.partition("-")[0]):
            if name in self.texts:
                return self.texts[name]
        return self.texts[""]


@dataclass(frozen=True, slots=True)
class Scenario:
    """An ordered flow of messages, in its present revision."""

    id: str
    name: str
    revision: int
    messages: tuple[Message, ...]
    summary: Message | None = None
    is_active: bool = True
    paused: bool = False
    lane: str = "scenario"
    priority: int = 0
    product_name: str = ""
    product_price: str = ""
    paid_content: str = ""
    private_group_id: str = ""
    retired: Mapping[str, str | None] = field(default_factory=dict)
    _indexes: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the messages by id."""
        self._indexes.update({message.id: n for n, message in enumerate(self.messages)})

    def index_of(self, message_id: str) -> int | None:
        """Return where a message stands, or None when it is not there any more."""
        return self._indexes.get(message_id)

    def next_after(self, message_id: str | None) -> int:
        """Return the index of the message after this one; 0 after None.

        A message that was deleted is resolved through the one it stood behind.
        """
        seen: set[str] = set()
        while message_id is not None and message_id not in self._indexes:
            if message_id in seen:
                return 0
            seen.add(message_id)
            message_id = self.retired.get(message_id)
        return 0 if message_id is None else self._indexes[message_id] + 1


def is_safe_url(value: str) -> bool:
    """Whether a url may be shown as a button: http, https or Telegram's own, and no white space."""
    scheme, colon, rest = value.partition(":")
    if not colon or not rest or any(character.isspace() for character in value):
        return False
    return scheme.lower() in {"http", "https", "tg", "mailto", "tel"}
