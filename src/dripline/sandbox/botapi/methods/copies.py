"""copyMessage, forwardMessage, and the same for many at once."""

from __future__ import annotations

from itertools import groupby, pairwise

from dripline.sandbox.botapi.access import Access, find_chat, find_message
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.methods.deletions import message_ids
from dripline.sandbox.botapi.methods.posting import (
    Content,
    Place,
    checked_caption,
    find_place,
    post,
    read_caption,
    sent,
)
from dripline.sandbox.botapi.methods.things import copied
from dripline.sandbox.world.messages import Json, Message
from dripline.sandbox.world.views import chat_view, user_view


def copy_message(api: Api, call: Call) -> Json:
    """copyMessage: the same content, as the bot's own; a caption sent along replaces the old."""
    place = find_place(api, call)
    original = _original(api, call, "message to copy")
    content = _copied(api, original)
    captioned = original.media and original.media.captioned
    if call.params.get("caption") is not None and captioned:  # an empty one takes it away
        content.text, content.entities = checked_caption(*read_caption(call))
    return {"message_id": post(api, call, place, [content])[0].id}


def forward_message(api: Api, call: Call) -> Json:
    """forwardMessage."""
    place = find_place(api, call, markup=False)
    original = _original(api, call, "message to forward")
    content = _content(original)
    content.origin = original.origin or _origin(original)
    return sent(api, call, post(api, call, place, [content])[0])


def copy_messages(api: Api, call: Call) -> list[Json]:
    """copyMessages: albums stay together; those that are not there are passed over."""
    place, originals = _many(api, call)
    ids: list[Json] = []
    for part in _parts(originals):
        contents = [_copied(api, original) for original in part]
        if call.flag("remove_caption"):
            contents = [Content(media=one.media) if one.media else one for one in contents]
        ids += [{"message_id": message.id} for message in post(api, call, place, contents)]
    return ids


def forward_messages(api: Api, call: Call) -> list[Json]:
    """forwardMessages: likewise."""
    place, originals = _many(api, call)
    ids: list[Json] = []
    for part in _parts(originals):
        contents = [_content(original) for original in part]
        for original, content in zip(part, contents, strict=True):
            content.origin = original.origin or _origin(original)
        ids += [{"message_id": message.id} for message in post(api, call, place, contents)]
    return ids


def _many(api: Api, call: Call) -> tuple[Place, list[Message]]:
    numbers = message_ids(call)
    if any(number >= following for number, following in pairwise(numbers)):
        raise bad_request("message identifiers must be in a strictly increasing order")
    place = find_place(api, call, markup=False)
    call.required("from_chat_id")
    chat = find_chat(api, call, Access.READ, "from_chat_id")
    found = [chat.history.get(number) for number in numbers]
    whole = [one for one in found if one and not one.service and not one.protected]
    if not whole:
        raise bad_request("there are no messages to forward")
    return place, whole


def _parts(originals: list[Message]) -> list[list[Message]]:
    return [list(part) for _, part in groupby(originals, lambda one: one.album or one.id)]


def _original(api: Api, call: Call, called: str) -> Message:
    call.required("from_chat_id")
    message = find_message(api, call, Access.READ, called, "from_chat_id")
    if message.service:
        raise bad_request(f"the message can't be {'copied' if 'copy' in called else 'forwarded'}")
    if message.protected:
        raise bad_request("message has protected content and can't be forwarded")
    return message


def _content(original: Message) -> Content:
    return Content(original.text, list(original.entities), original.media, original.thing)


def _copied(api: Api, original: Message) -> Content:
    """A forwarded die or poll is the same one; a copied die is thrown again, a poll begins anew."""
    content = _content(original)
    if original.thing:
        content.thing = copied(api, original.thing)
    return content


def _origin(original: Message) -> Json:
    if original.sender:
        origin: Json = {"type": "user", "sender_user": user_view(original.sender)}
    else:
        origin = {"type": "channel", "chat": chat_view(original.chat), "message_id": original.id}
    return {**origin, "date": original.date}
