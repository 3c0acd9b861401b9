"""`/email`: a contact gives an address, confirms it by a letter, changes or removes it."""

from typing import Final

from dripline.bot.handle.talk import Row, Talk
from dripline.contacts import consent_queries, email
from dripline.contacts.models import REACHABLE, Address
from dripline.deliveries.verification import send_verification
from dripline.errors import Conflict, DriplineError, Invalid
from dripline.texts import gettext as _

EMAIL: Final = "email"  # what the bot may wait to read
_BUTTON: Final = "settings:email:"


async def command(talk: Talk, text: str) -> None:
    """Follow `/email`, with or without an address."""
    await talk.asked_enough()
    given = (text.split(maxsplit=1)[1:] or [""])[0]
    if not talk.scene.mail.is_set_up:
        await talk.say(_("Emails are not set up here yet: I write to you in this chat.",
                         talk.language))  # fmt: skip
    elif given:
        await written(talk, given)
    else:
        await show(talk)


async def show(talk: Talk, head: str | None = None) -> None:
    """Show the address with what can be done about it; without one, ask for it."""
    language = talk.language
    contact_id = talk.known.contact_id
    address = await consent_queries.email_of(talk.session, contact_id)
    if address is None:
        await _ask(talk)
        return
    lines = [head] if head else []
    lines.append(_("Your email: {email}", language, email=told(address, language)))
    waiting = await email.waiting(talk.session, contact_id, talk.now)
    if waiting is not None and waiting != address.value:
        lines.append(_("{email} waits for you to confirm it.", language, email=waiting))
    await talk.say("\n".join(lines), *_buttons(talk, address, waiting))


async def pressed(talk: Talk, action: str) -> None:
    """Follow a button about email."""
    if not talk.scene.mail.is_set_up and action not in {"remove", "leave"}:
        await command(talk, "")
        return
    match action:
        case "change":
            await _ask(talk)
        case "again":
            await _send_again(talk)
        case "leave" | "back" | "remove":
            await _do(talk, action)
        case _:
            await show(talk)


async def written(talk: Talk, text: str) -> None:
    """Take an address that was written, and send the letter that asks."""
    said = talk.evidence(_("What is your email address?", talk.language))
    try:
        given = await email.give(talk.session, talk.known.contact_id, text, said, talk.now)
    except Invalid as error:
        await talk.ask(EMAIL)
        await talk.say(_(error.message, talk.language))
        return
    except Conflict as error:
        await talk.say(_(error.message, talk.language))
        return
    await talk.asked_enough()
    if await send_verification(talk.session, given, talk.now):
        await _say_sent(talk, given.value)
    else:
        await show(talk, _("This is your address already.", talk.language))


def told(address: Address | None, language: str | None) -> str:
    """Return an address with its state, in words."""
    if address is None:
        return _("none", language)
    match address.reachability:
        case state if state == REACHABLE:
            return f"{address.value} ✅"
        case email.UNVERIFIED:
            return _("{email}, not confirmed yet", language, email=address.value)
        case email.UNSUBSCRIBED:
            return _("{email}, unsubscribed", language, email=address.value)
        case _:
            return _("{email}, emails come back", language, email=address.value)


def _buttons(talk: Talk, address: Address, waiting: str | None) -> list[Row]:
    language = talk.language
    rows: list[Row] = []
    if waiting is not None:
        rows.append(((_("Send the email again", language), f"{_BUTTON}again"),))
    if address.reachability == email.UNSUBSCRIBED:
        rows.append(((_("Get emails again", language), f"{_BUTTON}back"),))
    if address.reachability == REACHABLE:
        rows.append(((_("Stop all emails", language), f"{_BUTTON}leave"),))
    rows.append(
        (
            (_("Change", language), f"{_BUTTON}change"),
            (_("Remove", language), f"{_BUTTON}remove"),
        )
    )
    return rows


async def _ask(talk: Talk) -> None:
    await talk.ask(EMAIL)
    await talk.say(
        _("What is your email address? Write it here, and I will send you an email to confirm it.",
          talk.language)
    )  # fmt: skip


async def _send_again(talk: Talk) -> None:
    try:
        given = await email.resend(talk.session, talk.known.contact_id, talk.now)
    except DriplineError as error:
        await talk.say(_(error.message, talk.language))
        return
    if given is None:
        await show(talk)
    elif await send_verification(talk.session, given, talk.now):
        await _say_sent(talk, given.value)


async def _say_sent(talk: Talk, value: str) -> None:
    await talk.say(
        _("I have sent an email to {email}. Open it and tap the button; look into the spam folder "
          "as well. It works for 48 hours.", talk.language, email=value),
        ((_("Send the email again", talk.language), f"{_BUTTON}again"),
         (_("Change", talk.language), f"{_BUTTON}change")),
    )  # fmt: skip


async def _do(talk: Talk, action: str) -> None:
    session, contact_id, language = talk.session, talk.known.contact_id, talk.language
    match action:
        case "leave":
            said = talk.evidence(_("Stop all emails", language))
            await email.leave(session, contact_id, said, talk.now)
            await show(talk, _("No more emails come to you.", language))
        case "back":
            said = talk.evidence(_("Get emails again", language))
            back = await email.come_back(session, contact_id, said, talk.now)
            await show(talk, _("Welcome back.", language) if back else None)
        case _:
            said = talk.evidence(_("Remove", language))
            await email.remove(session, contact_id, said, talk.now)
            await talk.say(_("I have forgotten your email address. /email – give one again.",
                             language))  # fmt: skip
