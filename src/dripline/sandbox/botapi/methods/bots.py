"""About the bot itself: who it is, its commands, its menu button."""

from __future__ import annotations

import re
from typing import Any

import orjson

from dripline.sandbox.botapi.access import Access, find_chat
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.formatting.entities import utf16_length
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.messages import Json
from dripline.sandbox.world.views import me_view

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_MAX_COMMANDS = 100
_MAX_DESCRIPTION = 256
_MAX_LONG = 512  # a bot's own description
_MAX_SHORT = 120
_SCOPES = (
    *("default", "all_private_chats", "all_group_chats", "all_chat_administrators"),
    *("chat", "chat_administrators", "chat_member"),
)


def get_me(_api: Api, call: Call) -> Json:
    """getMe."""
    return me_view(call.bot)


def set_my_commands(api: Api, call: Call) -> bool:
    """setMyCommands."""
    commands = call.json("commands", "can't parse commands JSON object") or []
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > _MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    call.bot.commands[_scope(call)] = [_command(item) for item in commands]
    api.telegram.changes.tell(Change("contact", user=call.bot.user))
    return True


def _command(item: Any) -> Json:
    if not isinstance(item, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    for field in ("command", "description"):
        if field not in item:
            raise bad_request(f"can't parse BotCommand: Can't find field \"{field}\"")
    command = str(item["command"]).removeprefix("/")
    if not _COMMAND.fullmatch(command):
        raise bad_request("BOT_COMMAND_INVALID")
    description = str(item["description"]).strip()
    if not 1 <= len(description) <= _MAX_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": command, "description": description}


def get_my_commands(_api: Api, call: Call) -> list[Json]:
    """getMyCommands."""
    return call.bot.commands.get(_scope(call), [])


def delete_my_commands(api: Api, call: Call) -> bool:
    """deleteMyCommands."""
    call.bot.commands.pop(_scope(call), None)
    api.telegram.changes.tell(Change("contact", user=call.bot.user))
    return True


def _scope(call: Call) -> tuple[str, str]:
    scope = call.json("scope", "can't parse BotCommandScope JSON object") or {"type": "default"}
    if not isinstance(scope, dict) or scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    return orjson.dumps(scope, option=orjson.OPT_SORT_KEYS).decode(), call.text("language_code")


def set_chat_menu_button(api: Api, call: Call) -> bool:
    """setChatMenuButton."""
    button = call.json("menu_button", "can't parse menu button JSON object") or {"type": "default"}
    if not isinstance(button, dict) or button.get("type") not in ("default", "commands", "web_app"):
        raise bad_request("can't parse menu button: MenuButton has unsupported type")
    if call.given("chat_id"):
        find_chat(api, call, Access.READ).menu_button = button
    else:
        call.bot.menu_button = button
    return True


def get_chat_menu_button(api: Api, call: Call) -> Json:
    """getChatMenuButton."""
    own = find_chat(api, call, Access.READ).menu_button if call.given("chat_id") else None
    return own or call.bot.menu_button


def set_my_name(api: Api, call: Call) -> bool:
    """setMyName."""
    call.bot.user.first_name = call.text("name")[:64] or call.bot.user.first_name
    api.telegram.changes.tell(Change("contact", user=call.bot.user))
    return True


def get_my_name(_api: Api, call: Call) -> Json:
    """getMyName."""
    return {"name": call.bot.user.first_name}


def set_my_description(api: Api, call: Call) -> bool:
    """setMyDescription: what an empty chat says before Start is pressed."""
    return _describe(api, call, "description", _MAX_LONG)


def get_my_description(_api: Api, call: Call) -> Json:
    """getMyDescription."""
    return _described(call, "description")


def set_my_short_description(api: Api, call: Call) -> bool:
    """setMyShortDescription."""
    return _describe(api, call, "short_description", _MAX_SHORT)


def get_my_short_description(_api: Api, call: Call) -> Json:
    """getMyShortDescription."""
    return _described(call, "short_description")


def _describe(api: Api, call: Call, name: str, most: int) -> bool:
    text = call.text(name).strip()
    if utf16_length(text) > most:
        raise bad_request("ABOUT_TOO_LONG" if most == _MAX_SHORT else "DESCRIPTION_TOO_LONG")
    call.bot.descriptions[name, call.text("language_code")] = text
    api.telegram.changes.tell(Change("contact", user=call.bot.user))
    return True


def _described(call: Call, name: str) -> Json:
    """In a language that has none of its own it is that of all others."""
    own = call.bot.descriptions.get((name, call.text("language_code")))
    return {name: own or call.bot.descriptions.get((name, ""), "")}
