"""setWebhook and its kin: where a bot's updates go instead of waiting to be fetched."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.loopback import is_loopback
from dripline.sandbox.botapi.methods.updates import SET_WEBHOOK, end_poll, read_allowed_updates
from dripline.sandbox.world.bots import Webhook
from dripline.sandbox.world.messages import Json

_SECRET = re.compile(r"[A-Za-z0-9_-]*")
_MAX_SECRET = 256


def set_webhook(api: Api, call: Call) -> bool:
    """setWebhook. Unlike the real one it takes plain http, but only to this machine."""
    url = call.text("url")
    if not url:
        return delete_webhook(api, call)
    _check_url(url)
    secret = call.text("secret_token")
    if len(secret) > _MAX_SECRET:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    read_allowed_updates(call)
    if call.flag("drop_pending_updates"):
        call.bot.updates.clear()
    end_poll(call.bot, SET_WEBHOOK)
    connections = call.integer("max_connections", 40, 1, 100)
    call.bot.webhook = Webhook(url, secret, connections, ip_address="127.0.0.1")
    api.webhooks.watch(call.bot, api.telegram.date)
    return True


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname, parts.scheme
    except ValueError as error:
        raise bad_request("invalid webhook URL specified") from error
    if not host or scheme not in ("http", "https"):
        raise bad_request("invalid webhook URL specified")
    if is_loopback(host):
        return
    if scheme == "http":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    raise bad_request("bad webhook: the sandbox delivers to 127.0.0.1 and localhost only")


def delete_webhook(api: Api, call: Call) -> bool:
    """deleteWebhook."""
    if call.flag("drop_pending_updates"):
        call.bot.updates.clear()
    call.bot.webhook = Webhook()
    api.webhooks.watch(call.bot, api.telegram.date)
    return True


def log_out(api: Api, call: Call) -> bool:
    """logOut: what waited and the webhook are gone; the next call logs in again."""
    call.bot.updates.clear()
    return delete_webhook(api, call)


def close(_api: Api, _call: Call) -> bool:
    """close: the next call opens the bot again."""
    return True


def get_webhook_info(_api: Api, call: Call) -> Json:
    """getWebhookInfo."""
    hook, updates = call.bot.webhook, call.bot.updates
    view: Json = {"url": hook.url, "has_custom_certificate": False}
    view["pending_update_count"] = len(updates)
    if hook.last_error_at:
        view["last_error_date"] = hook.last_error_at
        view["last_error_message"] = hook.last_error
    if hook.url:
        view["max_connections"] = hook.max_connections
        view["ip_address"] = hook.ip_address
    if updates.allowed:
        view["allowed_updates"] = sorted(updates.allowed)
    return view
