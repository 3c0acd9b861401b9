"""Who asks for a page: in which language they read, what is on record of their visit."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from fastapi import Request

from dripline.contacts.consent import Evidence
from dripline.texts import SOURCE_LANGUAGE, languages

_WANTED: Final = re.compile(
    r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,20})?(?:\s*;\s*q=([01](?:\.\d{0,3})?))?"
)
_MOST_FIELDS: Final = 60
_LONGEST_FORM: Final = 16_384


def language_of(request: Request, known: str | None = None, default: str | None = None) -> str:
    """Return the language for a page: the contact's, else the browser's, else the default."""
    wanted = [known] if known else []
    wanted += _accepted(request.headers.get("accept-language", ""))
    wanted += [default] if default else []
    for one in wanted:
        plain = one.replace("_", "-").partition("-")[0].lower()
        if plain in languages():
            return plain
    return SOURCE_LANGUAGE


def _accepted(header: str) -> list[str]:
    """Return the languages of `Accept-Language`, the dearest first."""
    found = [
        (float(match[2] or 1), -number, match[1])
        for number, part in enumerate(header[:500].split(","))
        if (match := _WANTED.fullmatch(part.strip()))
    ]
    return [name for quality, _, name in sorted(found, reverse=True) if quality]


def evidence(request: Request, source: str, wording: str | None) -> Evidence:
    """Return what is kept of how something was said on a page."""
    agent = request.headers.get("user-agent", "").replace("\x00", "")[:500]
    return Evidence(source, wording, request.client.host if request.client else None, agent or None)


async def form_of(request: Request) -> Mapping[str, list[str]]:
    """Return the fields of a form; one that is too large, or no form, has none."""
    body = await request.body()
    if len(body) > _LONGEST_FORM:
        return {}
    try:
        return parse_qs(
            body.decode("utf-8", "replace").replace("\x00", ""),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        return {}
