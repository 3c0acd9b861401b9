"""getChat, leaveChat."""

from __future__ import annotations

from dripline.sandbox.botapi.access import Access, find_chat
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.membership import set_standing
from dripline.sandbox.world.messages import Json
from dripline.sandbox.world.people import Standing
from dripline.sandbox.world.views import full_chat_view, message_view


def get_chat(api: Api, call: Call) -> Json:
    """getChat."""
    chat = find_chat(api, call, Access.READ)
    view = full_chat_view(chat)
    if pinned := chat.newest_pin:
        view["pinned_message"] = message_view(api.telegram, pinned, call.bot)
    return view


def leave_chat(api: Api, call: Call) -> bool:
    """leaveChat."""
    chat = find_chat(api, call, Access.READ)
    if chat.kind is Kind.PRIVATE:
        raise bad_request("chat member status can't be changed in private chats")
    set_standing(api.telegram, chat, call.bot.user, Standing.LEFT)
    return True
