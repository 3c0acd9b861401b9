"""Finish what was edited as a document: its files named, so that a pull writes a folder of it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from dripline.content.parse_message import MEDIA_FIELDS


def finished(body: Mapping[str, Any], scenario_id: str) -> dict[str, Any]:
    """Return the document with its files named; what is still being fetched is left out."""
    whole: dict[str, Any] = deepcopy(dict(body))
    config = whole["config"]
    config["id"] = scenario_id
    config.setdefault("name", scenario_id)
    whole["entry"] = {**whole.get("entry", {}), "id": scenario_id, "name": config["name"]}
    base = f"scenarios/{scenario_id}"
    for name in whole["order"]:
        _name_files(whole["messages"][name], base, name)
    if is_empty(whole.get("summary")):
        whole["summary"] = None
    else:
        _name_files(whole["summary"], base, "summary")
    return whole


def _name_files(spec: dict[str, Any], base: str, name: str) -> None:
    texts = spec.get("texts") or {}
    if any(str(text).strip() for text in texts.values()):
        spec.setdefault("template_file", f"{name}.md")
        places = spec.setdefault("places", {})
        for language in texts:
            dot = "." if language else ""
            places.setdefault(language, f"{base}/messages/{name}{dot}{language}.md")
    else:
        spec.pop("template_file", None)
        spec["texts"], spec["places"] = {"": ""}, {}
    media = [one for one in spec.get("media") or () if one.get("sha256")]
    taken = {one["filename"] for one in media if one.get("place")}
    for one in media:
        if not one.get("place"):
            one["filename"] = _free_name(name, one.get("extension") or "bin", taken)
            one["place"] = f"{base}/messages/{one['filename']}"
    spec["media"] = [
        {key: one[key] for key in ("sha256", "kind", "filename", "place")} for one in media
    ]
    _list_files(spec, base)


def _list_files(spec: dict[str, Any], base: str) -> None:
    for key, kind in MEDIA_FIELDS.items():
        names = [
            one["place"].removeprefix(f"{base}/").removeprefix("messages/")
            for one in spec["media"]
            if one["kind"] == kind
        ]
        spec.pop(key, None)
        if names:
            spec[key] = names if kind == "photo" or len(names) > 1 else names[0]


def _free_name(name: str, extension: str, taken: set[str]) -> str:
    number = 1
    while (found := f"{name}_{number}.{extension}") in taken:
        number += 1
    taken.add(found)
    return found


def finished_broadcast(spec: Mapping[str, Any], broadcast_id: str) -> dict[str, Any]:
    """Return a broadcast's message with its files named."""
    whole: dict[str, Any] = deepcopy(dict(spec))
    _name_files(whole, "broadcasts", broadcast_id)
    return whole


def finished_message(spec: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Return a message of a room's own file with its files named."""
    whole: dict[str, Any] = deepcopy(dict(spec))
    _name_files(whole, kind, name)
    return whole


def has_words(spec: dict[str, Any]) -> bool:
    """Whether a message has a text."""
    return any(str(text).strip() for text in (spec.get("texts") or {}).values())


def is_empty(spec: dict[str, Any] | None) -> bool:
    """Whether a message would say nothing at all."""
    return spec is None or not (has_words(spec) or spec.get("media"))
