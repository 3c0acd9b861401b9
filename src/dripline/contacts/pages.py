"""Where a contact's own pages are: their wishes, the way out, the answer to a verification."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from dripline.contacts.tokens import Press, Purpose, Tokens


@dataclass(frozen=True, slots=True)
class Pages:
    """Makes addresses of pages under the installation's own (`PUBLIC_URL`)."""

    tokens: Tokens
    public_url: str

    def preferences(self, contact_id: uuid.UUID, now: datetime) -> str:
        """Return the page of a contact's wishes."""
        return f"{self.public_url}/p/{self.tokens.make(Purpose.PREFERENCES, contact_id, now)}"

    def unsubscribe(
        self, contact_id: uuid.UUID, now: datetime, delivery_id: uuid.UUID | None = None
    ) -> str:
        """Return the way out; mail programs POST to it (RFC 8058)."""
        token = self.tokens.make(Purpose.UNSUBSCRIBE, contact_id, now, delivery_id)
        return f"{self.public_url}/u/{token}"

    def press(self, press: Press) -> str:
        """Return the page on which a button of an email is pressed."""
        return f"{self.public_url}/b/{self.tokens.make_press(press)}"

    def verify(self, verification_id: uuid.UUID, now: datetime) -> str:
        """Return where the owner of a mailbox says that it is theirs."""
        return f"{self.public_url}/v/{self.tokens.make(Purpose.VERIFY, verification_id, now)}"
