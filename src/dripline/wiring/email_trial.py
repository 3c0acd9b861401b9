"""Send a test email, by the very way that all emails go."""

from dripline.clock import Clock
from dripline.contacts import queries as contacts
from dripline.contacts.email_address import normalise
from dripline.content.email.trial import trial_letter
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.deliveries.protocols import AddressRef, Channel, Outgoing
from dripline.errors import Conflict, Invalid, SendFailure
from dripline.ids import new_id
from dripline.settings import Settings
from dripline.wiring.email import EMAIL, email_channel

NO_EMAIL = "EMAIL_NOT_CONFIGURED"
NOT_SENT = "EMAIL_NOT_SENT"


class EmailTrial:
    """Sends test emails past the queue, by a channel.

    They are nobody's deliveries: nothing is logged, opens and clicks are not counted.
    """

    def __init__(
        self, channel: Channel, database: Database, store: ContentStore, language: str
    ) -> None:
        self._channel = channel
        self._database = database
        self._store = store
        self._language = language

    async def __call__(
        self, address: str, user_name: str, layout: str, language: str = ""
    ) -> str | None:
        """Send one to a normalised address; return what it was taken as, if that was said.

        Raises NotFound for an unknown layout, and a SendFailure.
        """
        async with self._database.reading() as session:
            library = await self._store.current(session)
            known = await contacts.address_of_value(session, EMAIL, "", address)
        message = trial_letter(library.layouts, layout, user_name, language or self._language)
        contact_id = known.contact_id if known else new_id()
        ref = AddressRef(new_id(), contact_id, EMAIL, "", address)
        sent = await self._channel.send(Outgoing(new_id(), ref, message))
        return sent.provider_ids[0] if sent.provider_ids else None


async def send_trial(
    settings: Settings,
    database: Database,
    clock: Clock,
    address: str,
    *,
    layout: str,
    user_name: str,
    language: str,
) -> str | None:
    """Send a test email by the settings' own way; return what it was taken as.

    Raises Invalid for an address that is none, or where emails are not set up, Conflict
    (EMAIL_NOT_SENT) when it was not taken.
    """
    value = normalise(address)
    channel = email_channel(settings, database, clock, None)
    if channel is None:
        raise Invalid(
            "Emails cannot go out yet: set SMTP_URL or RESEND_API_KEY, and FROM_EMAIL.",
            code=NO_EMAIL,
        )
    trial = EmailTrial(channel, database, ContentStore(database), settings.default_language)
    try:
        return await trial(value, user_name, layout, language)
    except SendFailure as failure:
        raise Conflict(
            f"The email to {value} was not taken: {failure.reason}", code=NOT_SENT
        ) from failure
    finally:
        await channel.close()
