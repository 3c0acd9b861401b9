"""Content folders for tests: the layout of FORMATS, as an existing installation has it."""

import json
import struct
from pathlib import Path
from typing import Any

Files = dict[str, Any]  # a text, bytes, or a JSON value, by name


def picture(name: str, width: int = 4, height: int = 3) -> bytes:
    """Return what begins like a picture, so that the check sees its size."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + name.encode()


def formats() -> Files:
    """Return the files of FORMATS' examples."""
    pay = {
        "type": "url",
        "text": "Pay for {{scenario.product_name}}",
        "url": "{{user.payment_link}}",
    }
    more = {"type": "url", "text": "Read more", "url": "https://example.com"}
    done = {"type": "callback", "text": "Done", "callback_data": "done"}
    return {
        "scenarios/registry.json": {
            "scenarios": [
                {
                    "id": "default",
                    "name": "Basic course",
                    "created_at": "2024-01-15T10:00:00Z",
                    "is_active": True,
                }
            ],
            "default_scenario_id": "default",
        },
        "scenarios/default/config.json": {
            "id": "default",
            "name": "Basic course",
            "created_at": "2024-02-01T10:00:00Z",
            "prodamus": {
                "product_name": "Premium access",
                "product_price": "1500",
                "paid_content": "Thank you!",
                "private_group_id": "-1001234567890",
            },
        },
        "scenarios/default/messages.json": {
            "messages_list": ["msg_1", "msg_2"],
            "messages": {
                "msg_1": {
                    "timing": {"hours": 0, "minutes": 0},
                    "template_file": "msg_1.md",
                    "photos": ["msg_1_1.PNG", "msg_1_2.PNG"],
                    "inline_keyboard": {"button_set_ref": "payment_button"},
                },
                "msg_2": {
                    "timing": {"hours": 24, "minutes": 0},
                    "template_file": "msg_2.md",
                    "inline_keyboard": {"rows": [{"buttons": [more, done]}]},
                },
            },
        },
        "scenarios/default/summary.json": {
            "template_file": "summary.md",
            "photos": ["summary_1.PNG"],
            "inline_keyboard": {"button_set_ref": "payment_button"},
        },
        "scenarios/default/messages/msg_1.md": "Hello, <b>{{ user.first_name }}</b>!\n",
        "scenarios/default/messages/msg_1.ru.md": "Привет, <b>{{user.first_name}}</b>!\n",
        "scenarios/default/messages/msg_2.md": "{{bot.bot_name}} asks {{ scenario.product_price }}",
        "scenarios/default/messages/summary.md": "That was {{scenario.name}}.",
        "scenarios/default/messages/msg_1_1.PNG": picture("one"),
        "scenarios/default/messages/msg_1_2.PNG": picture("two"),
        "scenarios/default/messages/summary_1.PNG": picture("one"),
        "buttons/registry.json": {
            "button_sets": {"payment_button": {"rows": [{"buttons": [pay]}]}}
        },
        "templates/bot_globals.json": {
            "variables": {"bot_name": "My bot", "support_link": "https://t.me/support"}
        },
        "broadcasts/registry.json": {
            "broadcasts": [
                {
                    "id": "bc_1",
                    "name": "News",
                    "template_file": "bc_1.md",
                    "inline_keyboard": {"rows": [{"buttons": [more]}]},
                    "targeting": {"conditions": ["no_active_scenario", "has_not_paid"]},
                    "created_at": "2024-02-01T10:00:00Z",
                }
            ]
        },
        "broadcasts/messages/bc_1.md": "News!",
    }


def one_message(text: str, **fields: Any) -> Files:
    """Return a folder with one scenario of one message."""
    return {
        "scenarios/registry.json": {
            "scenarios": [{"id": "default", "name": "One"}],
            "default_scenario_id": "default",
        },
        "scenarios/default/config.json": {"id": "default", "name": "One"},
        "scenarios/default/messages.json": {
            "messages_list": ["m"],
            "messages": {"m": {"template_file": "m.md", **fields}},
        },
        "scenarios/default/messages/m.md": text,
    }


def write(root: Path, files: Files) -> Path:
    """Write a folder's files; JSON as people write it, in one way of many."""
    for name, value in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, bytes):
            place.write_bytes(value)
        elif isinstance(value, str):
            place.write_text(value, "utf-8")
        else:
            place.write_text(json.dumps(value, indent=4, ensure_ascii=False), "utf-8")
    return root


def tree(root: Path) -> dict[str, bytes]:
    """Return every file of a folder but the marker."""
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.name != ".dripline-sync.json"
    }
