"""setMessageReaction: one emoji of a bot on a message."""

from __future__ import annotations

from typing import Any

from dripline.sandbox.botapi.access import Access, find_message
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.changes import Change

# https://core.telegram.org/bots/api#reactiontypeemoji
_EMOJI = frozenset(
    (
        *"❤👍👎🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋",
        *"🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾🤷😡",
        *("❤\u200d🔥", "👨\u200d💻", "🤷\u200d♂", "🤷\u200d♀"),
    )
)
_VARIANT = "\ufe0f"  # an emoji in colours is the same emoji


def set_message_reaction(api: Api, call: Call) -> bool:
    """setMessageReaction: without one, it is taken back."""
    given = call.json("reaction", "can't parse reaction types JSON object")
    wanted = [] if given is None else given
    if not isinstance(wanted, list):
        raise bad_request("expected an Array of ReactionType")
    emoji = [_emoji(item) for item in wanted]
    message = find_message(api, call, Access.READ, "message to react")
    if len(emoji) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not set(emoji) <= _EMOJI:
        raise bad_request("REACTION_INVALID")
    message.reactions.pop(call.bot.id, None)
    if emoji:
        message.reactions[call.bot.id] = emoji[0]
    api.telegram.changes.tell(Change("edited", chat=message.chat, message=message))
    return True


def _emoji(item: Any) -> str:
    """The emoji of a ReactionType; a custom one is allowed nowhere, as it must be by the chat."""
    if not isinstance(item, dict):
        raise _unreadable("expected an Object")
    kind = item.get("type")
    field = {"emoji": "emoji", "custom_emoji": "custom_emoji_id"}.get(str(kind), "")
    if kind is None:
        raise _unreadable('Can\'t find field "type"')
    if not field:
        raise _unreadable("invalid reaction type specified")
    if item.get(field) is None:
        raise _unreadable(f'Can\'t find field "{field}"')
    return str(item[field]).replace(_VARIANT, "")


def _unreadable(problem: str) -> Exception:
    return bad_request(f"can't parse ReactionType: {problem}")
