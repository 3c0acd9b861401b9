"""sendMessage, sendPhoto and the other methods that send one message."""

from __future__ import annotations

from typing import Any

from dripline.sandbox.botapi.access import Access, check_can_send, find_chat
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.media import read_media
from dripline.sandbox.botapi.methods.posting import (
    Content,
    checked_caption,
    checked_text,
    find_place,
    post,
    read_caption,
    read_preview,
    read_text,
    sent,
)
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.messages import Json

_ACTIONS = frozenset(
    (
        *("cancel", "typing", "record_video", "upload_video", "record_audio", "record_voice"),
        *("upload_audio", "upload_voice", "upload_photo", "upload_document", "choose_sticker"),
        *("pick_up_location", "find_location", "record_video_note", "upload_video_note"),
    )
)
_MEDIA_FIELDS = (
    *("width", "height", "duration", "title", "performer"),
    *("has_spoiler", "show_caption_above_media"),
)
_OF_ITS_OWN = {"sticker": ("emoji",), "video_note": ("duration", "length")}
_MAX_LENGTH = 640  # the side of a video note


def send_message(api: Api, call: Call) -> Json:
    """sendMessage."""
    words = read_text(call)
    place = find_place(api, call)
    text, entities = checked_text(*words)
    content = Content(text, entities, link_preview=read_preview(call))
    return sent(api, call, post(api, call, place, [content])[0])


async def _send_media(api: Api, call: Call, kind: str) -> Json:
    value = call.text(kind)
    if not value and kind in call.files:
        value = f"attach://{kind}"
    if not value:
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    bare = kind in _OF_ITS_OWN  # these have no words
    words = ("", []) if bare else read_caption(call)
    place = find_place(api, call)
    text, entities = checked_caption(*words)
    names = _OF_ITS_OWN.get(kind, _MEDIA_FIELDS)
    fields: dict[str, Any] = {name: call.text(name) for name in names}
    media = await read_media(api, call, kind, value, fields)
    content = Content(text, entities, media)
    return sent(api, call, post(api, call, place, [content])[0])


async def send_photo(api: Api, call: Call) -> Json:
    """sendPhoto."""
    return await _send_media(api, call, "photo")


async def send_video(api: Api, call: Call) -> Json:
    """sendVideo."""
    return await _send_media(api, call, "video")


async def send_animation(api: Api, call: Call) -> Json:
    """sendAnimation."""
    return await _send_media(api, call, "animation")


async def send_document(api: Api, call: Call) -> Json:
    """sendDocument."""
    return await _send_media(api, call, "document")


async def send_audio(api: Api, call: Call) -> Json:
    """sendAudio."""
    return await _send_media(api, call, "audio")


async def send_voice(api: Api, call: Call) -> Json:
    """sendVoice."""
    return await _send_media(api, call, "voice")


async def send_sticker(api: Api, call: Call) -> Json:
    """sendSticker."""
    return await _send_media(api, call, "sticker")


async def send_video_note(api: Api, call: Call) -> Json:
    """sendVideoNote."""
    if call.integer("length", low=0) > _MAX_LENGTH:
        raise bad_request("wrong video note length")
    return await _send_media(api, call, "video_note")


def send_chat_action(api: Api, call: Call) -> bool:
    """sendChatAction."""
    action = call.required("action").lower()
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = find_chat(api, call, Access.WRITE)
    check_can_send(chat, call.bot)
    api.telegram.changes.tell(Change("action", chat=chat, detail={"action": action}))
    return True
