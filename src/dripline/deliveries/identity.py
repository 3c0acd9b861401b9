"""The id of an email's delivery is written down before it leaves, and is the same at each attempt.

An email provider takes a message once under one idempotency key, and its links name the delivery.
So the id goes into flight with the row: a worker that died in the middle is continued by another
under the same id. Telegram knows no such key; there each attempt has a fresh one.
"""

from collections.abc import Sequence
from typing import Final

from dripline.database import dump_json, load_json
from dripline.deliveries.protocols import Ready
from dripline.ids import new_id

EMAIL: Final = "email"


def name_emails(leaving: Sequence[tuple[Ready, int]]) -> None:
    """Give messages under one pace key that are about to leave the ids they keep, if by email."""
    if leaving[0][0].address.channel == EMAIL:  # under one key there is one channel
        for ready, _slot in leaving:
            _name(ready)


def _name(ready: Ready) -> None:
    kept = load_json(ready.claimed.detail) if ready.claimed.detail else {}
    parts, message_id = kept.get("parts") or {}, ready.source.message_id
    # The row of an enrollment may mean another message by now: the content was edited meanwhile.
    if "id" in parts and parts.get("of", message_id) == message_id:
        return
    kept["parts"] = {"done": 0, "ids": [], "id": new_id().hex, "of": message_id}
    ready.claimed = ready.claimed._replace(detail=dump_json(kept))
