"""Invite links and join requests."""

from __future__ import annotations

import secrets

from dripline.sandbox.botapi.access import Access, check_rights, find_chat, find_user
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.chats import Chat, InviteLink, Kind
from dripline.sandbox.world.membership import set_standing
from dripline.sandbox.world.messages import Json
from dripline.sandbox.world.people import Standing
from dripline.sandbox.world.views import link_view

_MAX_NAME = 32
_MAX_MEMBERS = 99_999


def create_chat_invite_link(api: Api, call: Call) -> Json:
    """createChatInviteLink."""
    chat = _managed(api, call)
    by_request, limit = call.flag("creates_join_request"), call.integer("member_limit", 0, 0)
    if by_request and limit:
        raise bad_request(
            "member limit can't be specified for links requiring administrator approval"
        )
    if limit > _MAX_MEMBERS:
        raise bad_request("USAGE_LIMIT_INVALID")
    expires = call.integer("expire_date", 0, 0)
    if expires and expires <= api.telegram.date():
        raise bad_request("EXPIRE_DATE_INVALID")
    return link_view(_new_link(call, chat, expires, limit, by_request=by_request))


def _new_link(call: Call, chat: Chat, expires: int, limit: int, *, by_request: bool) -> InviteLink:
    url = f"https://t.me/+{secrets.token_urlsafe(12)}"
    name = call.text("name")[:_MAX_NAME]
    link = InviteLink(url, call.bot.user, name, expires, limit, by_request)
    chat.links[url] = link
    return link


def export_chat_invite_link(api: Api, call: Call) -> str:
    """exportChatInviteLink."""
    return _new_link(call, _managed(api, call), 0, 0, by_request=False).url


def revoke_chat_invite_link(api: Api, call: Call) -> Json:
    """revokeChatInviteLink."""
    chat = _managed(api, call)
    link = chat.links.get(call.text("invite_link"))
    if link is None:
        raise bad_request("INVITE_HASH_EXPIRED")
    link.revoked = True
    return link_view(link)


def approve_chat_join_request(api: Api, call: Call) -> bool:
    """approveChatJoinRequest."""
    chat = _managed(api, call)
    user = find_user(api, call)
    if chat.standing(user.id).inside:
        raise bad_request("USER_ALREADY_PARTICIPANT")
    if user.id not in chat.requests:
        raise bad_request("HIDE_REQUESTER_MISSING")
    link = chat.requests[user.id]
    set_standing(
        api.telegram, chat, user, Standing.MEMBER, by=call.bot.user, link=link, by_request=True
    )
    return True


def decline_chat_join_request(api: Api, call: Call) -> bool:
    """declineChatJoinRequest."""
    chat = _managed(api, call)
    user = find_user(api, call)
    if user.id not in chat.requests:
        raise bad_request("HIDE_REQUESTER_MISSING")
    del chat.requests[user.id]
    api.telegram.changes.tell(Change("chat", chat=chat))
    return True


def _managed(api: Api, call: Call) -> Chat:
    chat = find_chat(api, call, Access.WRITE)
    if chat.kind is Kind.PRIVATE:
        raise bad_request("can't invite members to a private chat")
    check_rights(chat, call.bot, "not enough rights to manage chat invite link")
    return chat
