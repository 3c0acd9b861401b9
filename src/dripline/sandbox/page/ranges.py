"""Answers with the part of a file that was asked for.

A player asks for parts to know how long a sound is and to skip in it; some play nothing otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.responses import Response

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def part_of(body: bytes, asked: str, mime: str, headers: Mapping[str, str]) -> Response:
    """Return one range of a file; all of it when several are asked for, or none that we read."""
    every = {**headers, "Accept-Ranges": "bytes"}
    wanted = _read(asked, len(body))
    if wanted is None:
        return Response(body, media_type=mime, headers=every)
    first, last = wanted
    if first >= len(body):
        return Response(status_code=416, headers={**every, "Content-Range": f"bytes */{len(body)}"})
    every["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return Response(body[first : last + 1], 206, media_type=mime, headers=every)


def _read(asked: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte that are asked for."""
    match = _RANGE.fullmatch(asked)
    if match is None or not any(match.groups()):
        return None
    begin, end = match.groups()
    if not begin:  # so many at the end
        return (max(0, size - int(end)), size - 1) if int(end) else (size, size)
    last = min(int(end), size - 1) if end else size - 1
    return (int(begin), last) if not end or int(begin) <= int(end) else None
