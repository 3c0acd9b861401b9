"""Broadcasts of the content, each whole in itself, so that it can be pinned when it is started."""

from collections.abc import Mapping
from typing import Any, Final

from dripline.content.email.layout import DEFAULT_LAYOUT, Sources

_MESSAGE: Final = ("texts", "media", "format", "channel", "track", "email")


def definitions(
    document: Mapping[str, Any],
    *,
    button_sets: Mapping[str, Any],
    variables: Mapping[str, Any],
    attributes: Mapping[str, Any],
    layouts: Sources | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the broadcasts of the document by id, with the buttons and values they refer to.

    `attributes` are the declared ones as their file has them: type and default by name.
    """
    found = {}
    for body in document.get("broadcasts", ()):
        message = {key: body[key] for key in _MESSAGE if key in body}
        message["inline_keyboard"] = {"rows": _rows(body.get("inline_keyboard"), button_sets)}
        layout = (message.get("email") or {}).get("layout") or DEFAULT_LAYOUT
        found[body["id"]] = {
            "key": body["id"],
            "name": body.get("name") or body["id"],
            "message": message,
            "targeting": (body.get("targeting") or {}).get("conditions") or [],
            "audience": body.get("audience") or "frozen",
            "bot": body.get("bot") or "main",
            "variables": dict(variables),
            "attributes": dict(attributes),
            **({"layouts": {layout: own}} if (own := (layouts or {}).get(layout)) else {}),
        }
    return found


def _rows(keyboard: Any, button_sets: Mapping[str, Any]) -> list[Any]:
    if not isinstance(keyboard, dict):
        return []
    ref = keyboard.get("button_set_ref")
    found: list[Any] = (button_sets.get(ref, {}) if ref else keyboard).get("rows") or []
    return found
