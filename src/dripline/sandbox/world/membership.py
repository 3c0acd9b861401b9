"""Someone joins, leaves, is thrown out or let in; the bots that may know are told."""

from __future__ import annotations

from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.chats import Chat, InviteLink, Kind
from dripline.sandbox.world.messages import Json, Message
from dripline.sandbox.world.people import Standing, User
from dripline.sandbox.world.telegram import Telegram
from dripline.sandbox.world.views import chat_view, link_view, member_view, message_view, user_view


class Impossible(Exception):
    """Telegram would not let this person do that; the message says why."""


def set_standing(
    telegram: Telegram,
    chat: Chat,
    user: User,
    standing: Standing,
    *,
    by: User | None = None,
    link: InviteLink | None = None,
    by_request: bool = False,
) -> None:
    """Change how someone stands to a group or channel, and tell the bots in it."""
    old = chat.standing(user.id)
    if old is standing:
        return
    chat.members[user.id] = standing
    chat.requests.pop(user.id, None)
    update: Json = {
        "chat": chat_view(chat),
        "from": user_view(by or user),
        "date": telegram.date(),
        "old_chat_member": member_view(user, old, chat.kind),
        "new_chat_member": member_view(user, standing, chat.kind),
    }
    if link:
        link.joined += standing.inside
        update["invite_link"] = link_view(link)
    if by_request:
        update["via_join_request"] = True
    _tell_bots(telegram, chat, user, update)
    _service_message(telegram, chat, user, old, standing, by or user)
    telegram.changes.tell(Change("chat", chat=chat))


def _tell_bots(telegram: Telegram, chat: Chat, user: User, update: Json) -> None:
    for bot in telegram.bots.values():
        if bot.id == user.id:
            bot.updates.put("my_chat_member", update)
        elif chat.standing(bot.id).rules:
            bot.updates.put("chat_member", update)


def _service_message(
    telegram: Telegram, chat: Chat, user: User, old: Standing, new: Standing, by: User
) -> None:
    """Groups show who came and went; channels do not."""
    if chat.kind is Kind.CHANNEL or old.inside == new.inside:
        return
    if new.inside:
        service: Json = {"new_chat_members": [user_view(user)]}
    else:
        service = {"left_chat_member": user_view(user)}
    message = Message(chat.history.next_id(), chat, telegram.date(), by, service=service)
    telegram.keep(message)
    for bot in members_that_are_bots(telegram, chat):
        bot.updates.put("message", message_view(telegram, message, bot))


def members_that_are_bots(telegram: Telegram, chat: Chat) -> list[Bot]:
    """The bots inside a group or channel."""
    return [bot for bot in telegram.bots.values() if chat.standing(bot.id).inside]


def join(telegram: Telegram, user: User, url: str) -> Chat:
    """Follow an invite link: join, or ask to. Raises Impossible if the link does not work."""
    chat, link = _behind(telegram, url)
    if chat.standing(user.id) is Standing.KICKED:
        raise Impossible("was removed from this chat")
    if chat.standing(user.id).inside:
        raise Impossible("is in this chat already")
    if link.by_request:
        _ask_to_join(telegram, chat, user, link)
    else:
        set_standing(telegram, chat, user, Standing.MEMBER, link=link)
    return chat


def _behind(telegram: Telegram, url: str) -> tuple[Chat, InviteLink]:
    for chat in telegram.groups():
        link = chat.links.get(url)
        if link is None:
            continue
        expired = link.expires and link.expires <= telegram.date()
        full = link.member_limit and link.joined >= link.member_limit
        if link.revoked or expired or full:
            raise Impossible("this invite link has expired")
        return chat, link
    raise Impossible("this invite link does not exist")


def _ask_to_join(telegram: Telegram, chat: Chat, user: User, link: InviteLink) -> None:
    if user.id in chat.requests:
        raise Impossible("has asked to join already")
    chat.requests[user.id] = link
    request = {
        "chat": chat_view(chat),
        "from": user_view(user),
        "user_chat_id": user.id,
        "date": telegram.date(),
        "invite_link": link_view(link, pending=len(chat.requests)),
    }
    for bot in members_that_are_bots(telegram, chat):
        if chat.standing(bot.id).rules:
            bot.updates.put("chat_join_request", request)
    telegram.changes.tell(Change("chat", chat=chat))


def leave(telegram: Telegram, user: User, chat: Chat) -> None:
    """Leave a group or channel. Raises Impossible if not in it."""
    if not chat.standing(user.id).inside:
        raise Impossible("is not in this chat")
    set_standing(telegram, chat, user, Standing.LEFT)


def migrate(telegram: Telegram, group: Chat) -> Chat:
    """Turn a group into a supergroup, as Telegram does: it gets a new id, the old one refers to it.

    Raises Impossible if it is no basic group.
    """
    if group.kind is not Kind.GROUP or group.migrated_to:
        raise Impossible("only a basic group becomes a supergroup")
    new = telegram.add_group(group.title, Kind.SUPERGROUP)
    new.members.update(group.members)
    group.migrated_to = new.id
    old_note: Json = {"migrate_to_chat_id": new.id}
    new_note: Json = {"migrate_from_chat_id": group.id}
    for chat, service in ((group, old_note), (new, new_note)):
        message = Message(chat.history.next_id(), chat, telegram.date(), None, service=service)
        telegram.keep(message)
        for bot in members_that_are_bots(telegram, new):
            bot.updates.put("message", message_view(telegram, message, bot))
    return new
