"""Tell operators something in their chats with a bot, each in their language."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.deliveries import system
from dripline.deliveries.protocols import AddressRef


async def tell_operators(
    session: AsyncSession,
    operators: Sequence[int],
    default_language: str,
    words: Callable[[str], str],
    now: datetime,
) -> None:
    """Queue what `words` says in an operator's language; operators are Telegram ids.

    One who has never written to a bot cannot be written to, and is passed over.
    """
    for operator in operators:
        address = await contacts.any_telegram_address(session, str(operator))
        if address is None:
            continue
        known = await contacts.contact(session, address.contact_id)
        language = (known.language if known else None) or default_language
        to = AddressRef(
            address.id,
            address.contact_id,
            address.channel,
            address.bot,
            address.value,
            address.next_send_at,
        )
        await system.say(session, to, words(language), now)
