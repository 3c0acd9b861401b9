"""From the document of `lifecycle.json` to rules: made once a revision."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from dripline.content.compile import GO, Making
from dripline.content.document import Message
from dripline.content.store import Library
from dripline.content.telegram_html import escape
from dripline.database import dump_json
from dripline.lifecycle import defaults
from dripline.lifecycle.rules import (
    Board,
    Churn,
    Decay,
    Entry,
    Referrals,
    Rules,
    State,
    Tier,
    Velocity,
)

KIND = "lifecycle"
MENU = "menu:"  # what the callback data of a menu's button begins with
_NOTHING = Rules()


def rules_of(library: Library) -> Rules:
    """Return the rules of the content; without any, nothing moves by itself."""
    found = library.rooms.get(KIND)
    return found if isinstance(found, Rules) else _NOTHING


def make(document: Mapping[str, Any], making: Making) -> Rules:
    """Return the rules of a document; where it is silent, the defaults hold."""
    body = {key: value for key, value in document["file"].items() if value is not None}
    messages = {key: making.message(key, spec) for key, spec in document["messages"].items()}
    states = tuple(_state(spec) for spec in body.get("states", defaults.states()))
    menus = body.get("menus", defaults.menus() if "states" not in body else {})
    decay = body.get("decay", defaults.decay() if "states" not in body else None)
    return Rules(
        configured=True,
        registration=frozenset(_registration(body.get("registration", defaults.REGISTRATION))),
        states=states,
        referrals=_referrals(body.get("referrals") or {}),
        board=_board(body.get("leaderboard") or {}),
        decay=None if decay is None else _decay(decay),
        churn=_churn(body["churn"]) if body.get("churn") else None,
        reply_menus=body.get("menu_keyboard") == "reply",
        menus={key: _menu(key, spec, making) for key, spec in menus.items()},
        messages={**messages, WARNING: _own(WARNING, defaults.WARNING, making)},
        fingerprint=_fingerprint(body),
    )


WARNING = ":warning"  # no message of a file can be called so


def span(spec: Mapping[str, Any] | None) -> timedelta:
    """Return the duration of `{"days", "hours", "minutes"}`."""
    given = spec or {}
    return timedelta(**{unit: given.get(unit) or 0 for unit in ("days", "hours", "minutes")})


def _registration(given: str | Iterable[str]) -> Iterable[str]:
    return (given,) if isinstance(given, str) else given


def _state(spec: Mapping[str, Any]) -> State:
    when, enters = spec.get("when") or {}, spec.get("enters")
    return State(
        id=spec["id"],
        names=_names(spec),
        badge=spec.get("badge") or "",
        registered=bool(when.get("registered")),
        referrals=int(when.get("referrals") or 0),
        enters=Entry(enters["program"], bool(enters.get("force"))) if enters else None,
        unlocks=frozenset(spec.get("unlocks") or ()),
        message=spec.get("message"),
    )


def _names(spec: Mapping[str, Any]) -> dict[str, str]:
    named = {"": spec["name"]} if spec.get("name") else {}
    return {**{key.lower(): text for key, text in (spec.get("names") or {}).items()}, **named}


def _referrals(spec: Mapping[str, Any]) -> Referrals:
    usual, velocity = Referrals(), spec.get("velocity") or {}
    never = spec.get("never_active_after")
    return Referrals(
        hold=span(spec.get("hold")),
        velocity=Velocity(
            int(velocity.get("most") or usual.velocity.most),
            span(velocity.get("within")) or usual.velocity.within,
        ),
        never_active_after=span(never) if never else None,
        tell=spec.get("tell") is not False,
    )


def _board(spec: Mapping[str, Any]) -> Board:
    tiers = [
        Tier(int(one["from"]), one.get("badge") or "", _names(one))
        for one in spec.get("tiers") or defaults.tiers()
    ]
    ordered = sorted(tiers, key=lambda tier: -tier.least)
    return Board(int(spec.get("size") or Board().size), tuple(ordered))


def _decay(spec: Mapping[str, Any]) -> Decay:
    usual = defaults.decay()
    return Decay(
        frozenset(usual["states"] if spec.get("states") is None else spec["states"]),
        span(spec.get("warn_after") or usual["warn_after"]),
        span(spec.get("hide_after") or usual["hide_after"]),
        spec.get("program"),
        spec.get("message"),
    )


def _churn(spec: Mapping[str, Any]) -> Churn:
    return Churn(span(spec["after"]), spec.get("program"))


def _own(message_id: str, text: str, making: Making) -> Message:
    texts = {lang: escape(one) for lang, one in defaults.by_language(text).items()}
    return making.message(message_id, {"texts": texts})


def _menu(state_id: str, spec: Mapping[str, Any], making: Making) -> Message:
    texts = defaults.by_language(defaults.MENU)
    if spec.get("text"):
        texts = {"": spec["text"], **(spec.get("texts") or {})}
    rows = [{"buttons": [_button(one) for one in row]} for row in spec.get("rows") or ()]
    return making.message(MENU + state_id, {"texts": texts, "inline_keyboard": {"rows": rows}})


def _button(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a menu's button as buttons of messages are written."""
    shown = {"text": spec["text"], "texts": spec.get("texts") or {}}
    action, _, what = spec["action"].partition(":")
    match action:
        case "share":
            return {**shown, "type": "share_referral"}
        case "url":
            return {**shown, "type": "url", "url": spec.get("url") or what}
        case "scenario":
            return {**shown, "type": "callback", "callback_data": GO + what}
        case _:
            return {**shown, "type": "callback", "callback_data": MENU + spec["action"]}


def _fingerprint(body: Mapping[str, Any]) -> str:
    """Return what changes when somebody's state, or next look, may be another one."""
    moving = {key: body.get(key) for key in ("states", "decay", "churn", "registration")}
    return hashlib.sha256(dump_json(moving).encode()).hexdigest()
