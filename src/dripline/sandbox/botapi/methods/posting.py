"""Puts messages of a bot into a chat: the checks that all send methods share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dripline.sandbox.botapi.access import Access, check_can_send, find_chat
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call, as_integer
from dripline.sandbox.botapi.errors import bad_request, too_many_requests
from dripline.sandbox.botapi.keyboards import checked_markup, read_markup
from dripline.sandbox.formatting.clean import cleaned
from dripline.sandbox.formatting.entities import Entity
from dripline.sandbox.formatting.parse import fits, parsed
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.messages import Json, Media, Message
from dripline.sandbox.world.views import message_view

MAX_TEXT = 4096
MAX_CAPTION = 1024


@dataclass(slots=True)
class Content:
    """What a message will hold."""

    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    media: Media | None = None
    thing: Json | None = None
    origin: Json | None = None
    link_preview: Json | None = None


def read_text(call: Call) -> tuple[str, list[Entity]]:
    """The text of a call, parsed but not yet cleaned."""
    text = call.text("text")
    if not text:
        raise bad_request("message text is empty")
    given = call.json("entities", "can't parse entities JSON object")
    return parsed(text, call.text("parse_mode"), given)


def read_caption(call: Call) -> tuple[str, list[Entity]]:
    """The caption of a call, parsed but not yet cleaned."""
    given = call.json("caption_entities", "can't parse entities JSON object")
    return parsed(call.text("caption"), call.text("parse_mode"), given)


def read_preview(call: Call) -> Json | None:
    """How a call wants its first link previewed; None for the usual way."""
    preview = call.json("link_preview_options", "can't parse link preview options JSON object")
    if preview is not None and not isinstance(preview, dict):
        raise bad_request("object expected as link preview options")
    return {"is_disabled": True} if call.flag("disable_web_page_preview") else preview


def checked_text(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """The text of a message, cleaned and within its length."""
    words, kept = cleaned(text, entities, allow_empty=False)
    if not fits(words, MAX_TEXT):
        raise bad_request("message is too long")
    return words, kept


def checked_caption(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """The caption of a message, cleaned and within its length."""
    words, kept = cleaned(text, entities, allow_empty=True)
    if not fits(words, MAX_CAPTION):
        raise bad_request("message caption is too long")
    return words, kept


@dataclass(slots=True)
class Place:
    """Where a message goes, and what surrounds it."""

    chat: Chat
    markup: Json | None
    reply_to: Message | None


def find_place(api: Api, call: Call, *, markup: bool = True) -> Place:
    """The chat, keyboard and reply of a call, checked as far as they can be before sending."""
    shape = read_markup(call) if markup else None
    chat = find_chat(api, call, Access.WRITE)
    return Place(chat, shape, _reply_to(call, chat))


def _reply_to(call: Call, chat: Chat) -> Message | None:
    given = call.json("reply_parameters", "can't parse reply parameters JSON object") or {}
    if not isinstance(given, dict):
        raise bad_request("object expected as reply parameters")
    wanted = as_integer(str(given.get("message_id", "0"))) or call.integer("reply_to_message_id")
    if wanted <= 0:
        return None
    message = chat.history.get(wanted)
    optional = given.get("allow_sending_without_reply") or call.flag("allow_sending_without_reply")
    if message is None and str(optional).lower() != "true":
        raise bad_request("message to be replied not found")
    return message


def post(api: Api, call: Call, place: Place, contents: list[Content]) -> list[Message]:
    """Send the messages: several are an album. Raises BotApiError; then nothing was sent."""
    chat = place.chat
    keyboard = checked_markup(place.markup, chat)
    paid = call.flag("allow_paid_broadcast")
    if wait := api.limits.take(call.bot.id, chat.id, paid=paid):
        raise too_many_requests(wait)
    check_can_send(chat, call.bot)
    album = str(10_000_000_000_000_000 + api.telegram.new_number()) if len(contents) > 1 else ""
    messages = [_message(api, call, place, content) for content in contents]
    for message in messages:
        message.album, message.keyboard = album, keyboard
    _set_reply_keyboard(chat, place.markup)
    for message in messages:
        chat.unread += 1
        api.telegram.keep(message)
    return messages


def _message(api: Api, call: Call, place: Place, content: Content) -> Message:
    chat = place.chat
    return Message(
        chat.history.next_id(),
        chat,
        api.telegram.date(),
        None if chat.kind is Kind.CHANNEL else call.bot.user,
        content.text,
        content.entities,
        content.media,
        content.thing,
        reply_to=replace(place.reply_to, reply_to=None) if place.reply_to else None,
        origin=content.origin,
        link_preview=content.link_preview,
        protected=call.flag("protect_content"),
        bot_id=call.bot.id,
    )


def _set_reply_keyboard(chat: Chat, markup: Json | None) -> None:
    """The keyboard under the input line stays until another comes or it is taken away."""
    if markup and "keyboard" in markup:
        chat.reply_keyboard = markup
    elif markup and markup.get("remove_keyboard"):
        chat.reply_keyboard = None


def sent(api: Api, call: Call, message: Message) -> Json:
    """The answer of a send method."""
    return message_view(api.telegram, message, call.bot)
