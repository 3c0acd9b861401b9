"""Scenarios and messages as values: compiled once a revision, rendered a million times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Final, Literal
from urllib.parse import quote

from dripline.content.choices import Scopes
from dripline.content.email.form import EmailForms
from dripline.content.email.layout import Layouts
from dripline.content.links import button_link
from dripline.content.liquid import Template
from dripline.content.rendered import Button, ButtonKind, Media, Rendered

URGENT, HIGH, NORMAL, LOW = 1, 2, 3, 4
_LANGUAGES_KEPT: Final = 32
DEMO = "demo"  # callback data of a demonstrated button that has nowhere to lead
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
    """A button whose text and value are templates; one whose value renders empty is left out.

    `schemes` are those its url may have; empty for a callback. With a `prefix`, the value is a
    parameter at the end of it.
    """

    kind: ButtonKind
    text: Template
    value: Template
    schemes: frozenset[str] = frozenset()
    texts: Mapping[str, Template] = field(default_factory=dict)
    prefix: str = ""

    @property
    def is_fixed(self) -> bool:
        """Whether everybody of one language sees the same button."""
        texts = (self.text, *self.texts.values())
        return self.value.is_fixed and all(text.is_fixed for text in texts)

    def render(self, context: Scopes, language: str = "") -> Button | None:
        """Return the button, or None when it leads nowhere or nowhere it may lead."""
        value = self.value.render(context).strip()
        if self.prefix and value:
            value = self.prefix + quote(value, safe="")
        if self.schemes:
            value = button_link(value, self.schemes) or ""
        if not value:
            return None
        text = _in_language(self.texts, language, self.text).render(context).strip()
        return Button(self.kind, text, value) if text else None

    def demonstrate(self, language: str) -> Button:
        """Return the button with variables shown by name; one without a real url does nothing."""
        text = _in_language(self.texts, language, self.text).demonstrate()
        value = self.value.demonstrate().strip()
        if self.schemes:
            link = button_link(value, self.schemes) if self.value.is_fixed else None
            return Button(self.kind, text, link) if link else Button("callback", text, DEMO)
        return Button(self.kind, text, value)


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
    channel: str | None = None  # telegram, email or both; None: as the contact likes it
    variables: frozenset[str] = frozenset()
    base: Scopes = field(default_factory=dict)
    track: bool = True
    email: EmailForms | None = None  # how it goes by email; None: made of its text, in a layout
    _buttons: dict[str, tuple[tuple[Button, ...], ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def render(self, context: Scopes, language: str) -> Rendered:
        """Return the message for a contact; `context` fills the scopes `user` and `context`.

        Raises PermanentFailure (code `template`) when a template fails.
        """
        text = self.text(language)
        if not self.keyboard:
            return Rendered(text.render(context), self.media, track=self.track)
        rows = self._rows(context, language)
        return Rendered(text.render(context), self.media, rows, track=self.track)

    def as_email(self, context: Scopes, language: str) -> Rendered:
        """Return the message as an email to a contact; its addresses come with the delivery.

        Raises PermanentFailure (code `template`) when a template fails.
        """
        rows = self._rows(context, language) if self.keyboard else ()
        forms = self.email or EmailForms(Layouts({}, {}))
        email = forms.email(self.text(language), context, language, rows, self.media)
        return Rendered(email.text, self.media, rows, email.subject, email, self.track)

    def demonstrate(self, language: str) -> Rendered:
        """Return the message with variables shown by name, such as `__user.first_name__`."""
        rows = tuple(tuple(button.demonstrate(language) for button in row) for row in self.keyboard)
        return Rendered(self.text(language).demonstrate(), self.media, rows)

    def text(self, language: str) -> Template:
        """Return the text's template in a language (`ru`, `pt-BR`), or the default one."""
        return _in_language(self.texts, language, self.texts[""])

    def _rows(self, context: Scopes, language: str) -> tuple[tuple[Button, ...], ...]:
        known = self._buttons.get(language)
        if known is not None:
            return known
        rows = (
            tuple(shown for one in row if (shown := one.render(context, language)) is not None)
            for row in self.keyboard
        )
        shown_rows = tuple(row for row in rows if row)
        # A contact may claim any language, so what is kept of them is bounded.
        if len(self._buttons) < _LANGUAGES_KEPT and all(
            button.is_fixed for row in self.keyboard for button in row
        ):
            self._buttons[language] = shown_rows
        return shown_rows


def _in_language(texts: Mapping[str, Template], language: str, default: Template) -> Template:
    if not language or not texts:
        return default
    found = texts.get(language)
    if found is not None:
        return found
    wanted = language.lower().replace("_", "-")
    return texts.get(wanted) or texts.get(wanted.partition("-")[0]) or default


@dataclass(frozen=True, slots=True)
class Scenario:
    """An ordered flow of messages, in its present revision."""

    id: str
    name: str
    revision: int
    messages: tuple[Message, ...]
    summary: Message | None = None
    paid: Message | None = None  # the paid content, as a message
    is_active: bool = True
    paused: bool = False
    lane: str = "scenario"
    priority: int = 0
    channels: tuple[str, ...] = ()  # those it may use; empty: all
    weekdays: tuple[int, ...] = ()  # on which its messages go out; empty: any day
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
