"""Read what Resend says of emails; nothing in it is taken for granted."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from dripline.channels.email_resend import TRACKING_TAG
from dripline.database import storable

_PREFIX = "email."
_HEX = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST = 500
_MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class News:
    """One thing Resend says; `kind` is its type without `email.`, in lower case.

    `detail` is the bounce, the failure, the suppression or the click, as it came.
    """

    kind: str
    email_id: str | None
    tracking_id: uuid.UUID | None
    recipients: tuple[str, ...]
    told_at: datetime | None
    detail: dict[str, Any]

    def text(self, *names: str) -> str:
        """Return the first of the detail's fields that is a text; empty if none is."""
        for name in names:
            value = self.detail.get(name)
            if isinstance(value, str) and value:
                return storable(" ".join(value.split()))[:_LONGEST]
        return ""


def read(body: bytes) -> list[News]:
    """Return what a webhook says: one thing, or a batch of them.

    Raises ValueError for what is no webhook of Resend's.
    """
    said = orjson.loads(body)
    batch = said if isinstance(said, list) else [said]
    if len(batch) > _MOST_EVENTS or not all(isinstance(one, dict) for one in batch):
        raise ValueError("no object, and no list of them")
    return [_one(one) for one in batch]


def _one(said: dict[str, Any]) -> News:
    kind, data = said.get("type"), said.get("data")
    if not isinstance(kind, str):
        raise ValueError("it has no type")
    data = data if isinstance(data, dict) else {}
    email_id = data.get("email_id")
    return News(
        kind.lower().removeprefix(_PREFIX)[:40],
        email_id[:200] if isinstance(email_id, str) and email_id else None,
        _tracking_id(data.get("tags")),
        _recipients(data.get("to")),
        _moment(said.get("created_at")),
        _detail(data),
    )


def _detail(data: dict[str, Any]) -> dict[str, Any]:
    for name in ("bounce", "failed", "suppressed", "click", "open", "delivery_delayed"):
        if isinstance(data.get(name), dict):
            found: dict[str, Any] = data[name]
            return found
    return {}


def _tracking_id(tags: Any) -> uuid.UUID | None:
    """Return the delivery that the tags name; they come as an object, or as a list of pairs."""
    value: Any = None
    if isinstance(tags, dict):
        value = tags.get(TRACKING_TAG)
    elif isinstance(tags, list):
        pairs = [one for one in tags if isinstance(one, dict)]
        value = next((one.get("value") for one in pairs if one.get("name") == TRACKING_TAG), None)
    return uuid.UUID(value) if isinstance(value, str) and _HEX.fullmatch(value) else None


def _recipients(to: Any) -> tuple[str, ...]:
    found = [to] if isinstance(to, str) else to if isinstance(to, list) else []
    return tuple(one[:_LONGEST] for one in found[:50] if isinstance(one, str))


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "T", 1))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
