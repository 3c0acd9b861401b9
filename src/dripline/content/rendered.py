"""A message in its final form, for any channel."""

from dataclasses import dataclass
from typing import Literal

MediaKind = Literal["photo", "video", "document", "voice", "audio", "animation"]
ButtonKind = Literal["url", "callback", "web_app"]


@dataclass(frozen=True, slots=True)
class Media:
    """A file of the content, known by the SHA-256 of its bytes."""

    sha256: str
    kind: MediaKind
    filename: str


@dataclass(frozen=True, slots=True)
class Button:
    """A button as the contact sees it; `value` is the url, the callback data or the app's url."""

    kind: ButtonKind
    text: str
    value: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to send: text in Telegram's HTML, media in order, rows of buttons."""

    text: str
    media: tuple[Media, ...] = ()
    keyboard: tuple[tuple[Button, ...], ...] = ()
    subject: str | None = None
