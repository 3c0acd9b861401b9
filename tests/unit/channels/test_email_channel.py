"""The email channel keeps to the list of addresses that nothing is sent to."""

import pytest

from dripline.channels.email import EmailChannel, Letter
from dripline.channels.email_suppressed import SuppressedAddresses
from dripline.clock import VirtualClock
from dripline.contacts import suppression
from dripline.content.rendered import EmailUrls, Rendered
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries.protocols import AddressRef, Outgoing
from dripline.deliveries.verification import verification_letter
from dripline.errors import Unreachable
from dripline.ids import new_id
from dripline.mail_settings import Sender


class Kept:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> str | None:
        self.letters.append(letter)
        return None

    async def close(self) -> None:
        return


class Urls:
    bot: str | None = None

    def of(self, outgoing: Outgoing) -> EmailUrls:
        return EmailUrls("https://x.example/u/1", "https://x.example/p/1")

    async def keep(self) -> None:
        return


def verification() -> Rendered:
    url = "https://x.example/v/1"
    return verification_letter(url, "en", "Anna", "School & Co", Library().layouts)


@pytest.mark.parametrize(
    ("reason", "sent"), [(None, 1), ("unsubscribed", 1), ("bounced", 0), ("complained", 0)]
)
async def test_what_was_asked_for_goes_to_who_had_left_but_not_to_who_complained(
    database: Database, clock: VirtualClock, reason: str | None, sent: int
) -> None:
    transport = Kept()
    sender = Sender("School", "school@example.com")
    channel = EmailChannel(transport, sender, Urls(), SuppressedAddresses(database), clock)
    if reason is not None:
        async with database.transaction() as session:
            await suppression.suppress(session, "anna@example.com", reason, clock.now())
    address = AddressRef(new_id(), new_id(), "email", "", "anna@example.com")
    outgoing = Outgoing(new_id(), address, verification())
    if sent:
        await channel.send(outgoing)
    else:
        with pytest.raises(Unreachable):
            await channel.send(outgoing)
    assert len(transport.letters) == sent


def test_the_link_is_in_the_email_and_not_in_the_log() -> None:
    letter = verification()
    assert letter.email is not None
    assert not letter.track
    parts = letter.email.assemble(EmailUrls("https://x.example/u/1", "https://x.example/p/1"))
    assert "https://x.example/v/1" in parts.plain
    assert "https://x.example/v/1" in parts.html
    assert "/v/" not in letter.text
    assert "School &amp; Co" in parts.html
