"""The folder of an old bot, small and with everything in it."""

import json
from pathlib import Path
from typing import Any

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
PAY = {
    "rows": [
        {"buttons": [{"type": "url", "text": "Pay {{payment_price}}", "url": "{{payment_link}}"}]}
    ]
}
ACCEPT = {"rows": [{"buttons": [{"type": "callback", "text": "Go", "callback_data": "accept"}]}]}
MESSAGES: dict[str, Any] = {
    "messages_list": ["msg_1", "msg_2", "msg_3"],
    "messages": {
        "start": {"template_file": "start.md", "inline_keyboard": ACCEPT},
        "msg_1": {"timing": {"hours": 0, "minutes": 1}, "template_file": "msg_1.md"},
        "msg_2": {
            "timing": {"hours": 24, "minutes": 0},
            "template_file": "msg_2.md",
            "inline_keyboard": PAY,
        },
        "msg_3": {"timing": {"hours": 24, "minutes": 0}, "template_file": "msg_3.md"},
        "group_invite": {"template_file": "group_invite.md"},
    },
}
TEXTS = {
    "start": "<b>Welcome!</b>",
    "msg_1": "One",
    "msg_2": "Two costs {{ payment_price }}",
    "msg_3": "Three for {{mystery}}",
    "group_invite": "Come in: {{invite_link}}",
}
USERS: dict[str, Any] = {
    "1": {"user_name": "fresh", "reg_time": "2026-01-01T10:00:00Z", "is_messaging": False,
          "messages_list": ["msg_3", "msg_2", "msg_1"]},
    "2": {"user_name": "middle", "reg_time": "2026-01-02T10:00:00+03:00", "is_messaging": True,
          "messages_list": ["msg_3", "msg_2"], "payment_link": "https://pay.example/2"},
    "3": {"user_name": "late", "reg_time": "2026-01-03T10:00:00Z", "is_messaging": True,
          "messages_list": ["msg_3"]},
    "4": {"user_name": "done", "reg_time": "2026-01-04T10:00:00Z", "is_messaging": True,
          "messages_list": [], "payment_date": "2026-01-10T10:00:00Z", "joined_group": True,
          "joined_at": "2026-01-10T11:00:00Z", "invite_link": "https://t.me/+x",
          "payment_info": {"order_id": "77", "sum": "1500.00"}},
    "5": {"user_name": "stopped", "reg_time": "2026-01-05T10:00:00Z", "is_messaging": False,
          "messages_list": ["msg_3", "msg_2"]},
    "6": {"user_name": "late2", "reg_time": "2026-01-06T10:00:00Z", "is_messaging": True,
          "messages_list": ["msg_3", "msg_1"]},
}  # fmt: skip
SCHEDULE = {
    "2": "2099-01-01T10:00:00Z",
    "3": "2026-01-10T10:00:00Z",
    "6": "2026-01-09T10:00:00Z",
    "99": "2099-01-01T10:00:00Z",
}
ENV = (
    'BOT_TOKEN=123456:secret\nPRIVATE_GROUP_ID=-1001\nPRODAMUS_PRODUCT_NAME="Big course"\n'
    "PRODAMUS_PRODUCT_PRICE=1500\nPRODAMUS_PRODUCT_PAID_CONTENT='Thank you!'\n"
    "PRODAMUS_SECRET_KEY=hush\n"
)


def old_bot(root: Path) -> Path:
    """Write the folder; tests change single files of it."""
    (root / "data/messages").mkdir(parents=True)
    (root / "assets/images").mkdir(parents=True)
    for name, value in (("messages", MESSAGES), ("users", USERS), ("schedule_backup", SCHEDULE)):
        (root / f"data/{name}.json").write_text(json.dumps(value, indent=1))
    for name, text in TEXTS.items():
        (root / f"data/messages/{name}.md").write_text(text)
    (root / "assets/images/msg_1.PNG").write_bytes(PNG)
    (root / ".env").write_text(ENV)
    return root
