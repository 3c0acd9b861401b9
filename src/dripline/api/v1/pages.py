"""Pages: a cursor says behind which row to go on, so that what is added meanwhile moves nothing."""

import base64
import binascii
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from dripline.errors import Invalid

INVALID_CURSOR = "INVALID_CURSOR"
MOST = 200
T = TypeVar("T")
R = TypeVar("R")


class Page(BaseModel, Generic[T]):
    """A page of a list. `next_cursor` is null on the last one; a page may be short, even empty, and
    not the last: a rare filter looks at so many rows a page.
    """

    items: list[T]
    next_cursor: str | None = Field(examples=["AZnDpHoQfFKfDj9tD296AQ", None])


class Paging:
    """What a caller asks of a list: how many, behind which row."""

    def __init__(
        self,
        limit: Annotated[
            int, Query(ge=1, le=MOST, description="How many at most.", examples=[50])
        ] = 50,
        cursor: Annotated[
            str | None, Query(max_length=200, description="`next_cursor` of the page before.")
        ] = None,
    ) -> None:
        self.limit = limit
        self._cursor = cursor

    @property
    def behind(self) -> uuid.UUID | None:
        """The id of the row to go on behind. Raises Invalid (INVALID_CURSOR)."""
        raw = self._raw()
        if raw is None:
            return None
        if len(raw) != 16:
            raise _invalid()
        return uuid.UUID(bytes=raw)

    @property
    def behind_text(self) -> str | None:
        """The name to go on behind. Raises Invalid (INVALID_CURSOR)."""
        raw = self._raw()
        try:
            text = None if raw is None else raw.decode()
        except UnicodeDecodeError:
            raise _invalid() from None
        if text and "\x00" in text:
            raise _invalid()
        return text

    def page(
        self,
        rows: Sequence[R],
        shown: Callable[[R], T],
        key: Callable[[R], object],
        further: uuid.UUID | None = None,
    ) -> Page[T]:
        """Return a page of rows, of which one more than asked for was read.

        `further` is behind which row to go on when not enough was found in what was looked at.
        """
        here = rows[: self.limit]
        more = key(here[-1]) if len(rows) > self.limit else further
        return Page(
            items=[shown(row) for row in here],
            next_cursor=None if more is None else cursor_of(more),
        )

    def _raw(self) -> bytes | None:
        if self._cursor is None:
            return None
        try:
            return base64.b64decode(
                self._cursor + "=" * (-len(self._cursor) % 4), altchars=b"-_", validate=True
            )
        except (ValueError, binascii.Error):
            raise _invalid() from None


def cursor_of(key: object) -> str:
    """Return the cursor behind a row with this key."""
    raw = key.bytes if isinstance(key, uuid.UUID) else str(key).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _invalid() -> Invalid:
    return Invalid("The cursor is none of ours; begin without one.", code=INVALID_CURSOR)


Pages = Annotated[Paging, Depends()]
