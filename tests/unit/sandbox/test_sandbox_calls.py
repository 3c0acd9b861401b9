"""Each check of the Bot API and its exact words, method by method."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.endpoint import BotApi
from dripline.sandbox.botapi.limits import Limits
from dripline.sandbox.world import contacts, membership
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.people import Standing
from dripline.sandbox.world.telegram import Telegram

TOKEN = "1001:AAone"
OTHER = "1002:AAtwo"
MISSING = 987654321
BAD_URL = "inline keyboard button URL"
BAD_APP = "inline keyboard button Web App URL"
NO_END = 'Can\'t find end tag corresponding to start tag "b"'


class World:
    """A bot, Anna who started it, groups of all kinds; calls go through the ASGI application."""

    def __init__(self) -> None:
        self.telegram = Telegram(lambda: datetime(2026, 1, 5, tzinfo=UTC))
        self.api = Api(self.telegram, Limits(enabled=False))
        self.app = BotApi(self.api)
        self.bot = self.telegram.add_bot(TOKEN)
        self.other = self.telegram.add_bot(OTHER)
        self.anna = self.telegram.add_user("Anna")
        self.ben = self.telegram.add_user("Ben")
        contacts.start(self.telegram, self.bot, self.anna)
        add = self.telegram.add_group
        bot = self.bot.user
        self.group = add("Group", Kind.GROUP, owner=self.anna, members=[bot, self.ben])
        self.closed = add("Closed", owner=self.anna, administrators=[bot])
        self.channel = add("News", Kind.CHANNEL, owner=self.anna, administrators=[bot])
        self.foreign = add("Foreign", owner=self.ben)

    async def call(self, method: str, _token: str = TOKEN, **params: Any) -> dict[str, Any]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": orjson.dumps(params)}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "path": f"/bot{_token}/{method}",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        await self.app(scope, receive, send)
        answer: dict[str, Any] = orjson.loads(sent[1]["body"])
        assert answer.get("error_code", 200) == sent[0]["status"]
        return answer

    async def ok(self, method: str, **params: Any) -> Any:
        answer = await self.call(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def problem(self, method: str, **params: Any) -> tuple[int, str]:
        answer = await self.call(method, **params)
        assert not answer["ok"], answer
        return answer["error_code"], answer["description"]


@pytest.fixture
def world() -> World:
    return World()


def button(**fields: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "x", **fields}]]}


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


async def test_editing_what_has_not_changed(world: World) -> None:
    sent = await world.ok("sendMessage", chat_id=world.anna.id, text="one")
    place = {"chat_id": world.anna.id, "message_id": sent["message_id"]}
    edited = await world.ok("editMessageText", text="two", **place)
    assert edited["text"] == "two"
    assert edited["edit_date"] == world.telegram.date()
    code, words = await world.problem("editMessageText", text="two", **place)
    assert code == 400
    assert words.startswith("Bad Request: message is not modified: specified new message content")
    assert "no caption" in (await world.problem("editMessageCaption", caption="x", **place))[1]


async def test_bans_and_members(world: World) -> None:
    place = {"chat_id": world.closed.id, "user_id": world.ben.id}
    membership.set_standing(world.telegram, world.closed, world.ben, Standing.MEMBER)
    assert (await world.ok("getChatMember", **place))["status"] == "member"
    assert await world.ok("getChatMemberCount", chat_id=world.closed.id) == 3
    assert await world.ok("banChatMember", **place)
    assert (await world.ok("getChatMember", **place))["status"] == "kicked"
    assert await world.ok("unbanChatMember", only_if_banned=True, **place)
    assert (await world.ok("getChatMember", **place))["status"] == "left"
    owner = {"chat_id": world.closed.id, "user_id": world.anna.id}
    assert (await world.problem("banChatMember", **owner))[
        1
    ] == "Bad Request: can't remove chat owner"
    rights = "Bad Request: not enough rights to restrict/unrestrict chat member"
    in_group = {"chat_id": world.group.id, "user_id": world.ben.id}
    assert (await world.problem("banChatMember", **in_group))[1] == rights


async def test_join_requests_are_approved_for_their_owner(world: World) -> None:
    link = await world.ok(
        "createChatInviteLink", chat_id=world.closed.id, creates_join_request=True, name="x" * 40
    )
    assert len(link["name"]) == 32
    world.bot.updates.clear()
    membership.join(world.telegram, world.ben, link["invite_link"])
    [update] = world.bot.updates.first(10)
    assert update["chat_join_request"]["from"]["id"] == world.ben.id
    assert update["chat_join_request"]["invite_link"]["invite_link"] == link["invite_link"]
    place = {"chat_id": world.closed.id, "user_id": world.ben.id}
    assert await world.ok("approveChatJoinRequest", **place)
    assert world.closed.standing(world.ben.id) is Standing.MEMBER
    again = await world.problem("approveChatJoinRequest", **place)
    assert again == (400, "Bad Request: USER_ALREADY_PARTICIPANT")
    missing = {"chat_id": world.closed.id, "user_id": world.other.id}
    assert (await world.problem("declineChatJoinRequest", **missing))[1].endswith(
        "HIDE_REQUESTER_MISSING"
    )


async def test_invite_links_have_limits(world: World) -> None:
    both = {"chat_id": world.closed.id, "creates_join_request": True, "member_limit": 1}
    problem = "member limit can't be specified for links requiring administrator approval"
    assert (await world.problem("createChatInviteLink", **both))[1] == f"Bad Request: {problem}"
    link = await world.ok("createChatInviteLink", chat_id=world.closed.id, member_limit=1)
    membership.join(world.telegram, world.ben, link["invite_link"])
    chiara = world.telegram.add_user("Chiara")
    with pytest.raises(membership.Impossible, match="expired"):
        membership.join(world.telegram, chiara, link["invite_link"])


async def test_a_callback_is_answered_once(world: World) -> None:
    sent = await world.ok(
        "sendMessage", chat_id=world.anna.id, text="x", reply_markup=button(callback_data="go")
    )
    chat = world.telegram.private(world.bot, world.anna)
    query = contacts.press(world.telegram, chat, world.anna, sent["message_id"], 0, 0)
    too_long = {"callback_query_id": query.id, "text": "x" * 201}
    assert (await world.problem("answerCallbackQuery", **too_long))[
        1
    ] == "Bad Request: MESSAGE_TOO_LONG"
    assert await world.ok(
        "answerCallbackQuery", callback_query_id=query.id, text="hi", show_alert=True
    )
    assert query.answer == {"text": "hi", "show_alert": True, "url": ""}
    assert (await world.problem("answerCallbackQuery", callback_query_id=query.id))[0] == 400
    with pytest.raises(membership.Impossible, match="no such button"):
        contacts.press(world.telegram, chat, world.anna, sent["message_id"], 1, 0)


async def test_forwards_and_copies(world: World) -> None:
    sent = await world.ok("sendMessage", chat_id=world.anna.id, text="<b>x</b>", parse_mode="HTML")
    place = {
        "chat_id": world.group.id,
        "from_chat_id": world.anna.id,
        "message_id": sent["message_id"],
    }
    forwarded = await world.ok("forwardMessage", **place)
    assert forwarded["forward_origin"]["sender_user"]["id"] == world.bot.id
    assert forwarded["entities"] == sent["entities"]
    assert set(await world.ok("copyMessage", **place)) == {"message_id"}
    missing = {**place, "message_id": 99}
    assert (await world.problem("copyMessage", **missing))[
        1
    ] == "Bad Request: message to copy not found"


async def test_a_keyboard_stays_under_the_line_until_it_is_removed(world: World) -> None:
    chat = world.telegram.private(world.bot, world.anna)
    keyboard = {"keyboard": [["Yes", {"text": "No"}]]}
    sent = await world.ok("sendMessage", chat_id=chat.id, text="x", reply_markup=keyboard)
    assert "reply_markup" not in sent
    assert chat.reply_keyboard == {"keyboard": [[{"text": "Yes"}, {"text": "No"}]]}
    await world.ok("sendMessage", chat_id=chat.id, text="x", reply_markup={"remove_keyboard": True})
    assert chat.reply_keyboard is None
