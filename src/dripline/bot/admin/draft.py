"""What an admin is creating or editing: a scenario's document, and where the conversation is.

It lives in the database between two messages, so nothing of it is lost with a process.
"""

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

from dripline.content.finish import has_words as has_words
from dripline.content.finish import is_empty as is_empty
from dripline.content.rendered import MediaKind

GENERAL, SUMMARY, MESSAGE = "general", "summary", "message"
BROADCAST, LETTER = "broadcast", "letter"  # the sections of a broadcast
WHEN, AIM = "when", "aim"  # of a saved broadcast: when it goes out, and to whom
PAYMENT = "payment"
FIELD, CARD, PICK, MORE, HUB = "field", "card", "pick", "more", "hub"


@dataclass(slots=True)
class Draft:
    """One scenario on its way. `turn` numbers the questions: a button knows whose it is."""

    creating: bool
    body: dict[str, Any]
    scenario_id: str = ""
    own_id: bool = False  # it was chosen by hand, so a new name leaves it as it is
    base: dict[str, Any] | None = None  # the document when editing began
    base_revision: str = ""
    at: str = FIELD
    section: str = GENERAL
    message_id: str = ""
    field: str = "name"
    single: bool = False  # one field is being changed: then back to its section
    linear: bool = True  # the first way through all sections
    turn: int = 1
    turned_us: int = 0
    waiting: bool = False  # for files that are still being fetched
    group: str = ""  # the album whose pictures are coming in
    refused: str = ""  # the album of which a picture was refused, so that it is told once
    ack: list[Any] = dataclasses.field(default_factory=list)  # the queued word about it
    choices: list[str] = dataclasses.field(default_factory=list)
    theirs: dict[str, Any] | None = None  # what someone else saved meanwhile
    variant: str = ""  # the language of the text that is being asked for; empty: the usual one

    @property
    def is_broadcast(self) -> bool:
        """Whether this is a broadcast: its message stands where a scenario has its summary."""
        return bool(self.body.get("broadcast"))

    @property
    def is_work(self) -> bool:
        """Whether something would be lost with it: not a mere question about something saved."""
        return self.section not in {WHEN, AIM, PAYMENT}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Draft":
        """Return a draft as it was kept."""
        return cls(**kept)

    def kept(self) -> dict[str, Any]:
        """Return it as the database keeps it."""
        return asdict(self)

    @property
    def config(self) -> dict[str, Any]:
        """The scenario's configuration."""
        found: dict[str, Any] = self.body["config"]
        return found

    @property
    def product(self) -> dict[str, Any]:
        """What the scenario sells, to read from."""
        found = self.config.get("prodamus")
        return found if isinstance(found, dict) else {}

    @property
    def order(self) -> list[str]:
        """The ids of the messages."""
        found: list[str] = self.body["order"]
        return found

    @property
    def spec(self) -> dict[str, Any]:
        """The message that the present section is about."""
        if self.section == MESSAGE:
            found: dict[str, Any] = self.body["messages"][self.message_id]
            return found
        if self.body.get("summary") is None:
            self.body["summary"] = empty_spec()
        summary: dict[str, Any] = self.body["summary"]
        return summary

    @property
    def name(self) -> str:
        """The scenario's name."""
        return str(self.config.get("name") or self.scenario_id or "")

    def previous(self) -> dict[str, Any] | None:
        """Return the message before the present one, or None."""
        at = self.order.index(self.message_id)
        found: dict[str, Any] | None = self.body["messages"][self.order[at - 1]] if at else None
        return found


def new_body() -> dict[str, Any]:
    """Return the document of a scenario of which nothing is known yet."""
    return {
        "config": {}, "entry": {}, "order": [], "messages": {}, "messages_extra": {},
        "unlisted": {}, "summary": None, "retired": {},
    }  # fmt: skip


def empty_spec() -> dict[str, Any]:
    """Return a message without anything."""
    return {"texts": {"": ""}, "media": []}


def new_message_id(body: dict[str, Any]) -> str:
    """Return an id that no message has or had: who got an old one must get the new one too."""
    used = {*body["order"], *body.get("retired", {}), *body.get("unlisted", {}), *body["messages"]}
    number = 1
    while f"msg_{number}" in used:
        number += 1
    return f"msg_{number}"


def add_file(spec: dict[str, Any], kind: MediaKind, extension: str, file_id: str) -> None:
    """Put a file into a message; its bytes are still to be fetched."""
    spec.setdefault("media", []).append(
        {"kind": kind, "filename": "", "extension": extension, "file_id": file_id, "sha256": ""}
    )


def specs(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all messages of a document, the summary too."""
    found = [body["messages"][key] for key in body["order"]]
    return [*found, body["summary"]] if body.get("summary") else found


def missing_files(spec: dict[str, Any]) -> bool:
    """Whether files of a message are still being fetched."""
    return any(not one.get("sha256") for one in spec.get("media") or ())
