"""Buttons as an operator types them, one a line: `url|Buy now|https://example.com`."""

from dataclasses import dataclass
from typing import Any, Final

_KINDS: Final = {
    "url": "url", "link": "url", "ссылка": "url",
    "callback": "callback", "action": "callback", "действие": "callback", "кнопка": "callback",
    "payment": "payment", "pay": "payment", "оплата": "payment",
    "web_app": "web_app", "webapp": "web_app", "app": "web_app", "приложение": "web_app",
    "start_scenario": "start_scenario", "scenario": "start_scenario", "сценарий": "start_scenario",
    "share_referral": "share_referral", "share": "share_referral", "поделиться": "share_referral",
    "check_progress": "check_progress", "progress": "check_progress", "прогресс": "check_progress",
}  # fmt: skip
_MOST_LINES: Final = 50
_BARE: Final = frozenset({"payment", "share_referral", "check_progress"})


@dataclass(frozen=True, slots=True)
class BadButton:
    """A line that is no button: which one, and what it lacks."""

    line: str
    why: str  # kind | text | value | many


def parse_buttons(text: str) -> list[dict[str, Any]] | BadButton:
    """Return rows of one button each, in the form of content, or what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or len(lines) > _MOST_LINES:
        return BadButton("", "many" if lines else "kind")
    rows: list[dict[str, Any]] = []
    for line in lines:
        button = _button(line)
        if isinstance(button, BadButton):
            return button
        rows.append({"buttons": [button]})
    return rows


def _button(line: str) -> dict[str, Any] | BadButton:
    parts = [part.strip() for part in line.split("|")]
    kind = _KINDS.get(parts[0].lower())
    if kind is None:
        return BadButton(line, "kind")
    if len(parts) < 2 or not parts[1]:
        return BadButton(line, "text")
    button: dict[str, Any] = {"type": kind, "text": parts[1]}
    if kind in _BARE:
        return button
    values = [part for part in parts[2:] if part]
    if not values:
        return BadButton(line, "value")
    match kind:
        case "callback":
            button["callback_data"] = values[-1]
        case "start_scenario":
            button["scenario_id"] = values[0]
        case _:
            button["url"] = values[0]
    return button


def typed(rows: list[dict[str, Any]]) -> str:
    """Return buttons the way they are typed."""
    lines = []
    for row in rows:
        for button in row.get("buttons") or ():
            value = button.get("url") or button.get("callback_data") or button.get("scenario_id")
            lines.append("|".join(filter(None, (button.get("type"), button.get("text"), value))))
    return "\n".join(lines)
