"""The linter's part for `rotations/registry.json`, and its registration with the content room."""

import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dripline.content import room_files
from dripline.content.check_templates import Linter
from dripline.content.parse import ID
from dripline.content.shape import Node
from dripline.rotations import document
from dripline.rotations.schedule import problem_with

FILE: Final = "rotations/registry.json"
_FIELDS: Final = (
    "id", "name", "bot", "chats", "interval_hours", "cron", "timezone", "posts", "is_active",
)  # fmt: skip
_CHAT: Final = re.compile(r"-\d{1,18}|@[A-Za-z]\w{3,31}")
_OF_A_PERSON: Final = re.compile(r"\{[{%][^}]*\b(user|context)\.")
_MOST_CHATS: Final = 1000
_MOST_HOURS: Final = 24 * 366


class _Lint:
    """One look at the file."""

    def __init__(self, node: Node) -> None:
        self._node = node
        messages = node.value.get("messages")
        self._messages = frozenset(messages) if isinstance(messages, dict) else frozenset()
        self._ids: set[str] = set()
        self._posted: set[str] = set()

    def all(self) -> None:
        self._node.know(("rotations", "messages"))
        rotations = self._node.items("rotations")
        for rotation in rotations:
            if rotation.expect(dict):
                self._rotation(rotation)
        messages = self._node.object("messages")
        for key, inner in messages.members() if messages is not None else ():
            if key not in self._posted:
                inner.report("unused", f"No rotation posts the message {key}.", "warning")
            for field in ("wait_for", "wait", "condition", "timing"):
                if inner.has(field):
                    inner.at(field).report(
                        "unknown-field", f"A post into a channel has no “{field}”.", "warning"
                    )

    def _rotation(self, node: Node) -> None:
        node.know(_FIELDS)
        name = node.text("id", needed=True, most=64)
        if name and not ID.fullmatch(name):
            node.at("id").report("id", "A rotation's id has letters, digits, - and _.")
        if name in self._ids:
            node.at("id").report("duplicate", f"There is a rotation {name} already.")
        self._ids.add(name)
        node.text("name", most=200)
        node.text("bot", most=32)
        if node.has("is_active"):
            node.at("is_active").expect(bool)
        self._chats(node)
        self._schedule(node)
        self._posts(node)

    def _chats(self, node: Node) -> None:
        chats = node.items("chats")
        if len(chats) > _MOST_CHATS:
            node.at("chats").report("chats", f"A rotation has at most {_MOST_CHATS} chats.")
        seen: set[document.Chat] = set()
        for chat in chats:
            if not self._chat(chat):
                continue
            value = document.chat(chat.value)
            if value in seen:
                chat.report("duplicate", f"The chat {value.value} is in the list already.")
            seen.add(value)

    def _chat(self, node: Node) -> bool:
        given = node.at("chat").value if isinstance(node.value, dict) else node.value
        if isinstance(given, bool) or not isinstance(given, int | str):
            node.report("chat", _CHAT_IS)
            return False
        if not _CHAT.fullmatch(str(given)):
            node.report("chat", _CHAT_IS)
            return False
        if isinstance(node.value, dict):
            node.number("topic", 0, 0, 2**31 - 1)
            node.text("language", most=35)
        return True

    def _schedule(self, node: Node) -> None:
        if node.has("cron") and node.has("interval_hours"):
            node.at("cron").report("schedule", "Give a cron line or interval_hours, not both.")
        if node.has("interval_hours"):
            hours = node.value["interval_hours"]
            good = isinstance(hours, int | float) and not isinstance(hours, bool)
            if not good or not 1 / 3600 <= hours <= _MOST_HOURS:
                node.at("interval_hours").report(
                    "number", "“interval_hours” is a number of hours above 0; 0.5 is half an hour."
                )
        if node.has("cron"):
            problem = problem_with(node.text("cron", most=200))
            if problem:
                node.at("cron").report("cron", f"This is no cron line: {problem}.")
        if node.has("timezone"):
            _timezone(node)

    def _posts(self, node: Node) -> None:
        posts = node.items("posts")
        listed = {post.value for post in posts if isinstance(post.value, str)}
        self._posted |= listed if posts else self._messages
        for post in posts:
            if post.expect(str) and post.value not in self._messages:
                post.report("missing-message", f"There is no message {post.value} here.")
        if not posts and not self._messages:
            node.report("empty", "This rotation has nothing to post: list “messages”.")


_CHAT_IS: Final = (
    "A chat is the id of a channel or group, such as -1001234567890, or its @name; a topic of a "
    'group is {"chat": -1001234567890, "topic": 5}.'
)


def _timezone(node: Node) -> None:
    name = node.text("timezone", most=64)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        node.at("timezone").report("timezone", "A timezone is called like Europe/Moscow.")
    if node.has("interval_hours"):
        node.at("timezone").report(
            "timezone",
            "A timezone goes with a cron line; hours need none.",
            "warning",
        )


def _check(node: Node, linter: Linter, _scenario_ids: frozenset[str]) -> None:
    _Lint(node).all()
    for file, text in linter.folder.texts.items():
        found = _OF_A_PERSON.search(text) if file.startswith("rotations/messages/") else None
        if found is not None:
            linter.folder.report(
                file, found.start(), "warning", "nobody",
                "A post in a channel is read by everybody; it knows no user.",
            )  # fmt: skip


room_files.register(room_files.RoomFile(document.KIND, FILE, _check, document.make))
