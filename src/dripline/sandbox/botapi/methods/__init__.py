"""The methods of the Bot API, a file for each noun; `METHODS` finds one by its lower-case name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.methods import (
    albums,
    bots,
    callbacks,
    chats,
    copies,
    deletions,
    edits,
    files,
    invites,
    members,
    messages,
    updates,
    webhooks,
)

Method = Callable[[Api, Call], Any]

METHODS: dict[str, Method] = {
    "getme": bots.get_me,
    "setmycommands": bots.set_my_commands,
    "getmycommands": bots.get_my_commands,
    "deletemycommands": bots.delete_my_commands,
    "setchatmenubutton": bots.set_chat_menu_button,
    "getchatmenubutton": bots.get_chat_menu_button,
    "setmyname": bots.set_my_name,
    "getmyname": bots.get_my_name,
    "setmydescription": bots.set_my_description,
    "getmydescription": bots.get_my_description,
    "setmyshortdescription": bots.set_my_short_description,
    "getmyshortdescription": bots.get_my_short_description,
    "getupdates": updates.get_updates,
    "setwebhook": webhooks.set_webhook,
    "deletewebhook": webhooks.delete_webhook,
    "getwebhookinfo": webhooks.get_webhook_info,
    "sendmessage": messages.send_message,
    "sendphoto": messages.send_photo,
    "sendvideo": messages.send_video,
    "sendanimation": messages.send_animation,
    "senddocument": messages.send_document,
    "sendaudio": messages.send_audio,
    "sendvoice": messages.send_voice,
    "sendchataction": messages.send_chat_action,
    "sendmediagroup": albums.send_media_group,
    "copymessage": copies.copy_message,
    "copymessages": copies.copy_messages,
    "forwardmessage": copies.forward_message,
    "forwardmessages": copies.forward_messages,
    "editmessagetext": edits.edit_message_text,
    "editmessagecaption": edits.edit_message_caption,
    "editmessagereplymarkup": edits.edit_message_reply_markup,
    "editmessagemedia": edits.edit_message_media,
    "deletemessage": deletions.delete_message,
    "deletemessages": deletions.delete_messages,
    "answercallbackquery": callbacks.answer_callback_query,
    "getfile": files.get_file,
    "getchat": chats.get_chat,
    "leavechat": chats.leave_chat,
    "getchatmember": members.get_chat_member,
    "getchatmembercount": members.get_chat_member_count,
    "getchatmemberscount": members.get_chat_member_count,
    "getchatadministrators": members.get_chat_administrators,
    "banchatmember": members.ban_chat_member,
    "kickchatmember": members.ban_chat_member,
    "unbanchatmember": members.unban_chat_member,
    "createchatinvitelink": invites.create_chat_invite_link,
    "revokechatinvitelink": invites.revoke_chat_invite_link,
    "exportchatinvitelink": invites.export_chat_invite_link,
    "approvechatjoinrequest": invites.approve_chat_join_request,
    "declinechatjoinrequest": invites.decline_chat_join_request,
}
