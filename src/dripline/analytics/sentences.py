"""Reasons in words. Codes stand in the database; what people read is made here."""

from collections.abc import Callable, Sequence
from datetime import datetime

from dripline.deliveries.timing import zone_of
from dripline.texts import gettext as _
from dripline.texts import marked

_DECISIONS = {
    "enrolled": marked("Entered the scenario"),
    "resumed": marked("Goes on"),
    "wait": marked("Not yet"),
    "skip": marked("Passed over"),
    "park": marked("Stands still"),
    "stopped": marked("Stopped"),
    "completed": marked("Completed"),
    "fallback": marked("Goes out on another channel"),
}
_HOLDS = {
    "action": marked("Waits for an action"),
    "unreachable": marked("Waits until the contact can be reached"),
    "paused": marked("Waits: the scenario is paused"),
    "off": marked("Waits: the scenario is switched off"),
    "gone": marked("Waits: there is no such scenario any more"),
}
_CHANNELS = {
    "asked": marked("{channel} was asked for"),
    "preferred": marked("the contact prefers {channel}"),
    "engaged": marked("the contact answers more on {channel}"),
    "default": marked("{channel} is the usual channel"),
    "only": marked("only {channel} reaches the contact"),
}
_REASONS = {
    "asked_for": marked("the contact asked for it"),
    "imported": marked("brought along from another bot"),
    "asked_again": marked("asked for again"),
    "advanced_by_hand": marked("brought on by hand"),
    "completed_by_hand": marked("completed by hand"),
    "cancelled": marked("cancelled by hand"),
    "api": marked("by the API"),
    "rule": marked("a rule of the scenario"),
    "returned": marked("the contact came back"),
    "consent": marked("for the contact to confirm an address"),
    "summary": marked("the scenario is completed: its summary"),
    "system": marked("an answer of the bot itself"),
    "first_message": marked("the first message"),
    "due": marked("its delay was over"),
    "wait_timed_out": marked("the action did not come in time"),
    "not_due_yet": marked("its delay is not over"),
    "awaiting_action": marked("an action is awaited"),
    "already_sent": marked("it was sent before"),
    "condition_not_met": marked("its condition is not met"),
    "held_out": marked("an experiment leaves it out for some, to compare with"),
    "no_messages_left": marked("no messages are left"),
    "no_messages": marked("the scenario has no messages"),
    "last_message_sent": marked("the last message was sent"),
    "last_action_done": marked("the last action was done"),
    "scenario_paused": marked("the scenario is paused"),
    "scenario_off": marked("the scenario is switched off"),
    "reachable_again": marked("the contact can be reached again"),
    "blocked": marked("the contact has blocked the bot"),
    "needs_start": marked("the contact has not started the bot"),
    "deactivated": marked("the contact's account is deleted"),
    "unreachable": marked("the contact cannot be reached"),
    "not_opted_in": marked("the contact does not want messages of this kind"),
    "template": marked("the template failed"),
    "rejected": marked("the channel rejected it"),
    "empty": marked("there is neither text nor a file in it"),
    "button": marked("a button of it cannot be sent"),
    "media": marked("a file of it is missing"),
    "too_large": marked("a file of it is too large"),
    "bad_file": marked("Telegram does not know a file of it"),
    "migrated": marked("the group has moved"),
    "no_email": marked("it cannot be made an email"),
    "address": marked("it is no address"),
    "mailbox_full": marked("the mailbox is full"),
    "attempts": marked("every attempt failed"),
    "failed": marked("the channel failed"),
    "failed_everywhere": marked("every channel failed"),
    "bounced": marked("emails to the contact bounce"),
    "complained": marked("the contact called an email spam"),
    "unsubscribed": marked("the contact has unsubscribed"),
    "unverified": marked("the email address is not confirmed"),
    "kicked": marked("the bot was removed from the chat"),
    "no_address": marked("the contact has no address for it"),
    "bounced_late": marked("an email came back, and nothing was sent since"),
    "both": marked("on both channels: the second copy"),
    "quiet_hours": marked("quiet hours"),
    "weekday": marked("not on this day of the week"),
    "preferred_time": marked("the contact prefers another time of day"),
    "best_hour": marked("the contact answers more at another hour"),
    "capped": marked("the contact has had as many messages as they get"),
    "message.fell_back": marked("Went over to another channel"),
    "email.bounced": marked("An email came back"),
    "email.complained": marked("Called an email spam"),
    "email.unsubscribed": marked("Unsubscribed"),
    "admin.acted": marked("Gave an order as an admin"),
    "contact.created": marked("First seen"),
    "bot.started": marked("Pressed Start"),
    "callback.pressed": marked("Pressed a button"),
    "link.clicked": marked("Followed a link"),
    "message.received": marked("Wrote a message"),
    "consent.changed": marked("Changed what they agree to"),
    "address.unreachable": marked("Cannot be reached any more"),
    "address.reachable": marked("Can be reached again"),
    "registered": marked("Registered"),
    "lifecycle.changed": marked("Came to another state"),
    "lifecycle.warned": marked("Warned for being away"),
    "lifecycle.decayed": marked("Hidden from the leaderboard for being away"),
    "lifecycle.returned": marked("Came back"),
    "referral.counted": marked("Somebody they invited has joined"),
    "referral.held": marked("Somebody they invited has joined; it counts after a while"),
    "referral.flagged": marked("A referral of theirs waits for review"),
    "referral.approved": marked("A referral of theirs was approved"),
    "referral.rejected": marked("A referral of theirs was rejected"),
    "broadcast": marked("a broadcast"),
    "broadcast_test": marked("a broadcast, as a test"),
    "not_meant_any_more": marked("the broadcast is not meant for the contact any more"),
    "paid": marked("what was paid for"),
    "payment.succeeded": marked("Paid"),
    "payment.claimed": marked("A payment was put down to a scenario"),
    "payment.unmatched": marked("A payment belongs to no scenario"),
    "scenario.started": marked("Started the scenario"),
    "scenario.completed": marked("Completed the scenario"),
    "scenario.stopped": marked("Stopped the scenario"),
}


def decision_title(kind: str, language: str | None) -> str:
    """Return what a kind of decision is called."""
    return _(_DECISIONS.get(kind, kind), language)


def hold_title(hold: str, language: str | None) -> str:
    """Return why an enrollment stands still."""
    return _(_HOLDS.get(hold, hold), language)


def sent_title(channel: str, language: str | None) -> str:
    """Return that a message was sent, and how."""
    return _("Sent by {channel}", language, channel=channel.capitalize())


def failure_title(channel: str, language: str | None) -> str:
    """Return that a message failed, and where."""
    return _("Could not be sent by {channel}", language, channel=channel.capitalize())


def channel_words(
    channel: str, reason: str, tried: Sequence[Sequence[str]], language: str | None
) -> str:
    """Return why a message took a channel; `tried` are those that failed, each with its code."""
    if tried:
        failed, code = tried[-1]
        return _(
            "fell back from {channel}: {reason}",
            language,
            channel=failed.capitalize(),
            reason=reason_words(code, language),
        )
    words = _CHANNELS.get(reason)
    return _(words, language, channel=channel.capitalize()) if words else ""


def until_words(reason: str, until: datetime, timezone: str | None, language: str | None) -> str:
    """Return a reason to wait with its end, by the contact's own clock."""
    local = until.astimezone(zone_of(timezone))
    return _(
        "{reason}; until {moment} ({zone})",
        language,
        reason=reason_words(reason, language),
        moment=f"{local:%Y-%m-%d %H:%M}",
        zone=timezone or "UTC",
    )


def _plain(action: str) -> str:
    return action.removeprefix("callback:").removeprefix("event:")


def reason_words(
    code: str, language: str | None, action_words: Callable[[str], str] = _plain
) -> str:
    """Return a reason in words; a code without words, such as of a custom event, as it is.

    `action_words` says what was asked for, such as `callback:DONE`.
    """
    name, _colon, what = code.partition(":")
    match name, what:
        case "switched_to", str(scenario) if scenario:
            return _("the contact went over to “{scenario}”", language, scenario=scenario)
        case "action", str(action) if action:
            shown = action_words(action)
            return _("the contact did what was asked: {action}", language, action=shown)
    return _(_REASONS.get(code, code), language)
