"""How the Bot API writes what a message carries: Photo, Video, Document and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dripline.sandbox.world.files import FileStore, StoredFile
from dripline.sandbox.world.messages import Json, Media

# Longest side of the sizes that Telegram makes of a photo, smallest first.
_SIDES = (("s", 90), ("m", 320), ("x", 800), ("y", 1280), ("w", 2560))


def file_view(files: FileStore, file: StoredFile, bot_id: int, kind: str, part: str = "") -> Json:
    """The fields all files have."""
    return {
        "file_id": files.reference(bot_id, kind, file, part).file_id,
        "file_unique_id": file.unique_id + part,
        "file_size": len(file.body),
    }


def media_view(files: FileStore, media: Media, bot_id: int) -> Json:
    """The fields of a Message that tell its media."""
    view: Json = {media.kind: _WRITERS.get(media.kind, _file)(files, media, bot_id)}
    if media.kind == "animation":  # kept by the Bot API for old clients
        view["document"] = _named(media.file) | file_view(files, media.file, bot_id, "animation")
    if media.caption_above:
        view["show_caption_above_media"] = True
    if media.spoiler:
        view["has_media_spoiler"] = True
    return view


def _photo(files: FileStore, media: Media, bot_id: int) -> list[Json]:
    file = media.file
    longest = max(file.width, file.height, 1)
    sides = [(part, side) for part, side in _SIDES if side < longest]
    sides.append((_SIDES[min(len(sides), 4)][0], min(longest, 2560)))
    return [
        {
            **file_view(files, file, bot_id, "photo", part),
            "width": max(1, file.width * side // longest),
            "height": max(1, file.height * side // longest),
        }
        for part, side in sides
    ]


def _named(file: StoredFile) -> Json:
    view: Json = {"file_name": file.name} if file.name else {}
    return {**view, "mime_type": file.mime}


def _file(files: FileStore, media: Media, bot_id: int) -> Json:
    view: Json = {} if media.kind == "document" else {"duration": media.duration}
    if media.kind in ("video", "animation"):
        view.update(width=media.width or 640, height=media.height or 360)
    view.update(_named(media.file))
    if media.kind == "voice":
        view.pop("file_name", None)
    for field in ("title", "performer"):
        if value := getattr(media, field):
            view[field] = value
    return view | file_view(files, media.file, bot_id, media.kind)


def _sticker(files: FileStore, media: Media, bot_id: int) -> Json:
    view: Json = {"width": media.width or 512, "height": media.height or 512}
    if media.emoji:
        view["emoji"] = media.emoji
    view["is_animated"] = media.file.name.endswith(".tgs")
    view["is_video"] = media.file.mime == "video/webm"
    return {**view, "type": "regular"} | file_view(files, media.file, bot_id, "sticker")


def _video_note(files: FileStore, media: Media, bot_id: int) -> Json:
    view: Json = {"duration": media.duration, "length": media.width or 240}
    return view | file_view(files, media.file, bot_id, "video_note")


_WRITERS: dict[str, Callable[[FileStore, Media, int], Any]] = {
    "photo": _photo,
    "sticker": _sticker,
    "video_note": _video_note,
}
