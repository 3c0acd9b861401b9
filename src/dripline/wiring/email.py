"""The way emails go out and their news comes in, joined from the settings."""

import uuid
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.channels.content_files import ContentFiles
from dripline.channels.email import EmailChannel, EmailTransport
from dripline.channels.email_journal import DatabaseJournal
from dripline.channels.email_resend import ResendTransport
from dripline.channels.email_suppressed import SuppressedAddresses
from dripline.channels.email_turns import SharedTurns
from dripline.channels.resend_drain import Engaged, ResendDrain
from dripline.clients.dkim import Signer
from dripline.clients.resend import ResendClient
from dripline.clock import Clock, RealTime
from dripline.contacts.tokens import Press
from dripline.content.rendered import EmailUrls, untracked
from dripline.database import Database
from dripline.deliveries.protocols import LinkTracker, Outgoing
from dripline.engagement.drain import store
from dripline.engagement.records import Seen
from dripline.engagement.tokens import Mark, Seal
from dripline.errors import Invalid
from dripline.mail_settings import sender
from dripline.settings import Settings
from dripline.wiring.consent import pages_of
from dripline.wiring.media import media_links_of

log = structlog.get_logger()
EMAIL = "email"
_UNSAID = "told by Resend"  # that no user agent is told does not make it a machine


class UrlsOfDelivery:
    """The addresses that one delivery's email leads to: our pages, our files, tracked links."""

    def __init__(self, settings: Settings, clock: Clock, tracker: LinkTracker | None) -> None:
        self._pages = pages_of(settings)
        self._media = media_links_of(settings)
        self._clock = clock
        self._tracker = tracker
        self.bot: str | None = None

    def of(self, outgoing: Outgoing) -> EmailUrls:
        """Return them; without PUBLIC_URL there are none but the bot's.

        Nor for the letter that asks whether an address is the contact's: as long as that is not
        known, who reads it must not come to the contact's settings.
        """
        pages = self._pages
        if pages is None or outgoing.message.asked_for:
            return EmailUrls("", "", bot=self.bot)
        contact_id, delivery_id = outgoing.address.contact_id, outgoing.delivery_id
        now = self._clock.now()
        tracker = self._tracker if outgoing.message.track else None
        return EmailUrls(
            pages.unsubscribe(contact_id, now, delivery_id),
            pages.preferences(contact_id, now),
            tracker.pixel(delivery_id, contact_id) if tracker else None,
            partial(tracker.link, delivery_id, contact_id) if tracker else untracked,
            self._media,
            self.bot,
            tracker.trap(delivery_id, contact_id) if tracker else None,
            lambda data, label: pages.press(Press(contact_id, delivery_id, data, label)),
        )

    async def keep(self) -> None:
        """Store what tracked links need."""
        if self._tracker is not None:
            await self._tracker.keep()


def email_channel(
    settings: Settings,
    database: Database,
    clock: Clock,
    tracker: LinkTracker | None,
    real_time: RealTime | None = None,
) -> EmailChannel | None:
    """Return the channel of the settings, or None when there is no way for emails to go out.

    Raises Invalid when there is one, and nobody whom emails are from.
    """
    if not settings.has_email:
        return None
    return EmailChannel(
        _transport(settings, database, clock, real_time or RealTime()),
        settings.sender,
        UrlsOfDelivery(settings, clock, tracker),
        SuppressedAddresses(database),
        clock,
    )


def _transport(
    settings: Settings, database: Database, clock: Clock, real_time: RealTime
) -> EmailTransport:
    media = ContentFiles(database)
    if settings.resend_api_key is not None:
        key = settings.resend_api_key.get_secret_value()
        client = ResendClient(settings.resend_api_base, key)
        journal, turns = DatabaseJournal(database, clock), SharedTurns(database, real_time)
        return ResendTransport(client, media, journal, turns)
    # Here, for a process that sends nothing by SMTP has no use for its library.
    from dripline.channels.email_smtp import SmtpTransport
    from dripline.clients.smtp import SmtpClient

    server = settings.smtp_server
    assert server is not None  # noqa: S101 - has_email says so
    bounces = sender(settings.bounce_address) if settings.bounce_address else None
    return SmtpTransport(SmtpClient(server), media, bounces, _signer(settings))


def _signer(settings: Settings) -> Signer | None:
    if settings.dkim_private_key is None:
        return None
    if settings.dkim_selector is None:
        raise Invalid(
            "DKIM_SELECTOR is not set. It is the name under which the public key stands in DNS: "
            "DKIM_SELECTOR._domainkey.example.com.",
            code="NO_DKIM_SELECTOR",
        )
    domain = settings.dkim_domain or settings.sender.domain
    try:
        pem = settings.dkim_private_key.get_secret_value()
        return Signer(pem, settings.dkim_selector, domain)
    except ValueError as error:
        raise Invalid(
            f"DKIM_PRIVATE_KEY cannot be used: {error}.", code="INVALID_DKIM_KEY"
        ) from None


def resend_drain(settings: Settings, database: Database) -> ResendDrain:
    """Return the duty that handles what Resend tells."""
    return ResendDrain(database, Engagement(settings))


class Engagement:
    """Hands opens and clicks that Resend saw to those who tell people from machines."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self, session: AsyncSession, one: Engaged) -> None:
        """Store one, and tell of it if a person did it."""
        delivery = one.delivery
        mark = Mark(
            "link" if one.is_click else "pixel",
            delivery.id,
            delivery.contact_id,
            url=one.url or "",
        )
        agent = one.user_agent or _UNSAID
        one_id = uuid.uuid5(uuid.NAMESPACE_URL, one.id)
        seen = Seen(one_id, one.at, mark, "GET", one.ip[:45], agent[:500], "")
        await store(session, Seal(self._settings.signing_key), [seen])
