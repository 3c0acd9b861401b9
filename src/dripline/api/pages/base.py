"""What every page of a contact stands on."""

from dripline.clock import Clock
from dripline.contacts.pages import Pages
from dripline.database import Database


class ContactPages:
    """The rooms below, and the language of whoever we know nothing of."""

    def __init__(self, database: Database, clock: Clock, pages: Pages, default: str) -> None:
        self._database = database
        self._clock = clock
        self._pages = pages
        self._default = default
