"""What the web part serves, built from the engine."""

from fastapi import APIRouter

from dripline.api import admin, email, media, telegram, v1
from dripline.api.auth import Auth
from dripline.api.backend import Backend
from dripline.api.pages.leave import Leaving
from dripline.api.pages.preferences import PreferencePages
from dripline.api.pages.press import Pressing
from dripline.api.pages.verify import Verifying
from dripline.bot.webhook import Webhook
from dripline.channels.content_files import ContentFiles
from dripline.channels.resend_webhook import ResendWebhook
from dripline.wiring.consent import pages_of
from dripline.wiring.email import EMAIL
from dripline.wiring.email_trial import EmailTrial
from dripline.wiring.engine import Engine, broadcast_renderer
from dripline.wiring.media import media_links_of
from dripline.wiring.rotations import rotations


def backend_of(engine: Engine) -> Backend:
    """Return what endpoints work with."""
    settings = engine.settings
    return Backend(
        engine.database,
        engine.clock,
        engine.store,
        settings,
        Auth(settings, engine.database, engine.clock),
        broadcast_renderer(engine.store, settings.default_language),
        rotations(settings),
        _email_trial(engine),
    )


def _email_trial(engine: Engine) -> EmailTrial | None:
    channel = engine.channels.get(EMAIL)
    if channel is None:
        return None
    return EmailTrial(channel, engine.database, engine.store, engine.settings.default_language)


def routers_of(engine: Engine) -> list[APIRouter]:
    """Return every router: those that anybody may call, then those behind a key.

    A room that adds endpoints adds its router here (public ones: webhooks, links, pages), or in
    `api/v1` (behind a key).
    """
    webhook = Webhook(engine.database, engine.clock, engine.settings.signing_key, engine.clients)
    return [
        telegram.router(webhook),
        email.router(_told(engine)),
        *_pages(engine),
        *_files(engine),
        *v1.routers(),
        *admin.routers(),
    ]


def _files(engine: Engine) -> list[APIRouter]:
    """Return the route of files that emails show, where emails can lead to it."""
    links = media_links_of(engine.settings)
    return [media.router(links, ContentFiles(engine.database))] if links else []


def _pages(engine: Engine) -> list[APIRouter]:
    """Return the pages of contacts, where there is an address that leads to them."""
    pages = pages_of(engine.settings)
    if pages is None:
        return []
    parts = (engine.database, engine.clock, pages, engine.settings.default_language)
    return [kind(*parts).router() for kind in (PreferencePages, Leaving, Verifying, Pressing)]


def _told(engine: Engine) -> ResendWebhook:
    secret = engine.settings.resend_webhook_secret
    key = secret.get_secret_value() if secret else None
    return ResendWebhook(engine.database, engine.clock, key)
