"""An old bot's one flow as a scenario's files: pure functions over values."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dripline.content.variables import known

SCENARIO: Final = "default"
START, GROUP_INVITE, NEW_LINK = "start", "group_invite", "group_leave_new_link"
SPECIAL: Final = (START, GROUP_INVITE, NEW_LINK)
ACCEPT: Final = "ACCEPT"
PAYMENT_SET: Final = "payment_button"
PAYMENT_LINK: Final = "{{user.payment_link}}"

_OLD_NAMES: Final = {
    "payment_price": "scenario.product_price",
    "payment_link": "user.payment_link",
    "invite_link": "user.invite_link",
}
_PLACEHOLDER: Final = re.compile(r"\{\{-?\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*((?:\|[^{}]*)?)-?\}\}")
_SCENARIO_NAMES: Final = ("product_name", "product_price", "private_group_id")

Unknown = Callable[[str, int], None]  # a placeholder's name, and where it stands in the text


@dataclass(frozen=True, slots=True)
class OldMessage:
    """A message of the old bot, its texts by language, and the files it sends."""

    spec: Mapping[str, Any]
    texts: Mapping[str, str]
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OldFlow:
    """The messages in their order, the special ones among `messages` too."""

    order: Sequence[str]
    messages: Mapping[str, OldMessage]
    env: Mapping[str, str]


@dataclass(slots=True)
class NewFiles:
    """The same in our layout: texts by file name, the wait of the start, unknown placeholders."""

    texts: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    accept: str | None = None


def mapped(text: str, unknown: Unknown) -> str:
    """Return a text with unscoped placeholders put into their scope.

    An unknown one becomes an attribute of the contact, which is empty until somebody fills it.
    """

    def scoped(match: re.Match[str]) -> str:
        name, filters = match[1], match[2].strip()
        found = _OLD_NAMES.get(name) or _known(name)
        if found is None:
            unknown(name, match.start())
            found = f"user.{name}"
        return "{{" + found + (f" {filters}" if filters else "") + "}}"

    return _PLACEHOLDER.sub(scoped, text)


def _known(name: str) -> str | None:
    if name in known("user"):
        return f"user.{name}"
    return f"scenario.{name}" if name in _SCENARIO_NAMES else None


def new_files(flow: OldFlow, names: Sequence[str], created_at: str) -> NewFiles:
    """Return the files of the scenario; texts are mapped already, `names` are the unknown ones."""
    made = NewFiles()
    made.accept = accept_data(flow.messages.get(START))
    made.order = [START, *flow.order] if START in flow.messages else list(flow.order)
    pay = _payment_keyboard(flow)
    messages = {name: _message(made, flow, name, pay) for name in made.order}
    base = f"scenarios/{SCENARIO}"
    _put(made, f"{base}/messages.json", {"messages_list": made.order, "messages": messages})
    _put(made, f"{base}/config.json", _config(flow, created_at))
    entry = {"id": SCENARIO, "name": _name(flow.env), "created_at": created_at, "is_active": True}
    registry = {"scenarios": [entry], "default_scenario_id": SCENARIO}
    _put(made, "scenarios/registry.json", registry)
    _put(made, "buttons/registry.json", {"button_sets": {PAYMENT_SET: pay}})
    _put(made, "templates/bot_globals.json", {"variables": _globals(flow.env)})
    if names:
        declared = {name: {"type": "text", "default": ""} for name in names}
        _put(made, "templates/attributes.json", {"attributes": declared})
    return made


def accept_data(start: OldMessage | None) -> str | None:
    """Return what the start's accept button tells us; None without a start message.

    The old button's own data stays: it stands under messages that people have in their chats.
    """
    if start is None:
        return None
    buttons = [one for one in _buttons(start.spec) if one.get("type") == "callback"]
    named = [one for one in buttons if "accept" in str(one.get("callback_data", "")).lower()]
    chosen = (named or buttons)[:1]
    return str(chosen[0].get("callback_data") or ACCEPT) if chosen else ACCEPT


def _message(made: NewFiles, flow: OldFlow, name: str, pay: Mapping[str, Any]) -> dict[str, Any]:
    old = flow.messages[name]
    spec = {
        key: value for key, value in old.spec.items() if key not in ("texts", "media", "places")
    }
    spec["template_file"] = f"{name}.md"
    spec.setdefault("timing", {"hours": 0, "minutes": 0})
    for language, text in old.texts.items():
        suffix = f".{language}" if language else ""
        made.texts[f"scenarios/{SCENARIO}/messages/{name}{suffix}.md"] = text
    if old.photos:
        spec["photos"] = list(old.photos)
    if name == START:
        spec["wait_for"] = f"callback:{made.accept}"
        spec["inline_keyboard"] = _with_accept(spec.get("inline_keyboard"), made.accept or ACCEPT)
    elif spec.get("inline_keyboard") == pay:
        spec["inline_keyboard"] = {"button_set_ref": PAYMENT_SET}
    return spec


def _with_accept(keyboard: Any, data: str) -> dict[str, Any]:
    """Return the start's keyboard with an accept button, where it has none."""
    rows = list(keyboard.get("rows") or ()) if isinstance(keyboard, dict) else []
    if any(one.get("callback_data") == data for row in rows for one in row.get("buttons") or ()):
        return {"rows": rows}
    button = {"type": "callback", "text": "✅", "callback_data": data}
    return {"rows": [*rows, {"buttons": [button]}]}


def _payment_keyboard(flow: OldFlow) -> dict[str, Any]:
    """Return the payment button as the old bot had it: the first keyboard that is only that."""
    for name in flow.order:
        keyboard = flow.messages[name].spec.get("inline_keyboard")
        buttons = list(_buttons(flow.messages[name].spec))
        if len(buttons) == 1 and buttons[0].get("url") == PAYMENT_LINK:
            return {"rows": keyboard["rows"]} if keyboard else {}
    text = "Pay for {{scenario.product_name}}" if _product(flow.env) else "Pay"
    return {"rows": [{"buttons": [{"type": "url", "text": text, "url": PAYMENT_LINK}]}]}


def _buttons(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    keyboard = spec.get("inline_keyboard")
    rows = keyboard.get("rows") or () if isinstance(keyboard, dict) else ()
    return [one for row in rows for one in row.get("buttons") or ()]


def _config(flow: OldFlow, created_at: str) -> dict[str, Any]:
    env = flow.env
    invite = flow.messages.get(GROUP_INVITE)
    paid = env.get("PRODAMUS_PRODUCT_PAID_CONTENT") or (invite.texts.get("", "") if invite else "")
    config: dict[str, Any] = {
        "id": SCENARIO,
        "name": _name(env),
        "created_at": created_at,
        "prodamus": {
            "product_name": _product(env),
            "product_price": env.get("PRODAMUS_PRODUCT_PRICE", ""),
            "paid_content": paid,
            "private_group_id": env.get("PRIVATE_GROUP_ID", ""),
        },
    }
    kept = {
        name: {
            "text": flow.messages[name].texts.get("", ""),
            "inline_keyboard": flow.messages[name].spec.get("inline_keyboard"),
        }
        for name in (GROUP_INVITE, NEW_LINK)
        if name in flow.messages
    }
    return {**config, **({"legacy": kept} if kept else {})}


def _globals(env: Mapping[str, str]) -> dict[str, str]:
    return {
        "bot_name": env.get("BOT_NAME") or _name(env),
        "support_link": env.get("SUPPORT_LINK", ""),
    }


def _name(env: Mapping[str, str]) -> str:
    return (_product(env) or "Main course")[:200]


def _product(env: Mapping[str, str]) -> str:
    return env.get("PRODAMUS_PRODUCT_NAME", "")


def _put(made: NewFiles, name: str, value: Any) -> None:
    made.texts[name] = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
