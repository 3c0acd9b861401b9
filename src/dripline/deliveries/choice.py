"""Which channel a message takes: a pure function over what is known of the contact.

The first of these that says something decides:

    asked       the message or its enrollment names a channel, or both
    preferred   the contact has set one
    engaged     the contact answers more on one
    default     Telegram

Only what reaches the contact counts: an address that is reachable, on a channel that is set up and
that the scenario may use. A contact who wants no messages of this kind is reached by none. What is
left stands behind the first, in the same order: there the message goes when the first fails.
"""

import uuid
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from dripline.contacts.models import REACHABLE
from dripline.deliveries.protocols import AddressRef

TELEGRAM: Final = "telegram"
EMAIL: Final = "email"
BOTH: Final = "both"
CHANNELS: Final = (TELEGRAM, EMAIL)  # the order of those that nobody asked for
OVERRIDES: Final = (*CHANNELS, BOTH)

ASKED, PREFERRED, ENGAGED, DEFAULT = "asked", "preferred", "engaged", "default"
ONLY: Final = "only"  # another channel was wanted, and does not reach the contact
FALLBACK: Final = "fallback"  # another channel was tried
NOT_OPTED_IN: Final = "not_opted_in"
NO_ADDRESS: Final = "no_address"


class Way(NamedTuple):
    """An address of a contact, and whether it reaches them."""

    address: AddressRef
    reachability: str


class Wishes(NamedTuple):
    """What a contact wants of channels: set by them, or learned."""

    preferred: str | None = None
    engaged: str | None = None
    opted_in: bool = True  # to messages of the kind that is to be sent


NO_WISHES: Final = Wishes()


class Choice(NamedTuple):
    """The addresses a message takes, the first before its fallbacks; empty: none reaches.

    `reason` is one of this module's; for an empty choice it says why nothing reaches the contact.
    """

    ways: tuple[AddressRef, ...]
    reason: str
    both: bool = False


def choose(
    ways: Iterable[Way],
    *,
    asked: str | None = None,
    wishes: Wishes = NO_WISHES,
    allowed: Collection[str] = CHANNELS,
    tried: Collection[str] = (),
) -> Choice:
    """Return where a message goes, and why.

    `ways` are the contact's addresses; of several on one channel the first that reaches counts.
    `allowed` are channels that are set up and that the scenario may use, `tried` those on which the
    message has failed.
    """
    found = list(ways)
    usable = _usable(found, wishes, allowed, tried)
    if not usable:
        return Choice((), _why_not(found, wishes, allowed))
    wanted, reason = _wanted(asked, wishes)
    order = sorted(usable, key=lambda channel: (channel != wanted, _rank(channel)))
    if tried:
        reason = FALLBACK
    elif order[0] != wanted:
        reason = ONLY
    both = asked == BOTH and not tried and len(order) > 1
    return Choice(tuple(usable[channel] for channel in order), reason, both)


def _usable(
    ways: Iterable[Way], wishes: Wishes, allowed: Collection[str], tried: Collection[str]
) -> dict[str, AddressRef]:
    usable: dict[str, AddressRef] = {}
    if not wishes.opted_in:
        return usable
    for address, reachability in ways:
        channel = address.channel
        if reachability != REACHABLE or channel not in allowed or channel in tried:
            continue
        usable.setdefault(channel, address)
    return usable


def _wanted(asked: str | None, wishes: Wishes) -> tuple[str, str]:
    if asked in CHANNELS:
        return asked, ASKED
    if asked == BOTH:
        return TELEGRAM, ASKED
    if wishes.preferred in CHANNELS:
        return wishes.preferred, PREFERRED
    if wishes.engaged in CHANNELS:
        return wishes.engaged, ENGAGED
    return TELEGRAM, DEFAULT


def _rank(channel: str) -> int:
    return CHANNELS.index(channel) if channel in CHANNELS else len(CHANNELS)


def _why_not(ways: Iterable[Way], wishes: Wishes, allowed: Collection[str]) -> str:
    """Return why nothing reaches a contact: what is wrong with the first address that might."""
    if not wishes.opted_in:
        return NOT_OPTED_IN
    for address, reachability in ways:
        if address.channel in allowed and reachability != REACHABLE:
            return reachability
    return NO_ADDRESS


def home_first(ways: Iterable[Way], home: uuid.UUID) -> list[Way]:
    """Return addresses with the one that an enrollment was entered from ahead of the others."""
    return sorted(ways, key=lambda way: way.address.id != home)
