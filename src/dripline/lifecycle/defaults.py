"""What holds where `lifecycle.json` is silent: the program manager's own states and menus."""

from collections.abc import Mapping
from typing import Any, Final

from dripline.texts import SOURCE_LANGUAGE, gettext, languages, marked

REGISTRATION: Final = ("callback:ACCEPT",)
_NAMES: Final = {
    "VISITOR": marked("Visitor"),
    "REGISTERED": marked("Member"),
    "VIP": marked("VIP"),
    "SUPER_VIP": marked("Super VIP"),
}
_PROGRESS, _SHARE, _TOP = (
    marked("📊 My progress"),
    marked("🔗 Invite a friend"),
    marked("🏆 Leaderboard"),
)
WARNING: Final = marked(
    "We have not heard from you for a while. Come back soon: in a few days your name will leave "
    "the leaderboard."
)
MENU: Final = marked("What would you like to do?")


def by_language(text: str) -> dict[str, str]:
    """Return one of our own texts in every language it exists in; English under the empty name."""
    own = {lang: gettext(text, lang) for lang in languages() if lang != SOURCE_LANGUAGE}
    return {"": text, **own}


def states() -> list[dict[str, Any]]:
    """Return the ladder of states that ships: visitor, registered, VIP, super VIP."""
    return [
        _state("VISITOR"),
        _state("REGISTERED", registered=True, enters={"program": "NURTURE_7_DAY"}),
        _state("VIP", referrals=2, enters={"program": "ONBOARDING_7_DAY", "force": True}),
        _state("SUPER_VIP", referrals=50, badge="💎", unlocks=["leaderboard"]),
    ]


def _state(
    state_id: str, *, registered: bool = False, referrals: int = 0, **more: Any
) -> dict[str, Any]:
    names = by_language(_NAMES[state_id])
    when = {"registered": registered, "referrals": referrals}
    return {"id": state_id, "name": names.pop(""), "names": names, "when": when, **more}


def menus() -> dict[str, Any]:
    """Return a menu for each state of the ladder: it grows with the state."""
    progress, share = _button(_PROGRESS, "progress"), _button(_SHARE, "share")
    top = _button(_TOP, "leaderboard")
    return {
        "REGISTERED": _menu([[progress], [share]]),
        "VIP": _menu([[progress], [share]]),
        "SUPER_VIP": _menu([[progress], [share], [top]]),
    }


def _menu(rows: list[list[dict[str, Any]]]) -> dict[str, Any]:
    texts = by_language(MENU)
    return {"text": texts.pop(""), "texts": texts, "rows": rows}


def _button(text: str, action: str) -> dict[str, Any]:
    texts = by_language(text)
    return {"text": texts.pop(""), "texts": texts, "action": action}


def tiers() -> list[dict[str, Any]]:
    """Return the tiers of standing of FORMATS."""
    named = (
        (10, "🌟", marked("rising star")),
        (50, "💎", marked("super VIP")),
        (100, "👑", marked("legend")),
    )
    found = []
    for least, badge, name in named:
        names = by_language(name)
        found.append({"from": least, "badge": badge, "name": names.pop(""), "names": names})
    return found


def decay() -> Mapping[str, Any]:
    """Return what happens to idle contacts of the highest state."""
    return {
        "states": ["SUPER_VIP"],
        "warn_after": {"days": 10},
        "hide_after": {"days": 14},
        "program": "REACTIVATION",
    }
