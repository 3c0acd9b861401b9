"""What the methods of the Bot API do to the sandbox's world."""

import pytest

from dripline.sandbox.world import contacts, membership
from dripline.sandbox.world.people import Standing
from sandbox_calls import World, button
from sandbox_running import png


@pytest.fixture
def world() -> World:
    return World()


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


async def test_many_are_copied_and_forwarded_at_once(world: World) -> None:
    texts = [await world.ok("sendMessage", chat_id=world.anna.id, text=text) for text in "abc"]
    ids = [message["message_id"] for message in texts]
    place = {"chat_id": world.group.id, "from_chat_id": world.anna.id}
    copies = await world.ok("copyMessages", **place, message_ids=[ids[0], ids[2], 999])
    forwards = await world.ok("forwardMessages", **place, message_ids=ids)
    assert (len(copies), len(forwards)) == (2, 3)
    shown = [message for message in world.group.history if message.text in "abc"]
    assert [message.text for message in shown] == ["a", "c", "a", "b", "c"]
    assert [bool(message.origin) for message in shown] == [False, False, True, True, True]
    for wrong, said in (
        ({"message_ids": [ids[1], ids[0]]}, "strictly increasing order"),
        ({"message_ids": [998, 999]}, "there are no messages to forward"),
        ({}, "message identifiers are not specified"),
        ({"message_ids": list(range(1, 102))}, "too many message identifiers specified"),
    ):
        code, description = (await world.problem("copyMessages", **place, **wrong))[:2]
        assert (code, said in description) == (400, True), description


async def test_an_album_stays_one_when_copied(world: World) -> None:
    file = world.telegram.files.keep(png(40, 30), "a.png")
    photo = world.telegram.files.reference(world.bot.id, "photo", file).file_id
    one: dict[str, object] = {"type": "photo", "media": photo}
    media = [{**one, "caption": "One"}, one]
    sent = await world.ok("sendMediaGroup", chat_id=world.anna.id, media=media)
    ids = [message["message_id"] for message in sent]
    place = {"chat_id": world.group.id, "from_chat_id": world.anna.id}
    await world.ok("copyMessages", **place, message_ids=ids, remove_caption=True)
    copied = list(world.group.history)[-2:]
    assert copied[0].album
    assert copied[0].album == copied[1].album
    assert [message.text for message in copied] == ["", ""]
    first = {**place, "message_id": ids[0]}
    bare = (await world.ok("copyMessage", **first, caption=""))["message_id"]
    assert getattr(world.group.history.get(bare), "text", None) == ""


async def test_what_a_bot_says_of_itself(world: World) -> None:
    assert await world.ok("getMyDescription") == {"description": ""}
    await world.ok("setMyDescription", description="Seven lessons")
    await world.ok("setMyDescription", description="Семь уроков", language_code="ru")
    await world.ok("setMyShortDescription", short_description="Lessons")
    assert await world.ok("getMyDescription", language_code="de") == {
        "description": "Seven lessons"
    }
    assert await world.ok("getMyDescription", language_code="ru") == {"description": "Семь уроков"}
    assert await world.ok("getMyShortDescription") == {"short_description": "Lessons"}
    assert (await world.problem("setMyDescription", description="x" * 513))[0] == 400


async def test_an_edit_may_be_of_the_preview_alone(world: World) -> None:
    text = "https://example.com"
    sent = await world.ok("sendMessage", chat_id=world.anna.id, text=text)
    place = {"chat_id": world.anna.id, "message_id": sent["message_id"], "text": text}
    hidden = await world.ok("editMessageText", **place, link_preview_options={"is_disabled": True})
    assert hidden["link_preview_options"] == {"is_disabled": True}
    assert "link_preview_options" not in await world.ok("editMessageText", **place)
    assert "not modified" in (await world.problem("editMessageText", **place))[1]


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
