"""Content folders, in the exact form of the product's file format."""

import json
from pathlib import Path
from typing import Any

CREATED = "2026-01-15T10:00:00Z"


def write(
    folder: Path,
    scenarios: dict[str, dict[str, Any]],
    *,
    default: str | None = None,
    button_sets: dict[str, Any] | None = None,
    variables: dict[str, str] | None = None,
) -> Path:
    """Write a folder; each scenario is {"messages": {id: {"text", …}}, "summary", …config}."""
    registry = [
        {
            "id": key,
            "name": spec.get("name", key.title()),
            "created_at": CREATED,
            "is_active": spec.get("is_active", True),
        }
        for key, spec in scenarios.items()
    ]
    _json(
        folder / "scenarios" / "registry.json",
        {"scenarios": registry, "default_scenario_id": default or next(iter(scenarios))},
    )
    for key, spec in scenarios.items():
        _scenario(folder / "scenarios" / key, key, spec)
    _json(folder / "buttons" / "registry.json", {"button_sets": button_sets or {}})
    _json(folder / "templates" / "bot_globals.json", {"variables": variables or {}})
    return folder


def course(messages: int, prefix: str = "m", **spec: Any) -> dict[str, Any]:
    """Return a scenario whose messages follow each other at once, and say which they are."""
    return {
        "messages": {
            f"{prefix}{number}": {"text": f"{prefix}{number} for {{{{ user.first_name }}}}"}
            for number in range(1, messages + 1)
        },
        **spec,
    }


def buttons(*rows: list[dict[str, str]]) -> dict[str, Any]:
    """Return an inline keyboard."""
    return {"rows": [{"buttons": row} for row in rows]}


def _scenario(folder: Path, key: str, spec: dict[str, Any]) -> None:
    config = {
        "id": key,
        "name": spec.get("name", key.title()),
        "created_at": CREATED,
        "prodamus": {
            "product_name": spec.get("product_name", "A product"),
            "product_price": spec.get("product_price", "1500"),
            "paid_content": spec.get("paid_content", "Thank you!"),
            "private_group_id": "-1001234567890",
        },
        **spec.get("config", {}),
    }
    _json(folder / "config.json", config)
    messages = {}
    for name, message in spec["messages"].items():
        messages[name] = _message(folder, name, message)
    _json(
        folder / "messages.json",
        {"messages_list": list(spec["messages"]), "messages": messages},
    )
    summary = spec.get("summary", {"text": f"{key} summary"})
    if summary is not None:
        _json(folder / "summary.json", _message(folder, "summary", summary, timed=False))


def _message(
    folder: Path, name: str, message: dict[str, Any], *, timed: bool = True
) -> dict[str, Any]:
    given = dict(message)
    texts = {"": given.pop("text"), **given.pop("languages", {})}
    for language, text in texts.items():
        suffix = f".{language}" if language else ""
        _text(folder / "messages" / f"{name}{suffix}.md", text)
    for photo, content in given.pop("photo_files", {}).items():
        target = folder / "messages" / photo
        target.write_bytes(content)
    timing = {"timing": given.pop("timing", {"hours": 0, "minutes": 0})} if timed else {}
    return {**timing, "template_file": f"{name}.md", **given}


def _text(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _json(file: Path, value: Any) -> None:
    _text(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
