"""What consent needs of the settings: where the pages are, who sends the letter that asks."""

from collections.abc import Collection
from urllib.parse import urlsplit

from dripline.bot.handle import Mail
from dripline.contacts.pages import Pages
from dripline.contacts.tokens import Tokens
from dripline.content.store import ContentStore
from dripline.deliveries.verification import ConsentOrigin
from dripline.settings import Settings


def pages_of(settings: Settings) -> Pages | None:
    """Return where contacts' pages are; None without PUBLIC_URL: no link would lead there.

    Only then is the key asked for: asking may make one.
    """
    if settings.public_url is None:
        return None
    return Pages(Tokens(settings.signing_key), settings.public_url)


def consent_origin(
    store: ContentStore, settings: Settings | None, default_language: str
) -> ConsentOrigin:
    """Return who sends verifications; without PUBLIC_URL none goes out."""
    pages = pages_of(settings) if settings else None
    return ConsentOrigin(store, pages, default_language, _sender(settings, pages))


def _sender(settings: Settings | None, pages: Pages | None) -> str:
    """Return who asks, as the letter says it: the name that emails are from, else our address."""
    if settings is not None and settings.from_email and settings.sender.name:
        return settings.sender.name
    return (urlsplit(pages.public_url).hostname or "") if pages else ""


def mail_of(settings: Settings, channels: Collection[str]) -> Mail:
    """Return what contacts can do beyond the chat."""
    return Mail(pages_of(settings), "email" in channels)
