"""Events of a contact in words: what happened, and the part of it that people ask for."""

from collections.abc import Mapping

from dripline.analytics.buttons import Buttons
from dripline.analytics.consent_words import changes_told
from dripline.analytics.sentences import reason_words
from dripline.content.store import Library
from dripline.events.models import Event
from dripline.texts import gettext as _
from dripline.texts import marked

_TOLD = ("data", "text", "what", "payload", "to", "state", "reason", "label", "url")
_AGAIN = {
    "verified": marked("the email address is confirmed"),
    "resubscribed": marked("subscribed again"),
    "unblocked_the_bot": marked("the bot is not blocked any more"),
}

_NOT_THEIRS = ("bounce", "complaint")  # who told: a mail server, not the contact


def event_words(
    row: Event, language: str | None, buttons: Buttons, library: Library
) -> tuple[str, str]:
    """Return what an event is called, and its detail, which may be empty."""
    title = reason_words(row.name, language)
    match row.name:
        case "callback.pressed":
            return title, _pressed(row.data, language, buttons)
        case "bot.started":
            return title, _way(row.data, language, library)
        case "consent.changed":
            if row.data.get("source") in _NOT_THEIRS:
                title = _("News of their email address", language)
            return title, changes_told(row.data.get("changes"), language)
        case "address.unreachable":
            return title, reason_words(str(row.data.get("state") or ""), language)
        case "address.reachable":
            return title, _again(row.data.get("reason"), language)
    return title, _first(row.data)


def _pressed(data: Mapping[str, object], language: str | None, buttons: Buttons) -> str:
    """Return which button it was, or under which post."""
    match data:
        case {"promo": promo, "chat": chat}:
            return _("under the post “{post}” in {chat}", language, post=promo, chat=chat)
    return buttons.words(_first(data))


def _way(data: Mapping[str, object], language: str | None, library: Library) -> str:
    """Return which link led here; empty for a bare start."""
    match data.get("code"):
        case {"kind": "post", "promo": promo, "chat": chat}:
            return _("by the post “{post}” in {chat}", language, post=promo, chat=chat)
        case {"kind": "referral"}:
            return _("by somebody's referral link", language)
    if led_to := str(data.get("scenario_id") or ""):
        scenario = library.scenario(led_to)
        return scenario.name if scenario else led_to  # it may be gone by now
    payload = _first(data)
    if data.get("code"):  # of an event that says no more
        return payload
    return _("by a link that leads nowhere: {link}", language, link=payload) if payload else ""


def _again(reason: object, language: str | None) -> str:
    words = _AGAIN.get(str(reason))
    return _(words, language) if words else ""


def _first(data: Mapping[str, object]) -> str:
    return next((str(data[name])[:200] for name in _TOLD if data.get(name)), "")
