"""What the contacts room fills of a template's `user` scope."""

from datetime import datetime
from typing import Any

# Names every contact has; anything else under `user` is a declared attribute or another room's.
OWN_VARIABLES = frozenset(
    {"user_name", "first_name", "last_name", "language", "state", "reg_date", "email"}
)


def user_scope(
    *,
    username: str | None,
    first_name: str | None,
    last_name: str | None,
    language: str | None,
    state: str,
    registered_at: datetime | None,
    created_at: datetime,
) -> dict[str, Any]:
    """Return the `user` scope of one contact; `user_name` falls back on the first name."""
    return {
        "user_name": username or first_name or "",
        "first_name": first_name or "",
        "last_name": last_name or "",
        "language": language or "",
        "state": state,
        "reg_date": (registered_at or created_at).isoformat()[:10],
    }
