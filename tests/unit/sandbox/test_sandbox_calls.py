"""Each check of the Bot API and its exact words, method by method."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dripline.sandbox.world import contacts, membership
from dripline.sandbox.world.people import Standing
from dripline.sandbox.world.telegram import Telegram
from sandbox_calls import World, button

MISSING = 987654321
BAD_URL = "inline keyboard button URL"
BAD_APP = "inline keyboard button Web App URL"
NO_END = 'Can\'t find end tag corresponding to start tag "b"'


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "message text is empty"),
        ({"text": ""}, "message text is empty"),
        ({"text": " \n"}, "text must be non-empty"),
        ({"text": "a" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),  # 4098 UTF-16 units
        ({"text": "a" * 32769}, "text is too long"),
        (
            {"text": "<b>x", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        ({"text": "x", "parse_mode": "bb"}, "unsupported parse_mode"),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
        ({"text": "x", "chat_id": MISSING}, "chat not found"),
        ({"text": "x", "chat_id": -MISSING}, "chat not found"),
        ({"text": "x", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "x", "chat_id": "nonsense"}, "chat not found"),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"text": "x", "reply_markup": []}, "object expected as reply markup"),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [{}]}},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [["x"]]}},
            "can't parse inline keyboard button: InlineKeyboardButton must be an Object",
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"url": "a.b"}]]}},
            "can't parse inline keyboard button: Can't find field \"text\"",
        ),
        (
            {"text": "x", "reply_markup": button()},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"text": "x", "reply_markup": button(callback_data="")},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        ({"text": "x", "reply_markup": button(callback_data="я" * 33)}, "BUTTON_DATA_INVALID"),
        (
            {"text": "x", "reply_markup": button(url="http://localhost")},
            "inline keyboard button URL 'http://localhost' is invalid: Wrong HTTP URL",
        ),
        (
            {"text": "x", "reply_markup": button(url="javascript:alert(1)")},
            f"{BAD_URL} 'javascript:alert(1)' is invalid: Wrong port number specified in the URL",
        ),
        (
            {"text": "x", "reply_markup": button(url="ftp://a.b")},
            "inline keyboard button URL 'ftp://a.b' is invalid: Unsupported URL protocol",
        ),
        (
            {"text": "x", "reply_markup": button(web_app={"url": "http://a.b"})},
            f"{BAD_APP} 'http://a.b' is invalid: Only HTTPS links are allowed",
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": " ", "url": "a.b"}]]}},
            "inline keyboard button text must be non-empty",
        ),
        (
            {
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "x", "url": "a.b"}] * 101]},
            },
            "reply markup is too long",
        ),
        ({"text": "x", "reply_parameters": {"message_id": 999}}, "message to be replied not found"),
        ({"text": "x", "reply_parameters": "["}, "can't parse reply parameters JSON object"),
    ],
)
async def test_send_message_refuses(world: World, params: dict[str, Any], problem: str) -> None:
    call = {"chat_id": world.anna.id, **params}
    assert await world.problem("sendMessage", **call) == (400, f"Bad Request: {problem}")


@pytest.mark.parametrize("length", [1, 4096])
async def test_send_message_takes_what_just_fits(world: World, length: int) -> None:
    sent = await world.ok("sendMessage", chat_id=world.anna.id, text="x" * length)
    assert len(sent["text"]) == length


async def test_length_counts_after_parsing(world: World) -> None:
    text = "<b>" + "x" * 4096 + "</b>"
    sent = await world.ok("sendMessage", chat_id=world.anna.id, text=text, parse_mode="HTML")
    assert sent["entities"] == [{"offset": 0, "length": 4096, "type": "bold"}]


async def test_callback_data_has_up_to_64_bytes(world: World) -> None:
    markup = button(callback_data="я" * 32)
    sent = await world.ok("sendMessage", chat_id=world.anna.id, text="x", reply_markup=markup)
    assert sent["reply_markup"] == markup


async def test_those_who_cannot_be_reached(world: World) -> None:
    say = {"text": "x"}
    assert await world.problem("sendMessage", chat_id=world.ben.id, **say) == (
        403,
        "Forbidden: bot can't initiate conversation with a user",
    )
    contacts.block(world.telegram, world.bot, world.anna)
    blocked = (403, "Forbidden: bot was blocked by the user")
    assert await world.problem("sendMessage", chat_id=world.anna.id, **say) == blocked
    assert await world.problem("sendChatAction", chat_id=world.anna.id, action="typing") == blocked
    contacts.delete_account(world.telegram, world.anna)
    assert await world.problem("sendMessage", chat_id=world.anna.id, **say) == (
        403,
        "Forbidden: user is deactivated",
    )
    assert await world.problem("sendMessage", chat_id=world.other.id, **say) == (
        403,
        "Forbidden: the bot can't send messages to the bot",
    )


async def test_groups_that_cannot_be_reached(world: World) -> None:
    async def problem(chat_id: int) -> tuple[int, str]:
        return await world.problem("sendMessage", chat_id=chat_id, text="x")

    foreign = (403, "Forbidden: bot is not a member of the supergroup chat")
    assert await problem(world.foreign.id) == foreign
    for chat, name in (
        (world.group, "group"),
        (world.closed, "supergroup"),
        (world.channel, "channel"),
    ):
        membership.set_standing(world.telegram, chat, world.bot.user, Standing.KICKED)
        assert await problem(chat.id) == (403, f"Forbidden: bot was kicked from the {name} chat")
    world.group.members[world.bot.id] = Standing.MEMBER
    world.group.deleted = True
    assert await problem(world.group.id) == (403, "Forbidden: the group chat was deleted")
    world.channel.members[world.bot.id] = Standing.MEMBER
    need = "Bad Request: need administrator rights in the channel chat"
    assert await problem(world.channel.id) == (400, need)


async def test_a_group_that_moved_tells_its_new_id(world: World) -> None:
    new = membership.migrate(world.telegram, world.group)
    answer = await world.call("sendMessage", chat_id=world.group.id, text="x")
    assert answer == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": new.id},
    }
    assert (await world.ok("sendMessage", chat_id=new.id, text="x"))["chat"]["type"] == "supergroup"


@pytest.mark.parametrize(
    ("method", "params", "problem"),
    [
        ("sendPhoto", {}, "there is no photo in the request"),
        ("sendPhoto", {"photo": "attach://x"}, "there is no photo in the request"),
        ("sendDocument", {}, "there is no document in the request"),
        ("sendVideo", {}, "there is no video in the request"),
        ("sendVoice", {}, "there is no voice in the request"),
        ("sendPhoto", {"photo": "AgACAgIAAxk_wrong"}, "wrong file identifier/HTTP URL specified"),
        (
            "sendPhoto",
            {"photo": "ftp://example.com/x.png"},
            "wrong file identifier/HTTP URL specified",
        ),
        ("sendPhoto", {"photo": "https://example.com/x.png"}, "failed to get HTTP URL content"),
        ("sendMediaGroup", {}, 'parameter "media" is required'),
        ("sendMediaGroup", {"media": "["}, "can't parse media JSON object"),
        ("sendMediaGroup", {"media": {}}, "expected an Array of InputMedia"),
        ("sendMediaGroup", {"media": []}, "there are no messages to send"),
        (
            "sendMediaGroup",
            {"media": [{"type": "photo", "media": "x"}] * 11},
            "too many messages to send as an album",
        ),
        (
            "sendMediaGroup",
            {"media": [{"type": "photo"}]},
            "can't parse InputMedia: media not found",
        ),
        (
            "sendMediaGroup",
            {"media": [{"media": "x"}]},
            "can't parse InputMedia: Can't find field \"type\"",
        ),
        ("sendMediaGroup", {"media": ["x"]}, "can't parse InputMedia: expected an Object"),
        (
            "sendMediaGroup",
            {"media": [{"type": "animation", "media": "x"}]},
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        ),
        (
            "sendMediaGroup",
            {"media": [{"type": "voice", "media": "x"}]},
            'can\'t parse InputMedia: type "voice" is unsupported',
        ),
        (
            "sendMediaGroup",
            {"media": [{"type": "photo", "media": "x"}, {"type": "document", "media": "x"}]},
            "document can't be mixed with other media types",
        ),
        (
            "sendMediaGroup",
            {"media": [{"type": "photo", "media": "x", "caption": "<b>", "parse_mode": "HTML"}]},
            f"can't parse InputMedia: Can't parse entities: {NO_END}",
        ),
        ("sendChatAction", {"action": "dance"}, "wrong parameter action in request"),
        ("editMessageText", {"text": "x"}, "message to edit not found"),
        ("editMessageText", {"text": "x", "message_id": 99}, "message to edit not found"),
        ("editMessageText", {"text": "x", "message_id": 1}, "message can't be edited"),
        ("editMessageText", {"message_id": 1}, "message text is empty"),
        ("deleteMessage", {}, "message identifier is not specified"),
        ("deleteMessage", {"message_id": 99}, "message to delete not found"),
        ("deleteMessages", {}, "message identifiers are not specified"),
        ("deleteMessages", {"message_ids": [1] * 101}, "too many message identifiers specified"),
        ("copyMessage", {"message_id": 1}, 'parameter "from_chat_id" is required'),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            "query is too old and response timeout expired or query ID is invalid",
        ),
        ("getFile", {}, "file_id not specified"),
        ("getFile", {"file_id": "x"}, "invalid file_id"),
        ("getChatMember", {"user_id": 0}, "invalid user_id specified"),
        ("createChatInviteLink", {}, "can't invite members to a private chat"),
        (
            "setMyCommands",
            {"commands": [{"command": "Bad!", "description": "x"}]},
            "BOT_COMMAND_INVALID",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "ok", "description": ""}]},
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        ("setWebhook", {"url": "ftp://a"}, "invalid webhook URL specified"),
        (
            "setWebhook",
            {"url": "http://example.com"},
            "bad webhook: An HTTPS URL must be provided for webhook",
        ),
        (
            "setWebhook",
            {"url": "http://127.0.0.1:1", "secret_token": "a b"},
            "secret token contains unallowed characters",
        ),
        (
            "setWebhook",
            {"url": "http://127.0.0.1:1", "secret_token": "a" * 257},
            "secret token is too long",
        ),
    ],
)
async def test_refusals(world: World, method: str, params: dict[str, Any], problem: str) -> None:
    call = {"chat_id": world.anna.id, **params}
    assert await world.problem(method, **call) == (400, f"Bad Request: {problem}")


@pytest.mark.parametrize(
    ("token", "code", "description"),
    [
        ("nonsense", 401, "Unauthorized: invalid token specified"),
        ("1001:AAother_secret", 401, "Unauthorized"),
        ("0:x", 401, "Unauthorized"),
    ],
)
async def test_tokens(world: World, token: str, code: int, description: str) -> None:
    answer = await world.call("getMe", _token=token)
    assert (answer["error_code"], answer["description"]) == (code, description)


async def test_known_tokens_only() -> None:
    telegram = Telegram(lambda: datetime.now(UTC), known_tokens=["5:x"])
    assert telegram.bot("5:x") is not None
    assert telegram.bot("6:x") is None


async def test_unknown_methods(world: World) -> None:
    assert await world.problem("flyToTheMoon") == (404, "Not Found: method not found")
