"""Mailboxes of the sandbox's people: what arrived, in memory, the newest last."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape

from dripline.sandbox.world.changes import Change, Changes
from dripline.sandbox.world.people import User

_KEPT = 300
_PREHEADER = re.compile(r'<div style="display:none;[^"]*">([^<]*)</div>')
_FILLER = re.compile("[\u034f\u200c\u200b\u00a0]+")


@dataclass(slots=True)
class Mail:
    """An email as it arrived; `files` are pictures and files that came along, by content id."""

    id: int
    user: User
    sender: str
    subject: str
    html: str
    plain: str
    date: int
    unsubscribe: str = ""
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)  # name and bytes
    read: bool = False
    left: bool = False  # the owner has unsubscribed by it

    @property
    def snippet(self) -> str:
        """What a list shows behind the subject: the hidden beginning, else the text."""
        hidden = _PREHEADER.search(self.html)
        shown = _FILLER.sub("", unescape(hidden[1])) if hidden else ""
        return " ".join((shown.strip() or self.plain).split())[:160]


class PostOffice:
    """Takes emails to the people of the sandbox."""

    def __init__(
        self, people: Mapping[int, User], changes: Changes, date: Callable[[], int]
    ) -> None:
        self._people = people
        self._changes = changes
        self._date = date
        self._last = 0
        self._kept: deque[Mail] = deque(maxlen=_KEPT)

    def owner(self, address: str) -> User | None:
        """Return whose mailbox an address is, or None."""
        wanted = address.strip().lower()
        return next(
            (one for one in self._people.values() if one.email and one.email.lower() == wanted),
            None,
        )

    def deliver(
        self,
        address: str,
        *,
        sender: str,
        subject: str,
        html: str,
        plain: str,
        unsubscribe: str = "",
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> Mail | None:
        """Put an email into a mailbox; None when nobody has this address."""
        user = self.owner(address)
        if user is None or user.deleted:
            return None
        self._last += 1
        mail = Mail(
            self._last,
            user,
            sender,
            subject,
            html,
            plain,
            self._date(),
            unsubscribe,
            files or {},
        )
        self._kept.append(mail)
        self._changes.tell(Change("mail", mail=mail))
        return mail

    def all(self) -> list[Mail]:
        """Return every email that is kept."""
        return list(self._kept)

    def find(self, number: int) -> Mail | None:
        """Return an email by its number, or None."""
        return next((one for one in self._kept if one.id == number), None)

    def changed(self, mail: Mail) -> None:
        """Tell that something about an email has changed."""
        self._changes.tell(Change("mail", mail=mail))
