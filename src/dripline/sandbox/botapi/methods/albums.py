"""sendMediaGroup: photos, videos, documents or music as one."""

from __future__ import annotations

from typing import Any

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.media import read_media
from dripline.sandbox.botapi.methods.posting import Content, checked_caption, find_place, post, sent
from dripline.sandbox.formatting.entities import Entity, FormattingError
from dripline.sandbox.formatting.parse import parsed
from dripline.sandbox.world.messages import Json

MAX_ALBUM = 10
_KINDS = ("photo", "video", "document", "audio")
_ALONE = ("document", "audio")  # these go only with their own kind


async def send_media_group(api: Api, call: Call) -> list[Json]:
    """sendMediaGroup. A keyboard sent along is ignored, as on the real server."""
    call.required("media")
    items = call.json("media", "can't parse media JSON object")
    if not isinstance(items, list):
        raise bad_request("expected an Array of InputMedia")
    captions = [_read(item) for item in items]
    place = find_place(api, call, markup=False)
    _check_album(items)
    contents = [
        await _content(api, call, item, *caption)
        for item, caption in zip(items, captions, strict=True)
    ]
    return [sent(api, call, message) for message in post(api, call, place, contents)]


def _read(item: Any) -> tuple[str, list[Entity]]:
    if not isinstance(item, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    if "type" not in item:
        raise bad_request("can't parse InputMedia: Can't find field \"type\"")
    if not item.get("media"):
        raise bad_request("can't parse InputMedia: media not found")
    kind = item["type"]
    if kind == "animation":
        raise bad_request(
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup"
        )
    if kind not in _KINDS:
        raise bad_request(f'can\'t parse InputMedia: type "{kind}" is unsupported')
    return _caption(item)


def _caption(item: Json) -> tuple[str, list[Entity]]:
    text, mode = str(item.get("caption") or ""), str(item.get("parse_mode") or "")
    try:
        return parsed(text, mode, item.get("caption_entities"))
    except FormattingError as error:
        raise bad_request(f"can't parse InputMedia: {_capital(str(error))}") from error


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _check_album(items: list[Json]) -> None:
    if len(items) > MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    if not items:
        raise bad_request("there are no messages to send")
    kinds = {item["type"] for item in items}
    if len(kinds) > 1 and (alone := kinds.intersection(_ALONE)):
        raise bad_request(f"{min(alone)} can't be mixed with other media types")


async def _content(api: Api, call: Call, item: Json, text: str, entities: list[Entity]) -> Content:
    words, kept = checked_caption(text, entities)
    value = str(item["media"])
    if value.startswith("attach://") and value.removeprefix("attach://") not in call.files:
        raise bad_request("can't parse InputMedia: media not found")
    media = await read_media(api, call, str(item["type"]), value, item)
    return Content(words, kept, media)
