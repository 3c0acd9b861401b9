"""How the page sees people, chats and messages. No token ever goes there."""

from __future__ import annotations

from urllib.parse import quote

from dripline.sandbox.world.bots import Bot, CallbackQuery
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.mail import Mail
from dripline.sandbox.world.messages import Json, Media, Message
from dripline.sandbox.world.people import User
from dripline.sandbox.world.telegram import Telegram


def chat_key(chat: Chat) -> str:
    """The name of a chat in the control API: `p.<bot>.<person>` or `g.<chat>`."""
    return f"p.{chat.bot_id}.{chat.id}" if chat.kind is Kind.PRIVATE else f"g.{chat.id}"


def person(user: User) -> Json:
    """A contact."""
    return {
        "id": user.id,
        "name": user.name,
        "first_name": user.first_name,
        "username": user.username,
        "language": user.language_code,
        "is_bot": user.is_bot,
        "deleted": user.deleted,
        "email": user.email,
    }


def mail(item: Mail) -> Json:
    """An email for the list of a mailbox; its page is at `mail/<id>`."""
    return {
        "id": item.id,
        "contact": item.user.id,
        "to": item.user.email,
        "sender": item.sender,
        "subject": item.subject,
        "snippet": item.snippet,
        "date": item.date,
        "read": item.read,
        "left": item.left,
        "can_leave": bool(item.unsubscribe),
    }


def bot(item: Bot) -> Json:
    """A bot, with the commands its menu shows and what it says of itself, by language."""
    default = '{"type":"default"}'
    commands = {
        language: commands
        for (scope, language), commands in item.commands.items()
        if scope in (default, '{"type":"all_private_chats"}')
    }
    described = {key[1]: text for key, text in item.descriptions.items() if key[0] == "description"}
    view = {**person(item.user), "commands": commands, "description": described}
    return {**view, "webhook": bool(item.webhook.url)}


def chat(telegram: Telegram, item: Chat) -> Json:
    """A chat, with its newest message for the list."""
    last = item.history.last()
    name = telegram.bots[item.bot_id].user.name if item.bot_id else item.title
    return {
        "key": chat_key(item),
        "id": item.id,
        "kind": item.kind.value,
        "title": name,
        "bot": item.bot_id,
        "contact": item.user.id if item.user else 0,
        "members": {str(user): standing.value for user, standing in item.members.items()},
        "started": item.started,
        "blocked": item.blocked,
        "migrated_to": item.migrated_to,
        "unread": item.unread,
        "reply_keyboard": item.reply_keyboard,
        "pinned": message(item.newest_pin) if item.newest_pin else None,
        "last": message(last) if last else None,
    }


def message(item: Message) -> Json:
    """A message."""
    view: Json = {"id": item.id, "chat": chat_key(item.chat), "date": item.date}
    view["sender"] = person(item.sender) if item.sender else None
    view["text"], view["entities"] = item.text, item.entities
    if item.media:
        view["media"] = media(item.media)
    if item.reactions:
        view["reactions"] = list(item.reactions.values())
    if item.keyboard:
        view["keyboard"] = item.keyboard["inline_keyboard"]
    if item.reply_to:
        view["reply_to"] = _quoted(item.reply_to)
    for field in ("album", "thing", "edited", "origin", "service"):
        if value := getattr(item, field):
            view[field] = value
    return view


def _quoted(item: Message) -> Json:
    name = item.sender.name if item.sender else item.chat.title
    return {"id": item.id, "sender": name, "text": item.text[:100], "kind": item.kind}


def media(item: Media) -> Json:
    """What a message carries; `url` is relative to the page."""
    file = item.file
    return {
        "kind": item.kind,
        "url": f"files/{file.unique_id}/{quote(file.name or item.kind, safe='')}",
        "name": file.name,
        "mime": file.mime,
        "size": len(file.body),
        "width": item.width,
        "height": item.height,
        "duration": item.duration,
        "title": item.title,
        "performer": item.performer,
        "spoiler": item.spoiler,
        "caption_above": item.caption_above,
        "emoji": item.emoji,
    }


def query(item: CallbackQuery, key: str = "") -> Json:
    """A pressed button and what the bot answered, if it has."""
    return {
        "id": item.id,
        "chat": key,
        "user": item.user.id,
        "message_id": item.message_id,
        "data": item.data,
        "answer": item.answer,
    }
