"""`/settings`: what a contact gets, when and where, in the chat; `/stop` and the way back.

settings:             show everything
settings:WHAT         the choices of one thing
settings:WHAT:VALUE   choose
"""

from typing import Any, Final

from dripline.bot.handle import mail
from dripline.bot.handle.talk import Row, Talk
from dripline.contacts import consent, consent_queries
from dripline.contacts import queries as contacts
from dripline.contacts.consent import OPT_INS
from dripline.contacts.models import REACHABLE, Address, Contact, Preferences
from dripline.contacts.timezones import GUESSED
from dripline.contacts.wishes import checked, quiet_hours
from dripline.content.links import button_link
from dripline.deliveries.timing import zone_of
from dripline.errors import Invalid
from dripline.texts import gettext as _
from dripline.texts import languages, marked

SETTINGS: Final = "settings:"
COMMANDS: Final = frozenset({"settings", "stop"})
ZONE, QUIET = "zone", "quiet"  # what the bot may wait to read
_NAMES: Final = {"en": "English", "ru": "Русский"}
_CHANNELS: Final = {"": marked("wherever it works best"), "telegram": "Telegram",
                    "email": marked("by email")}  # fmt: skip
_TIMES: Final = {"": marked("any time"), "morning": marked("in the morning"),
                 "afternoon": marked("in the afternoon"),
                 "evening": marked("in the evening")}  # fmt: skip
_DAYS: Final = (marked("Mo"), marked("Tu"), marked("We"), marked("Th"), marked("Fr"), marked("Sa"),
                marked("Su"))  # fmt: skip
_TITLES: Final = {"sequences": marked("Courses and series"),
                  "announcements": marked("News and offers")}  # fmt: skip
_QUIET: Final = ("21:00-08:00", "22:00-08:00", "23:00-09:00")
# Enough for a tap; any other is written: a city, or an offset.
_ZONES: Final = (
    ("America/Los_Angeles", "America/New_York", "America/Sao_Paulo"),
    ("Europe/London", "Europe/Berlin", "Europe/Kyiv"),
    ("Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg"),
    ("Asia/Almaty", "Asia/Novosibirsk", "Asia/Vladivostok"),
)
_FIELDS: Final = {"lang": "language", "where": "preferred_channel", "when": "preferred_time",
                  ZONE: "timezone"}  # fmt: skip


async def command(talk: Talk, name: str) -> None:
    """Follow `/settings` and `/stop`."""
    await talk.asked_enough()
    if name == "stop":
        await _stop(talk)
    else:
        await show(talk)


async def pressed(talk: Talk, data: str) -> None:
    """Follow a button of the settings; an old one, or none of ours, shows what is true now."""
    await talk.asked_enough()
    try:
        await _follow(talk, data)
    except Invalid:
        await show(talk)


async def _follow(talk: Talk, data: str) -> None:
    what, _colon, value = data.removeprefix(SETTINGS).partition(":")
    if what == "email":
        await mail.pressed(talk, value)
    elif what in _FIELDS and _colon:
        await _set(talk, {_FIELDS[what]: value})
    elif what == QUIET and _colon:
        await _set_quiet(talk, value)
    elif what == "day" and value in set("1234567"):
        await _toggle_day(talk, value)
    elif what in OPT_INS:
        await _toggle(talk, what)
    elif what == "back":
        await _set(talk, dict.fromkeys(OPT_INS, True))
    else:
        await _choose(talk, what)


async def written(talk: Talk, kind: str, text: str) -> None:
    """Take an answer to what the bot asked."""
    try:
        if kind == ZONE:
            await _set(talk, {"timezone": text.strip() or "?"})
        else:
            await _set(talk, quiet_hours(text))
    except Invalid as error:
        await talk.say(_(error.message, talk.language))
        return
    await talk.asked_enough()


async def show(talk: Talk, head: str | None = None) -> None:
    """Show everything, with a button for each."""
    contact, wants = await _known(talk)
    address = await consent_queries.email_of(talk.session, contact.id)
    language = talk.language
    lines = [head or _("Your settings", language), "", *_lines(talk, contact, wants)]
    if talk.scene.mail.is_set_up or address is not None:
        lines.append(_("Email: {email}", language, email=mail.told(address, language)))
    await talk.say("\n".join(lines), *_buttons(talk, wants, address))


def _lines(talk: Talk, contact: Contact, wants: Preferences) -> list[str]:
    language = talk.language
    yes_no = {True: _("yes", language), False: _("no", language)}
    zone = contact.timezone or _("not known: UTC", language)
    if contact.timezone and contact.timezone_source == GUESSED:
        zone = _("{zone} (guessed from the language)", language, zone=zone)
    where, when = wants.preferred_channel or "", wants.preferred_time or ""
    local = talk.now.astimezone(zone_of(contact.timezone))
    return [
        *(f"{_(title, language)}: {yes_no[getattr(wants, name)]}"
          for name, title in _TITLES.items()),
        _("Where: {where}", language, where=_(_CHANNELS[where], language)),
        _("When: {when}", language, when=_(_TIMES[when], language)),
        _("Days: {days}", language, days=_days(wants.weekdays, language)),
        _("Quiet hours: {hours}", language, hours=_quiet(wants, language)),
        _("Timezone: {zone}, it is {time}", language, zone=zone, time=f"{local:%H:%M}"),
        _("Language: {language}", language, language=_NAMES.get(_plain(language), language or "")),
    ]  # fmt: skip


def _buttons(talk: Talk, wants: Preferences, address: Address | None) -> list[Row]:
    language = talk.language
    rows: list[Row] = [
        ((f"{'✅' if getattr(wants, name) else '⬜️'} {_(title, language)}", f"{SETTINGS}{name}"),)
        for name, title in _TITLES.items()
    ]
    reached = address is not None and address.reachability == REACHABLE
    first = ((_("Where", language), f"{SETTINGS}where"),) if reached else ()
    rows += [
        (
            *first,
            (_("When", language), f"{SETTINGS}when"),
            (_("Days", language), f"{SETTINGS}days"),
        ),
        (
            (_("Quiet hours", language), f"{SETTINGS}{QUIET}"),
            (_("Timezone", language), f"{SETTINGS}{ZONE}"),
        ),
        ((_("Language", language), f"{SETTINGS}lang"),),
    ]
    if talk.scene.mail.is_set_up:
        rows[-1] += ((_("Email", language), f"{SETTINGS}email"),)
    if talk.pages is not None:
        url = talk.pages.preferences(talk.known.contact_id, talk.now)
        if button_link(url):  # Telegram takes none to a server that is called localhost
            rows.append(((_("All on one page", language), url),))
    return rows


async def _choose(talk: Talk, what: str) -> None:
    """Show the choices of one thing; what is unknown shows everything."""
    language = talk.language
    back = ((_("« Back", language), SETTINGS),)
    match what:
        case "lang":
            names = tuple((_NAMES.get(one, one), f"{SETTINGS}lang:{one}") for one in languages())
            await talk.say(_("In which language shall I write?", language), names, back)
        case "where" | "when":
            choices = _CHANNELS if what == "where" else _TIMES
            rows: list[Row] = [((_capital(_(text, language)), f"{SETTINGS}{what}:{value}"),)
                    for value, text in choices.items()]  # fmt: skip
            question = _("Where shall I write to you?", language)
            if what == "when":
                question = _("When do you like to get messages?", language)
            await talk.say(question, *rows, back)
        case "days":
            await _show_days(talk)
        case "quiet":
            await talk.ask(QUIET)
            rows = [((one.replace("-", "–"), f"{SETTINGS}{QUIET}:{one}"),) for one in _QUIET]
            none = ((_("None", language), f"{SETTINGS}{QUIET}:"),)
            await talk.say(
                _("When shall I be silent? Choose, or write it: 22:30-07:00", language),
                *rows, none, back,
            )  # fmt: skip
        case "zone":
            await talk.ask(ZONE)
            rows = [tuple((_zone_label(talk, name), f"{SETTINGS}{ZONE}:{name}") for name in row)
                    for row in _ZONES]  # fmt: skip
            await talk.say(
                _("Where do you live? Choose a city with your time, or write yours: Madrid, or "
                  "UTC+3", language), *rows, back,
            )  # fmt: skip
        case _:
            await show(talk)


async def _show_days(talk: Talk) -> None:
    _contact, wants = await _known(talk)
    chosen = _chosen(wants)
    days = tuple(
        (f"{'✅' if str(day) in chosen else '⬜️'} {_(name, talk.language)}",
         f"{SETTINGS}day:{day}")
        for day, name in enumerate(_DAYS, 1)
    )  # fmt: skip
    back = ((_("« Back", talk.language), SETTINGS),)
    await talk.say(
        _("On which days may I write?", talk.language), days[:3], days[3:5], days[5:], back
    )


async def _toggle_day(talk: Talk, day: str) -> None:
    _contact, wants = await _known(talk)
    days = _chosen(wants) ^ {day}
    if not days:
        await talk.say(_("One day at least has to stay. For none at all, send /stop.",
                         talk.language))  # fmt: skip
        return
    await _change(talk, {"weekdays": sorted(days)})
    await _show_days(talk)


async def _toggle(talk: Talk, name: str) -> None:
    _contact, wants = await _known(talk)
    await _set(talk, {name: not getattr(wants, name)})


async def _set_quiet(talk: Talk, value: str) -> None:
    none: dict[str, Any] = {"quiet_from": None, "quiet_to": None}
    await _set(talk, quiet_hours(value) if value else none)


async def _set(talk: Talk, wishes: dict[str, Any]) -> None:
    """Store wishes and show what is true now. Raises Invalid for what was written wrongly."""
    if "language" in wishes and wishes["language"] not in languages():
        await show(talk)
        return
    done = await _change(talk, wishes)
    if "language" in wishes:
        talk.language = wishes["language"]
    head = _("Saved.", talk.language) if done else _("It was so already.", talk.language)
    await show(talk, head)


async def _change(talk: Talk, wishes: dict[str, Any]) -> bool:
    wording = ", ".join(_(_TITLES[name], talk.language) for name in wishes if name in _TITLES)
    said = talk.evidence(wording or "/settings")
    contact_id = talk.known.contact_id
    return bool(await consent.change(talk.session, contact_id, checked(wishes), said, talk.now))


async def _stop(talk: Talk) -> None:
    """End courses and news, and say how to come back."""
    off = dict.fromkeys(OPT_INS, False)
    said = talk.evidence("/stop")
    await consent.change(talk.session, talk.known.contact_id, off, said, talk.now)
    await talk.say(
        _("I will send you no more courses and no more news. Your place is kept: come back "
          "whenever you like.", talk.language),
        ((_("Come back", talk.language), f"{SETTINGS}back"),),
        ((_("Settings", talk.language), SETTINGS),),
    )  # fmt: skip


async def _known(talk: Talk) -> tuple[Contact, Preferences]:
    contact = await contacts.contact(talk.session, talk.known.contact_id)
    assert contact is not None  # noqa: S101 - whoever writes was met just now
    return contact, await consent.preferences(talk.session, contact.id)


def _chosen(wants: Preferences) -> set[str]:
    return set((wants.weekdays or "1,2,3,4,5,6,7").split(","))


def _days(days: str | None, language: str | None) -> str:
    if not days:
        return _("every day", language)
    return ", ".join(_(_DAYS[int(day) - 1], language) for day in days.split(","))


def _quiet(wants: Preferences, language: str | None) -> str:
    if wants.quiet_from is None or wants.quiet_to is None:
        return _("none", language)
    return f"{_clock(wants.quiet_from)}–{_clock(wants.quiet_to)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _zone_label(talk: Talk, name: str) -> str:
    city = name.rpartition("/")[2].replace("_", " ")
    return f"{talk.now.astimezone(zone_of(name)):%H:%M} {city}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(language: str | None) -> str:
    return (language or "en").replace("_", "-").partition("-")[0].lower()
