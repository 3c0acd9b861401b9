"""A message in its final form, for any channel."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from dripline.content.slots import Given

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


def untracked(url: str, _label: str) -> str:
    """Return a link as it is: what stands for a tracker where there is none."""
    return url


@dataclass(frozen=True, slots=True)
class EmailUrls:
    """The addresses that one delivery's email leads to.

    `link` returns what a link of the text becomes, given its url and its words; `media` the
    address of a file, or None where files are not served: then they go along with the email.
    `press` returns the page on which a callback button is pressed, given its data and its text;
    `bot` is the bot's public address (`https://t.me/name`), for what only a chat has; `trap` a link
    that no reader sees, so that whoever follows it is a machine.
    """

    unsubscribe: str
    preferences: str
    pixel: str | None = None
    link: Callable[[str, str], str] = untracked
    media: Callable[[Media], str] | None = None
    bot: str | None = None
    trap: str | None = None
    press: Callable[[str, str], str] | None = None


class Text(Protocol):
    """A text of an email, made when somebody asks: not every transport wants every form."""

    @property
    def text(self) -> str:
        """The text itself."""
        ...

    @property
    def quoted(self) -> bytes:
        """It as quoted-printable: no line begins with a dot, all but the last end with CRLF."""
        ...


class EmailParts:
    """An email as it goes to a transport.

    `attached` are files that go along: the image `cid:` links of the html name, and others.
    """

    __slots__ = ("attached", "html_text", "plain_text", "subject")

    def __init__(
        self, subject: str, html: Text | str, plain: Text | str, attached: tuple[Media, ...] = ()
    ) -> None:
        self.subject = subject
        self.html_text = Given(html) if isinstance(html, str) else html
        self.plain_text = Given(plain) if isinstance(plain, str) else plain
        self.attached = attached

    @property
    def html(self) -> str:
        """The page."""
        return self.html_text.text

    @property
    def plain(self) -> str:
        """The text for who reads no pages."""
        return self.plain_text.text


class Email(Protocol):
    """The email form of a message for one contact, but for the addresses of its delivery."""

    @property
    def subject(self) -> str:
        """What the email is called."""
        ...

    def assemble(self, urls: EmailUrls) -> EmailParts:
        """Return the email with its addresses filled in."""
        ...


@dataclass(slots=True)  # one a message; a frozen one takes four times as long to make
class Rendered:
    """A message ready to send: text in Telegram's HTML, media in order, rows of buttons.

    `email` is its form as an email, where it goes to an email address. Where `track` is false, its
    links stay as they are. With `reply`, its buttons take the place of Telegram's keyboard, and
    pressing one sends its text. What is `asked_for` just now goes to an address they had left, too.
    """

    text: str
    media: tuple[Media, ...] = ()
    keyboard: tuple[tuple[Button, ...], ...] = ()
    subject: str | None = None
    email: Email | None = None
    track: bool = True
    asked_for: bool = False
    topic: int | None = None
    reply: bool = False
