"""Files in calls: uploaded, by file_id, or by an http address on this machine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call, Upload
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.loopback import is_loopback
from dripline.sandbox.world.files import StoredFile
from dripline.sandbox.world.messages import Media

MAX_PHOTO_BYTES = 10 * 1024 * 1024
_MAX_URL_BYTES = 20 * 1024 * 1024
_MAX_SIDES = 10_000  # width + height
_MAX_RATIO = 20
_TYPE_NAMES = {
    "photo": "Photo",
    "video": "Video",
    "document": "Document",
    "animation": "Animation",
    "audio": "Audio",
    "voice": "VoiceNote",
    "video_note": "VideoNote",
    "sticker": "Sticker",
}


async def read_media(api: Api, call: Call, kind: str, value: str, fields: dict[str, Any]) -> Media:
    """The media of a call; `value` says where the file is. Raises BotApiError."""
    file = await _file(api, call, kind, value)
    if kind == "photo":
        _check_photo(file)
    side = _number(fields, "length")
    return Media(
        kind,
        file,
        width=_number(fields, "width") or side or file.width,
        height=_number(fields, "height") or side or file.height,
        duration=_number(fields, "duration"),
        title=str(fields.get("title") or ""),
        performer=str(fields.get("performer") or ""),
        spoiler=_yes(fields.get("has_spoiler")),
        caption_above=_yes(fields.get("show_caption_above_media")),
        emoji=str(fields.get("emoji") or ""),
    )


def _number(fields: dict[str, Any], name: str) -> int:
    try:
        return max(0, int(float(fields.get(name) or 0)))
    except (TypeError, ValueError):
        return 0


def _yes(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "yes")


async def _file(api: Api, call: Call, kind: str, value: str) -> StoredFile:
    attached = value.removeprefix("attach://") if value.startswith("attach://") else ""
    upload = call.files.get(attached) if attached else None
    if upload:
        return _keep(api, upload)
    if attached:
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    if "." in value:
        return await _from_url(api, value)
    reference = api.telegram.files.find(call.bot.id, value)
    if reference is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if (reference.kind == "photo") != (kind == "photo"):
        was, wanted = _TYPE_NAMES[reference.kind], _TYPE_NAMES[kind]
        raise bad_request(f"can't use file of type {was} as {wanted}")
    return reference.file


def _keep(api: Api, upload: Upload) -> StoredFile:
    if not upload.body:
        raise bad_request("file must be non-empty")
    return api.telegram.files.keep(upload.body, upload.name, upload.mime)


async def _from_url(api: Api, url: str) -> StoredFile:
    """Only this machine's own addresses are asked: the sandbox never goes out."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if not is_loopback(parts.hostname):
        raise bad_request("failed to get HTTP URL content")
    try:
        async with ClientBuilder().timeout(timedelta(seconds=10)).no_proxy().build() as client:
            response = await client.get(url).build().send()
            body = bytes(await response.bytes())
    except PyreqwestError as error:
        raise bad_request("failed to get HTTP URL content") from error
    if response.status != 200 or not 0 < len(body) <= _MAX_URL_BYTES:
        raise bad_request("failed to get HTTP URL content")
    mime = (response.headers.get("content-type") or "").partition(";")[0]
    return api.telegram.files.keep(body, parts.path.rpartition("/")[2] or "file", mime)


def _check_photo(file: StoredFile) -> None:
    if len(file.body) > MAX_PHOTO_BYTES:
        size, limit = len(file.body), f"the maximum size is {MAX_PHOTO_BYTES} bytes"
        raise bad_request(f"file of size {size} bytes is too big for a photo; {limit}")
    if not file.width or not file.height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    longest, shortest = max(file.width, file.height), min(file.width, file.height)
    if file.width + file.height > _MAX_SIDES or longest > _MAX_RATIO * shortest:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
