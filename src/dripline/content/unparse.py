"""From documents back to files, the same on every database: fields in a settled order."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dripline.content import room_files
from dripline.content.diff import Documents
from dripline.content.parse import ATTRIBUTES, BROADCASTS, BUTTON_SETS, GLOBALS, LAYOUTS, REGISTRY

_DERIVED: Final = frozenset({"texts", "media", "places"})
# What comes first in an object; the rest follows in the order of the alphabet.
_FIRST: Final = (
    "id", "name", "created_at", "is_active", "type", "text", "texts", "url", "callback_data",
    "scenario_id", "prodamus", "product_name", "product_price", "paid_content", "private_group_id",
    "lane", "priority", "channels", "messages_list", "messages", "timing", "days", "hours",
    "minutes", "at", "weekdays", "from", "template_file", "format", "photos", "video",
    "document", "voice", "audio", "animation", "inline_keyboard", "button_set_ref", "rows",
    "buttons", "wait_for", "timeout",
    "condition", "channel", "track", "email", "subject", "subjects", "preheader", "preheaders",
    "layout", "scenarios", "broadcasts", "default_scenario_id", "variables",
    "attributes",
)  # fmt: skip
_RANK: Final = {name: rank for rank, name in enumerate(_FIRST)}


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """What a folder holds: texts by name, and hashes of files to send by name."""

    texts: Mapping[str, str]
    media: Mapping[str, str]


def unparse(documents: Documents) -> FolderFiles:
    """Return the files that say what the documents say; the registry comes last."""
    texts: dict[str, str] = {}
    media: dict[str, str] = {}
    for kind, file in (
        ("buttons", BUTTON_SETS),
        ("globals", GLOBALS),
        ("attributes", ATTRIBUTES),
    ):
        if (kind, kind) in documents:
            texts[file] = json_text(documents[kind, kind])
    for name, by_language in documents.get(("layouts", "layouts"), {}).get("layouts", {}).items():
        for language, text in by_language.items():
            texts[f"{LAYOUTS}/{name}{'.' if language else ''}{language}.mjml"] = text
    if broadcasts := documents.get(("broadcasts", "broadcasts")):
        items = [_message(one, "broadcasts", texts, media) for one in broadcasts["broadcasts"]]
        texts[BROADCASTS] = json_text({**broadcasts["extra"], "broadcasts": items})
    for room_file in room_files.registered():
        if document := documents.get((room_file.kind, room_file.kind)):
            texts[room_file.file] = json_text(_room_file(room_file.kind, document, texts, media))
    scenarios = {key: body for (kind, key), body in documents.items() if kind == "scenario"}
    for scenario_id, body in scenarios.items():
        _scenario(scenario_id, body, texts, media)
    texts[REGISTRY] = json_text(_registry(documents, scenarios))
    return FolderFiles(texts, media)


def _room_file(
    kind: str, document: Mapping[str, Any], texts: dict[str, str], media: dict[str, str]
) -> dict[str, Any]:
    messages = _Listed(
        (name, _message(document["messages"][name], kind, texts, media, name))
        for name in document["order"]
    )
    return {**document["file"], **({"messages": messages} if messages else {})}


def json_text(value: Any) -> str:
    """Return a value as we write it: two spaces, letters as they are, a line break at the end."""
    return json.dumps(_ordered(value), ensure_ascii=False, indent=2) + "\n"


def _ordered(value: Any, *, named: bool = False) -> Any:
    """Return objects with their fields in order; `named` objects hold entries, not fields."""
    if isinstance(value, list):
        return [_ordered(one) for one in value]
    if not isinstance(value, dict):
        return value
    keys: Iterable[str] = value
    if not named:
        keys = sorted(value, key=lambda key: (_RANK.get(key, len(_RANK)), key))
    entries = {"messages", "button_sets", "variables", "attributes"}
    return {
        key: _ordered(_by_name(value[key]), named=True)
        if key in entries and isinstance(value[key], dict)
        else _ordered(value[key])
        for key in keys
    }


def _by_name(entries: Mapping[str, Any]) -> dict[str, Any]:
    return entries if isinstance(entries, _Listed) else dict(sorted(entries.items()))


class _Listed(dict[str, Any]):
    """Entries whose order says something: messages, as their list has them."""


def _registry(documents: Documents, scenarios: Mapping[str, Any]) -> dict[str, Any]:
    registry = documents.get(("registry", "registry"), {})
    order = [one for one in registry.get("order", ()) if one in scenarios]
    order += [one for one in scenarios if one not in order]
    extra = {key: value for key, value in registry.items() if key != "order"}
    entries = [
        scenarios[one].get("entry") or {"id": one, "name": scenarios[one]["config"]["name"]}
        for one in order
    ]
    return {**extra, "scenarios": entries}


def _scenario(
    scenario_id: str, body: Mapping[str, Any], texts: dict[str, str], media: dict[str, str]
) -> None:
    base = f"scenarios/{scenario_id}"
    messages = _Listed(
        (name, _message(body["messages"][name], base, texts, media, name)) for name in body["order"]
    )
    messages.update(body.get("unlisted", {}))
    if body.get("summary"):
        summary = _message(body["summary"], base, texts, media, "summary")
        texts[f"{base}/summary.json"] = json_text(summary)
    listed = {"messages_list": body["order"], "messages": messages}
    texts[f"{base}/messages.json"] = json_text({**body.get("messages_extra", {}), **listed})
    texts[f"{base}/config.json"] = json_text(_config(body["config"], base, texts))


def _config(config: Mapping[str, Any], base: str, texts: dict[str, str]) -> Mapping[str, Any]:
    product = config.get("prodamus")
    given = product.get("paid_content_email") if isinstance(product, Mapping) else None
    if not isinstance(product, Mapping) or not isinstance(given, Mapping):
        return config
    email = _email(given, base, texts, "paid_content")
    return {**config, "prodamus": {**product, "paid_content_email": email}}


def _email(spec: Mapping[str, Any], base: str, texts: dict[str, str], stem: str) -> dict[str, Any]:
    """Return what a message says of its email as its file has it; note its templates."""
    own = {key: value for key, value in spec.items() if key not in _DERIVED}
    places = spec.get("places") or {}
    if not places and any((spec.get("texts") or {}).values()):
        own["template_file"] = f"{stem}.email.md"
        places = {
            language: f"{base}/messages/{stem}.email{'.' if language else ''}{language}.md"
            for language in spec["texts"]
        }
    for language, place in places.items():
        texts[place] = spec["texts"].get(language, "")
    return own


def _message(
    spec: Mapping[str, Any],
    base: str,
    texts: dict[str, str],
    media: dict[str, str],
    name: str | None = None,
) -> dict[str, Any]:
    """Return a message as its file has it; note its templates and the files it sends."""
    own = {key: value for key, value in spec.items() if key not in _DERIVED}
    if isinstance(spec.get("email"), Mapping):
        own["email"] = _email(spec["email"], base, texts, name or str(spec.get("id")))
    places = spec.get("places") or {}
    if not places and any(spec.get("texts", {}).values()):
        stem = name or str(spec.get("id"))
        own["template_file"] = f"{stem}.md"
        places = {
            language: f"{base}/messages/{stem}{'.' if language else ''}{language}.md"
            for language in spec["texts"]
        }
    for language, place in places.items():
        texts[place] = spec["texts"].get(language, "")
    for file in spec.get("media", ()):
        media[file["place"]] = file["sha256"]
    return own
