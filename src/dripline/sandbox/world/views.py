"""How the Bot API writes people, chats, messages and updates (field for field, in its order)."""

from __future__ import annotations

from dripline.sandbox.world.bots import Bot, CallbackQuery
from dripline.sandbox.world.chats import Chat, InviteLink, Kind
from dripline.sandbox.world.media_views import media_view
from dripline.sandbox.world.messages import Json, Message
from dripline.sandbox.world.people import Standing, User
from dripline.sandbox.world.telegram import Telegram


def user_view(user: User) -> Json:
    """A User."""
    view: Json = {"id": user.id, "is_bot": user.is_bot, "first_name": user.first_name}
    for field in ("last_name", "username", "language_code"):
        if value := getattr(user, field):
            view[field] = value
    return view


def me_view(bot: Bot) -> Json:
    """The User that getMe answers: with what the bot can do."""
    return {
        **user_view(bot.user),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
    }


def chat_view(chat: Chat) -> Json:
    """A Chat."""
    view: Json = {"id": chat.id}
    if chat.user:
        view["first_name"] = chat.user.first_name
        for field in ("last_name", "username"):
            if value := getattr(chat.user, field):
                view[field] = value
    else:
        view["title"] = chat.title
        if chat.username:
            view["username"] = chat.username
    view["type"] = chat.kind.value
    if chat.kind is Kind.GROUP:
        view["all_members_are_administrators"] = False
    return view


def full_chat_view(chat: Chat) -> Json:
    """The ChatFullInfo that getChat answers."""
    view = chat_view(chat)
    if view.get("username"):
        view["active_usernames"] = [view["username"]]
    if chat.kind in (Kind.GROUP, Kind.SUPERGROUP):
        view["permissions"] = dict.fromkeys(_PERMISSIONS, True)
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    view["accepted_gift_types"] = {
        **dict.fromkeys(gifts, False),
        "gifts_from_channels": False,
    }
    return {**view, "max_reaction_count": 11, "accent_color_id": chat.id % 7}


_PERMISSIONS = (
    *("can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos"),
    *("can_send_videos", "can_send_video_notes", "can_send_voice_notes", "can_send_polls"),
    *("can_send_other_messages", "can_add_web_page_previews", "can_change_info"),
    *("can_invite_users", "can_pin_messages", "can_manage_topics", "can_react_to_messages"),
    "can_edit_tag",
)
_RIGHTS = (
    *("can_manage_chat", "can_change_info", "can_delete_messages", "can_invite_users"),
    *("can_restrict_members", "can_promote_members", "can_manage_video_chats"),
    *("can_post_stories", "can_edit_stories", "can_delete_stories", "can_send_welcome_messages"),
)
_OWN_RIGHTS = {
    Kind.CHANNEL: ("can_post_messages", "can_edit_messages", "can_manage_direct_messages"),
    Kind.SUPERGROUP: ("can_pin_messages", "can_manage_topics", "can_manage_tags"),
    Kind.GROUP: ("can_pin_messages", "can_manage_tags"),
    Kind.PRIVATE: (),
}


def member_view(user: User, standing: Standing, kind: Kind) -> Json:
    """A ChatMember of a chat of this kind; administrators have every right."""
    view: Json = {"user": user_view(user), "status": standing.value}
    if standing is Standing.CREATOR:
        view["is_anonymous"] = False
    if standing is Standing.ADMINISTRATOR:
        view.update({"can_be_edited": False, "is_anonymous": False})
        view.update(dict.fromkeys((*_RIGHTS, *_OWN_RIGHTS[kind]), True))
    if standing is Standing.KICKED:
        view["until_date"] = 0
    return view


def link_view(link: InviteLink, pending: int = 0) -> Json:
    """A ChatInviteLink."""
    view: Json = {"invite_link": link.url}
    if link.name:
        view["name"] = link.name
    view["creator"] = user_view(link.creator)
    if link.expires:
        view["expire_date"] = link.expires
    if link.member_limit:
        view["member_limit"] = link.member_limit
    if pending:
        view["pending_join_request_count"] = pending
    flags = {"creates_join_request": link.by_request, "is_primary": False}
    return {**view, **flags, "is_revoked": link.revoked}


def message_view(telegram: Telegram, message: Message, bot: Bot, *, depth: int = 1) -> Json:
    """A Message as this bot sees it: file ids are the bot's own."""
    view: Json = {"message_id": message.id}
    if message.sender:
        view["from"] = user_view(message.sender)
    view["chat"] = chat = chat_view(message.chat)
    if message.sender is None:
        view["sender_chat"] = chat
    view["date"] = message.date
    if message.edited:
        view["edit_date"] = message.edited
    if message.origin:
        view["forward_origin"] = message.origin
    if message.reply_to and depth:
        view["reply_to_message"] = message_view(telegram, message.reply_to, bot, depth=0)
    if message.album:
        view["media_group_id"] = message.album
    _add_content(view, telegram, message, bot)
    if message.protected:
        view["has_protected_content"] = True
    if message.keyboard:
        view["reply_markup"] = message.keyboard
    return view


def _add_content(view: Json, telegram: Telegram, message: Message, bot: Bot) -> None:
    if message.media:
        view.update(media_view(telegram.files, message.media, bot.id))
        if message.text:
            view["caption"] = message.text
        if message.entities:
            view["caption_entities"] = message.entities
        return
    if message.thing:
        view.update(message.thing)
    if message.text:
        view["text"] = message.text
    if message.entities:
        view["entities"] = message.entities
    if message.link_preview:
        view["link_preview_options"] = message.link_preview
    if message.service:
        view.update(message.service)
    if message.pins:
        view["pinned_message"] = message_view(telegram, message.pins, bot, depth=0)


def query_view(telegram: Telegram, query: CallbackQuery, message: Message, bot: Bot) -> Json:
    """A CallbackQuery."""
    return {
        "id": query.id,
        "from": user_view(query.user),
        "message": message_view(telegram, message, bot),
        "chat_instance": str(-(abs(message.chat.id) * 1_000_003 + bot.id) % (1 << 62)),
        "data": query.data,
    }
