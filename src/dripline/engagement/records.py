"""What a redirect writes into the spool, and what the drain reads out of it."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dripline.clock import from_us, to_us
from dripline.database import storable
from dripline.engagement.tokens import Mark, Seal
from dripline.ids import new_id

_AGENT: Final = 500
_IP: Final = 45
_DEVICE: Final = 64


def record(
    token: str, method: str, at: datetime, ip: str, user_agent: str, device: str
) -> list[Any]:
    """Return the record of one request, with an id that makes it count once."""
    agent = user_agent[:_AGENT]
    return [new_id().hex, to_us(at), token, method, ip[:_IP], agent, device[:_DEVICE]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request for a link or a pixel, as it was spooled."""

    id: uuid.UUID
    at: datetime
    mark: Mark
    method: str
    ip: str
    user_agent: str
    device: str


def read(seal: Seal, found: list[Any]) -> Seen | None:
    """Return what a record says, or None for what no redirect of ours has written."""
    try:
        identity, at_us, token, method, ip, agent, device = found
        mark = seal.read(token)
        if mark is None:
            return None
        texts = (storable(str(text)) for text in (method, ip, agent, device))
        return Seen(uuid.UUID(identity), from_us(int(at_us)), mark, *texts)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None
