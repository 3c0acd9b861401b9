"""getChatMember, banChatMember and their kin."""

from __future__ import annotations

from dripline.sandbox.botapi.access import Access, check_rights, find_chat, find_user
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.membership import set_standing
from dripline.sandbox.world.messages import Json
from dripline.sandbox.world.people import Standing, User
from dripline.sandbox.world.views import member_view


def get_chat_member(api: Api, call: Call) -> Json:
    """getChatMember."""
    chat, user = find_chat(api, call, Access.READ), find_user(api, call)
    private = chat.kind is Kind.PRIVATE
    standing = Standing.MEMBER if private else chat.standing(user.id)
    return member_view(user, standing, chat.kind)


def get_user_profile_photos(api: Api, call: Call) -> Json:
    """getUserProfilePhotos: nobody here has any."""
    number = max(call.integer("user_id"), 0)
    if not number:
        raise bad_request("invalid user_id specified")
    if number not in api.telegram.users:
        raise bad_request("user not found")
    return {"total_count": 0, "photos": []}


def get_chat_member_count(api: Api, call: Call) -> int:
    """getChatMemberCount."""
    chat = find_chat(api, call, Access.READ)
    return 2 if chat.kind is Kind.PRIVATE else chat.count


def get_chat_administrators(api: Api, call: Call) -> list[Json]:
    """getChatAdministrators: without other bots, as the real one."""
    chat = find_chat(api, call, Access.READ)
    if chat.kind is Kind.PRIVATE:
        raise bad_request("there are no administrators in the private chat")
    users = api.telegram.users
    return [
        member_view(users[number], standing, chat.kind)
        for number, standing in chat.members.items()
        if standing.rules and (not users[number].is_bot or number == call.bot.id)
    ]


def ban_chat_member(api: Api, call: Call) -> bool:
    """banChatMember."""
    chat, user = _other(api, call)
    if chat.standing(user.id) is Standing.CREATOR:
        raise bad_request("can't remove chat owner")
    if chat.standing(user.id) is Standing.ADMINISTRATOR:
        raise bad_request("user is an administrator of the chat")
    set_standing(api.telegram, chat, user, Standing.KICKED, by=call.bot.user)
    return True


def unban_chat_member(api: Api, call: Call) -> bool:
    """unbanChatMember: also removes a member, unless only_if_banned, as the real one."""
    chat, user = _other(api, call)
    if chat.kind is Kind.GROUP:
        raise bad_request("method is available for supergroup and channel chats only")
    standing = chat.standing(user.id)
    if standing is Standing.KICKED or (standing.inside and not call.flag("only_if_banned")):
        set_standing(api.telegram, chat, user, Standing.LEFT, by=call.bot.user)
    return True


def _other(api: Api, call: Call) -> tuple[Chat, User]:
    chat = find_chat(api, call, Access.WRITE)
    if chat.kind is Kind.PRIVATE:
        raise bad_request("can't ban members in private chats")
    user = find_user(api, call)
    problem = "not enough rights to restrict/unrestrict chat member"
    check_rights(chat, call.bot, problem)
    return chat, user
