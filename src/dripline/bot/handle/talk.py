"""A contact's own conversation with the bot: who speaks, in which language, and how we answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.handle.scene import Scene
from dripline.contacts import consent_queries
from dripline.contacts.consent import Evidence
from dripline.contacts.identify import TELEGRAM, Known, TelegramPerson
from dripline.contacts.pages import Pages
from dripline.content.rendered import Button, Rendered
from dripline.content.telegram_html import escape
from dripline.deliveries import system
from dripline.deliveries.protocols import AddressRef
from dripline.texts import gettext as _

_BEFORE: Final = timedelta(milliseconds=1)
_WAITS: Final = timedelta(hours=1)  # for an answer to what the bot has asked

Row = tuple[tuple[str, str], ...]  # buttons of one row: text, and callback data or url


@dataclass(slots=True)
class Talk:
    """One contact at one bot, at one moment."""

    session: AsyncSession
    scene: Scene
    known: Known
    person: TelegramPerson
    now: datetime
    language: str | None

    @property
    def pages(self) -> Pages | None:
        """Where the contact's pages are, if anywhere."""
        return self.scene.mail.pages

    def evidence(self, wording: str) -> Evidence:
        """Return what goes on record of something said here."""
        return Evidence("bot", wording)

    def words(self, message: str, /, **values: object) -> str:
        """Return one of our texts in the contact's language; for literals marked elsewhere."""
        return _(message, self.language, **values)

    async def say(self, text: str, *rows: Row) -> None:
        """Queue a plain text with rows of buttons."""
        keyboard = tuple(
            tuple(_button(label, value) for label, value in row) for row in rows if row
        )
        address = AddressRef(
            self.known.address_id,
            self.known.contact_id,
            TELEGRAM,
            self.scene.bot,
            str(self.person.id),
        )
        message = Rendered(escape(text), (), keyboard)
        await system.show(self.session, address, message, self.now - _BEFORE)

    async def ask(self, kind: str) -> None:
        """Wait for what the contact writes next."""
        await consent_queries.ask_question(self.session, self.known.address_id, kind, self.now)

    async def asked(self) -> str | None:
        """Return what we wait for, or None."""
        since = self.now - _WAITS
        return await consent_queries.question(self.session, self.known.address_id, since)

    async def asked_enough(self) -> None:
        """Wait for nothing any more."""
        await consent_queries.end_question(self.session, self.known.address_id)


def talk_of(
    session: AsyncSession, scene: Scene, known: Known, person: TelegramPerson, now: datetime
) -> Talk:
    """Return the conversation of an update."""
    return Talk(session, scene, known, person, now, known.language or person.language)


def _button(label: str, value: str) -> Button:
    if value.startswith(("http://", "https://")):
        return Button("url", label[:100], value)
    return Button("callback", label[:100], value)
