"""copyMessage and forwardMessage."""

from __future__ import annotations

from dripline.sandbox.botapi.access import Access, find_message
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.methods.posting import (
    Content,
    checked_caption,
    find_place,
    post,
    read_caption,
    sent,
)
from dripline.sandbox.world.messages import Json, Message
from dripline.sandbox.world.views import chat_view, user_view


def copy_message(api: Api, call: Call) -> Json:
    """copyMessage: the same content, as the bot's own; a caption sent along replaces the old."""
    place = find_place(api, call)
    original = _original(api, call, "message to copy")
    content = _content(original)
    if call.given("caption") and original.media:
        content.text, content.entities = checked_caption(*read_caption(call))
    return {"message_id": post(api, call, place, [content])[0].id}


def forward_message(api: Api, call: Call) -> Json:
    """forwardMessage."""
    place = find_place(api, call, markup=False)
    original = _original(api, call, "message to forward")
    content = _content(original)
    content.origin = original.origin or _origin(original)
    return sent(api, call, post(api, call, place, [content])[0])


def _original(api: Api, call: Call, called: str) -> Message:
    call.required("from_chat_id")
    message = find_message(api, call, Access.READ, called, "from_chat_id")
    if message.service:
        raise bad_request(f"the message can't be {'copied' if 'copy' in called else 'forwarded'}")
    if message.protected:
        raise bad_request("message has protected content and can't be forwarded")
    return message


def _content(original: Message) -> Content:
    return Content(original.text, list(original.entities), original.media)


def _origin(original: Message) -> Json:
    if original.sender:
        origin: Json = {"type": "user", "sender_user": user_view(original.sender)}
    else:
        origin = {"type": "channel", "chat": chat_view(original.chat), "message_id": original.id}
    return {**origin, "date": original.date}
