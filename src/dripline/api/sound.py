"""What no endpoint should have to think about: NUL, half characters, numbers without bounds."""

import json
import math
from typing import Any, Final

from fastapi import Request

from dripline.errors import Invalid

_DEEPEST: Final = 32
_LARGEST: Final = 2**63 - 1  # what both databases hold


def check(request: Request, body: bytes) -> None:
    """Raise Invalid for what no database keeps, in the path, the query or a JSON body."""
    for text in (*request.path_params.values(), *request.query_params.values()):
        _check(text, "the address", 0)
    if not body or "json" not in request.headers.get("content-type", "json"):
        return
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid("The body is not JSON.", code="INVALID_JSON") from None
    _check(value, "body", 0)


def fields_of(body: bytes) -> list[str]:
    """Return the names of what a JSON body gives."""
    try:
        value = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return []
    return sorted(value) if isinstance(value, dict) else []


def _check(value: Any, where: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise Invalid(f"{where} is nested more than {_DEEPEST} levels deep.")
    match value:
        case dict():
            for key, part in value.items():
                _check(key, where, depth + 1)
                _check(part, f"{where}.{key}"[:200], depth + 1)
        case list():
            for index, part in enumerate(value):
                _check(part, f"{where}.{index}"[:200], depth + 1)
        case _:
            _check_one(value, where)


def _check_one(value: Any, where: str) -> None:
    match value:
        case str() if "\x00" in value or not _encodable(value):
            raise Invalid(f"{where} has a character that no text has (NUL, half a surrogate).")
        case int() if abs(value) > _LARGEST:
            raise Invalid(f"{where} has a number beyond 64 bits.")
        case float() if not math.isfinite(value):
            raise Invalid(f"{where} has a number that is none.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
