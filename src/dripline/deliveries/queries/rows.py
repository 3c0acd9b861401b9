"""A row of the queue, as statements name it and as Python holds it."""

from typing import Any

from dripline.database.bulk import as_uuid
from dripline.deliveries.protocols import Claimed

ROW = "pace_key, priority, due_at, id, origin, ref, turn, attempt, outages, detail"


def claimed_row(row: Any) -> Claimed:
    """Return what a driver read of a row, in the order of `ROW`."""
    return Claimed(
        row[0],
        row[1],
        row[2],
        as_uuid(row[3]),
        row[4],
        as_uuid(row[5]),
        row[6],
        row[7],
        row[8],
        row[9],
    )
