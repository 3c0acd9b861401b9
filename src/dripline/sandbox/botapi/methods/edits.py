"""editMessageText and its kin."""

from __future__ import annotations

from typing import Any

from dripline.sandbox.botapi.access import Access, find_message
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.keyboards import checked_markup, read_markup
from dripline.sandbox.botapi.media import read_media
from dripline.sandbox.botapi.methods.posting import (
    checked_caption,
    checked_text,
    read_caption,
    read_preview,
    read_text,
    sent,
)
from dripline.sandbox.formatting.parse import parsed
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.messages import Json, Message

_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
_KINDS = ("photo", "video", "animation", "audio", "document")


def edit_message_text(api: Api, call: Call) -> Json:
    """editMessageText."""
    words = read_text(call)
    message, keyboard = _target(api, call)
    if message.kind:
        raise bad_request("there is no text in the message to edit")
    text, entities = checked_text(*words)
    changes = {"text": text, "entities": entities, "link_preview": read_preview(call)}
    return _apply(api, call, message, keyboard=keyboard, **changes)


def edit_message_caption(api: Api, call: Call) -> Json:
    """editMessageCaption."""
    words = read_caption(call)
    message, keyboard = _target(api, call)
    if not message.media or not message.media.captioned:
        raise bad_request("there is no caption in the message to edit")
    text, entities = checked_caption(*words)
    return _apply(api, call, message, text=text, entities=entities, keyboard=keyboard)


def edit_message_reply_markup(api: Api, call: Call) -> Json:
    """editMessageReplyMarkup."""
    message, keyboard = _target(api, call)
    return _apply(api, call, message, keyboard=keyboard)


async def edit_message_media(api: Api, call: Call) -> Json:
    """editMessageMedia."""
    call.required("media")
    item = call.json("media", "can't parse input media JSON object")
    if not isinstance(item, dict) or item.get("type") not in _KINDS or not item.get("media"):
        raise bad_request("can't parse InputMedia: media not found")
    caption = str(item.get("caption") or ""), str(item.get("parse_mode") or "")
    words = parsed(*caption, item.get("caption_entities"))
    message, keyboard = _target(api, call)
    text, entities = checked_caption(*words)
    media = await read_media(api, call, str(item["type"]), str(item["media"]), item)
    return _apply(api, call, message, text=text, entities=entities, media=media, keyboard=keyboard)


def _target(api: Api, call: Call) -> tuple[Message, Json | None]:
    if not call.given("chat_id") and not call.given("message_id"):
        raise bad_request("message identifier is not specified")
    shape = read_markup(call)
    message = find_message(api, call, Access.EDIT, "message to edit")
    if message.bot_id != call.bot.id or message.service:
        raise bad_request("message can't be edited")
    return message, checked_markup(shape, message.chat)


def _apply(api: Api, call: Call, message: Message, **changes: Any) -> Json:
    if all(getattr(message, name) == value for name, value in changes.items()):
        raise bad_request(_NOT_MODIFIED)
    for name, value in changes.items():
        setattr(message, name, value)
    message.edited = api.telegram.date()
    api.telegram.changes.tell(Change("edited", chat=message.chat, message=message))
    return sent(api, call, message)
