"""Sentences of this room, in the contact's language. Plain text: who sends it escapes it."""

import re
from typing import Any, Final

from dripline.lifecycle.rules import Rules, State
from dripline.texts import gettext as _
from dripline.texts import ngettext

_LONGEST_NAME: Final = 32
# Marks that turn the direction of what follows, and what no line of a list should hold.
_UNRULY: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def shown_name(name: str | None) -> str:
    """Return a name that stays in its own line and direction, however it was written."""
    plain = " ".join(_UNRULY.sub(" ", name or "").split())
    if len(plain) > _LONGEST_NAME:
        plain = plain[: _LONGEST_NAME - 1] + "…"
    return f"\u2068{plain}\u2069" if plain else "…"


def state_reached(state: State, language: str | None) -> str:
    """Return what somebody reads who has come further."""
    name = " ".join(filter(None, (state.badge, state.name(language))))
    return _("🎉 You are {state} now!", language, state=name)


def referral_counted(rules: Rules, state: str, count: int, language: str | None) -> str:
    """Return what somebody reads whose friend has joined."""
    joined = _("🙌 Somebody you invited has joined.", language)
    return f"{joined} {progress(rules, state, count, language)}"


def progress(rules: Rules, state: str, count: int, language: str | None) -> str:
    """Return how many somebody has brought, and how many are left to the next state."""
    had = ngettext("You have brought {n} person.", "You have brought {n} people.", count, language)
    if not count:
        had = _("Nobody has come by your link yet.", language)
    following = rules.next_after(state)
    left = following.referrals - count if following else 0
    if following is None or left <= 0:
        return had
    more = ngettext(
        "{n} more, and you are {state}.",
        "{n} more, and you are {state}.",
        left,
        language,
        state=following.name(language),
    )
    return f"{had} {more}"


def leaderboard(rows: list[tuple[int, str, int]], rules: Rules, language: str | None) -> str:
    """Return the leaderboard: place, name and count, with the tier each has reached."""
    if not rows:
        return _("Nobody is on the leaderboard yet. Be the first!", language)
    lines = [_("🏆 Leaderboard", language)]
    for place, name, count in rows:
        tier = rules.board.tier(count)
        badge = f" {tier.badge}" if tier and tier.badge else ""
        lines.append(f"{place}. {name}: {count}{badge}")
    return "\n".join(lines)


def own_place(place: int | None, count: int, hidden: bool, language: str | None) -> str:  # noqa: FBT001
    """Return where somebody stands who looks at the leaderboard."""
    if hidden:
        return _("You are hidden at the moment: you were away for a while.", language)
    if not count:
        return _("You are not on it yet: invite a friend.", language)
    if place is None:
        return _("You have brought {n} so far; keep going!", language, n=count)
    return _("You are number {place}.", language, place=place)


def unlocked_by(rules: Rules, what: str, language: str | None) -> str:
    """Return who may have what somebody asked for too early."""
    state = next((one for one in rules.states if what in one.unlocks), None)
    if state is None:
        return _("This part is not available any more.", language)
    return _("This opens when you are {state}.", language, state=state.name(language))


def evidence(kind: str, shown: dict[str, Any], language: str | None) -> str:
    """Return what speaks against a referral, as an operator reads it."""
    contacts = len(shown.get("contacts", ()))
    match kind:
        case "velocity":
            return _(
                "{count} came by this link within {minutes} minutes; {most} are usual at most",
                language,
                **{key: shown.get(key, "?") for key in ("count", "minutes", "most")},
            )
        case "same_ip":
            return ngettext(
                "the same internet address {value} as {n} other",
                "the same internet address {value} as {n} others",
                contacts, language, value=shown.get("value", "?"),
            )  # fmt: skip
        case "same_device":
            return ngettext(
                "the same device {value} as {n} other",
                "the same device {value} as {n} others",
                contacts, language, value=shown.get("value", "?"),
            )  # fmt: skip
        case "ring":
            return _("they brought each other, in a ring of {n}", language, n=contacts)
        case "never_active":
            return _("has done nothing since registering", language)
        case _:
            return kind
