"""The form of a contact's wishes: drawn from what is stored, read back into wishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from dripline.api.pages.html import NOTHING, Html, html, joined
from dripline.api.pages.kind import masked
from dripline.contacts import email
from dripline.contacts.consent import Difference
from dripline.contacts.models import REACHABLE, Address, Contact
from dripline.texts import gettext as _
from dripline.texts import languages, marked

WEEKDAYS: Final = (marked("Mon"), marked("Tue"), marked("Wed"), marked("Thu"), marked("Fri"),
                   marked("Sat"), marked("Sun"))  # fmt: skip
TIMES: Final = {
    "": marked("Any time"),
    "morning": marked("Morning"),
    "afternoon": marked("Afternoon"),
    "evening": marked("Evening"),
}
CHANNELS: Final = {
    "": marked("Wherever it works best"),
    "telegram": "Telegram",
    "email": marked("Email"),
}
TITLES: Final = {
    "sequences": marked("Courses and series of messages"),
    "announcements": marked("News and offers"),
    "preferred_channel": marked("Where"),
    "preferred_time": marked("Time of day"),
    "timezone": marked("Timezone"),
    "quiet_from": marked("Quiet hours begin"),
    "quiet_to": marked("Quiet hours end"),
    "weekdays": marked("Days of the week"),
    "language": marked("Language"),
}
_NAMES: Final = {"en": "English", "ru": "Русский"}
_AREAS: Final = (
    "Europe",
    "Asia",
    "Africa",
    "America",
    "Atlantic",
    "Australia",
    "Indian",
    "Pacific",
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A contact with what is stored of their wishes; `channels` are those that reach them."""

    contact: Contact
    values: Mapping[str, Any]
    address: Address | None
    channels: frozenset[str]


def read(fields: Mapping[str, list[str]], language: str | None) -> dict[str, Any]:
    """Return the wishes of a form that was sent: a box that is not ticked does not come.

    `language` is the contact's; its region stays, as long as they choose no other language.
    """

    def one(name: str) -> str:
        return (fields.get(name) or [""])[0].strip()[:64]

    wishes: dict[str, Any] = {
        "sequences": "sequences" in fields,
        "announcements": "announcements" in fields,
        "weekdays": [day.strip()[:2] for day in fields.get("weekdays", [])],
    }
    for name in ("preferred_channel", "preferred_time", "timezone", "quiet_from", "quiet_to"):
        if name in fields:
            wishes[name] = one(name)
    if one("language") in languages() and one("language") != plain(language):
        wishes["language"] = one("language")
    return wishes


def plain(language: str | None) -> str:
    """Return a language without its region."""
    return (language or "").replace("_", "-").partition("-")[0].lower()


def wording(language: str) -> str:
    """Return what somebody reads who ticks the boxes: it goes on record."""
    return " / ".join(
        (
            _("I want to get courses and series of messages", language),
            _("I want to get news and offers", language),
        )
    )


def whole(standing: Standing, token: str, language: str) -> Html:
    """Return the form."""
    return html(
        '<form method="post" action="/p/{token}"><input type="hidden" name="action" value="save">'
        '{boxes}<div class="save"><button>{save}</button></div></form>',
        token=token,
        save=_("Save", language),
        boxes=joined(
            [
                _opt_ins(standing.values, language),
                _where(standing, language),
                _radios("preferred_time", TIMES, standing.values, language),
                _days(standing.values, language),
                _quiet(standing.values, language),
                _zones(standing.values, language),
                _languages(standing, language),
            ]
        ),
    )


def email_box(standing: Standing, token: str, language: str) -> Html:
    """Return what stands about the email address, with the way out or back."""
    address = standing.address
    if address is None:
        return NOTHING
    action, button = "leave", _("Stop all emails", language)
    match address.reachability:
        case state if state == REACHABLE:
            text = _("Emails go to {address}.", language, address=masked(address.value))
        case email.UNSUBSCRIBED:
            text = _("No emails go to {address}: you have unsubscribed.", language,
                     address=masked(address.value))  # fmt: skip
            action, button = "back", _("Get emails again", language)
        case email.UNVERIFIED:
            text = _("{address} is not confirmed yet: look for our email, in the spam folder as "
                     "well.", language, address=masked(address.value))  # fmt: skip
        case _:
            text = _("Emails to {address} come back. Give another address in the bot: /email",
                     language, address=masked(address.value))  # fmt: skip
            return html('<section class="card"><p>{text}</p></section>', text=text)
    return html(
        '<section class="card"><p>{text}</p><form method="post" action="/p/{token}">'
        '<button class="quiet" name="action" value="{action}">{button}</button></form></section>',
        text=text,
        token=token,
        action=action,
        button=button,
    )


def saved(done: Sequence[Difference], language: str) -> Html:
    """Return the notice that says what is different now."""
    lines = joined(
        html("<li>{title}: {value}</li>", title=_(TITLES.get(one.what, one.what), language),
             value=_told(one, language))
        for one in done
    )  # fmt: skip
    return html(
        '<div class="notice" role="status">{text}{lines}</div>',
        text=_("Saved.", language),
        lines=html("<ul>{lines}</ul>", lines=lines) if lines else NOTHING,
    )


def _told(one: Difference, language: str) -> str:
    new = one.new or ""
    match one.what:
        case "sequences" | "announcements":
            return _("yes", language) if new == "yes" else _("no", language)
        case "preferred_channel":
            return _(CHANNELS[new], language)
        case "preferred_time":
            return _(TIMES[new], language)
        case "quiet_from" | "quiet_to":
            return clock(int(new)) if new else _("none", language)
        case "weekdays":
            return days_told(new, language)
        case "timezone":
            return new or _("not known: UTC", language)
        case _:
            return _NAMES.get(new, new)


def clock(minutes: int) -> str:
    """Return minutes of a day as a clock shows them."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def days_told(days: str | None, language: str) -> str:
    """Return weekdays in words."""
    if not days:
        return _("every day", language)
    return ", ".join(_(WEEKDAYS[int(day) - 1], language) for day in days.split(","))


def _opt_ins(values: Mapping[str, Any], language: str) -> Html:
    about = {
        "sequences": _("Lessons and reminders, step by step", language),
        "announcements": _("Now and then, about what is new", language),
    }
    boxes = joined(
        html(
            '<label class="choice"><input type="checkbox" name="{name}" value="yes"{on}>'
            "<span>{title}<small>{about}</small></span></label>",
            name=name,
            on=Html(" checked") if values[name] else NOTHING,
            title=_(TITLES[name], language),
            about=text,
        )
        for name, text in about.items()
    )
    return _box(_("What", language), boxes)


def _radios(
    name: str, choices: Mapping[str, str], values: Mapping[str, Any], language: str
) -> Html:
    chosen = values[name] or ""
    rows = joined(
        html(
            '<label class="choice"><input type="radio" name="{name}" value="{value}"{on}>'
            "<span>{text}</span></label>",
            name=name,
            value=value,
            on=Html(" checked") if value == chosen else NOTHING,
            text=_(text, language),
        )
        for value, text in choices.items()
    )
    return _box(_(TITLES[name], language), html('<div class="row">{rows}</div>', rows=rows))


def _where(standing: Standing, language: str) -> Html:
    """Return the choice of a channel: of those that reach them, or that they chose before.

    With one channel there is nothing to choose.
    """
    chosen = standing.values["preferred_channel"] or ""
    choices = {
        value: text
        for value, text in CHANNELS.items()
        if value in {"", chosen} or value in standing.channels
    }
    if not chosen and len(choices) <= 2:
        return NOTHING
    return _radios("preferred_channel", choices, standing.values, language)


def _days(values: Mapping[str, Any], language: str) -> Html:
    chosen = set((values["weekdays"] or "1,2,3,4,5,6,7").split(","))
    boxes = joined(
        html(
            '<label class="choice"><input type="checkbox" name="weekdays" value="{day}"{on}>'
            "<span>{text}</span></label>",
            day=day,
            on=Html(" checked") if str(day) in chosen else NOTHING,
            text=_(name, language),
        )
        for day, name in enumerate(WEEKDAYS, 1)
    )
    return _box(
        _("Days of the week", language), html('<div class="row">{boxes}</div>', boxes=boxes)
    )


def _quiet(values: Mapping[str, Any], language: str) -> Html:
    titles = {"quiet_from": _("From", language), "quiet_to": _("To", language)}
    inputs = joined(
        html(
            '<label class="field"><span>{title}</span>'
            '<input type="time" name="{name}" value="{value}"></label>',
            title=title,
            name=name,
            value="" if values[name] is None else clock(values[name]),
        )
        for name, title in titles.items()
    )
    hint = _("Nothing comes between these times. Leave both empty for none.", language)
    return _box(
        _("Quiet hours", language),
        html('<p class="hint">{hint}</p><div class="times">{inputs}</div>', hint=hint,
             inputs=inputs),
    )  # fmt: skip


def _zones(values: Mapping[str, Any], language: str) -> Html:
    chosen = values["timezone"] or ""
    known = any(chosen == name for _area, names in _areas() for name in names)
    own = html('<option value="{zone}" selected>{zone}</option>', zone=chosen)
    groups = joined(
        html(
            '<optgroup label="{area}">{names}</optgroup>',
            area=area,
            names=joined(
                html(
                    '<option value="{zone}"{on}>{city}</option>',
                    zone=name,
                    on=Html(" selected") if name == chosen else NOTHING,
                    city=name.partition("/")[2].replace("_", " "),
                )
                for name in names
            ),
        )
        for area, names in _areas()
    )
    return _box(
        _("Timezone", language),
        html(
            '<label class="field"><select name="timezone" aria-label="{title}"><option value="">'
            "{unknown}</option>{own}{groups}</select></label>",
            title=_("Timezone", language),
            unknown=_("Not known: UTC", language),
            own=own if chosen and not known else NOTHING,
            groups=groups,
        ),
    )


def _languages(standing: Standing, language: str) -> Html:
    present = plain(standing.contact.language)
    options = joined(
        html(
            '<option value="{code}"{on}>{name}</option>',
            code=code,
            on=Html(" selected") if code == (present or language) else NOTHING,
            name=_NAMES.get(code, code),
        )
        for code in languages()
    )
    # Whoever reads in a language that we have no texts in keeps it, unless they choose another.
    if present and present not in languages():
        options = joined([html('<option value="" selected>{code}</option>', code=present), options])
    return _box(
        _("Language", language),
        html(
            '<label class="field"><select name="language" aria-label="{title}">{options}</select>'
            "</label>",
            title=_("Language", language),
            options=options,
        ),
    )


def _box(title: str, inside: Html) -> Html:
    return html("<fieldset><legend>{title}</legend>{inside}</fieldset>", title=title, inside=inside)


@cache
def _areas() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the timezones by area, as people look for them."""
    names = sorted(available_timezones())
    return tuple(
        (area, tuple(name for name in names if name.startswith(f"{area}/"))) for area in _AREAS
    )
