"""Dice, places, contacts, polls and stickers; reactions and pins."""

from typing import Any

import pytest

from dripline.sandbox.world.chats import Kind
from sandbox_calls import World, button
from sandbox_running import png


@pytest.fixture
def world() -> World:
    return World()


async def sent(world: World, method: str, **params: Any) -> Any:
    return await world.ok(method, chat_id=world.anna.id, **params)


async def refused(world: World, method: str, **params: Any) -> str:
    code, words = await world.problem(method, **{"chat_id": world.anna.id, **params})
    assert code == 400
    return words.removeprefix("Bad Request: ")


async def test_dice_fall_within_their_sides(world: World) -> None:
    assert (await sent(world, "sendDice"))["dice"]["emoji"] == "🎲"
    for emoji, sides in (("🎯", 6), ("🏀", 5), ("⚽\ufe0f", 5), ("🎰", 64)):
        dice = (await sent(world, "sendDice", emoji=emoji))["dice"]
        assert dice["emoji"] == emoji.removesuffix("\ufe0f")
        assert 1 <= dice["value"] <= sides
    assert await refused(world, "sendDice", emoji="🍕") == "EMOTICON_INVALID"


async def test_places(world: World) -> None:
    place = {"latitude": 55.75, "longitude": "37.62"}
    assert (await sent(world, "sendLocation", **place))["location"] == {
        "latitude": 55.75,
        "longitude": 37.62,
    }
    live = {**place, "live_period": 60, "heading": 90, "horizontal_accuracy": 9000}
    assert (await sent(world, "sendLocation", **live))["location"] == {
        "latitude": 55.75,
        "longitude": 37.62,
        "horizontal_accuracy": 1500,
        "live_period": 60,
        "heading": 90,
    }
    named = {**place, "title": "Studio", "address": "1 Light Street"}
    venue = await sent(world, "sendVenue", **named, foursquare_id="4f", google_place_id="g")
    assert venue["venue"] == {
        "location": venue["location"],
        "title": "Studio",
        "address": "1 Light Street",
        "foursquare_id": "4f",
    }


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("sendLocation", {"longitude": 1}, "latitude is empty"),
        ("sendLocation", {"latitude": 1}, "longitude is empty"),
        ("sendLocation", {"latitude": 91, "longitude": 0}, "invalid location specified"),
        ("sendLocation", {"latitude": "nan", "longitude": 0}, "invalid location specified"),
        ("sendVenue", {"latitude": 0, "longitude": -181}, "wrong venue location specified"),
        (
            "sendLocation",
            {"latitude": 0, "longitude": 0, "live_period": 59},
            "wrong live location period specified",
        ),
        (
            "sendLocation",
            {"latitude": 0, "longitude": 0, "live_period": 60, "heading": 361},
            "wrong live location heading specified",
        ),
        ("sendContact", {"first_name": "Ben"}, 'parameter "phone_number" is required'),
        ("sendContact", {"phone_number": "+1"}, 'parameter "first_name" is required'),
        ("sendSticker", {}, "there is no sticker in the request"),
        ("sendVideoNote", {}, "there is no video note in the request"),
        ("sendVideoNote", {"length": 641}, "wrong video note length"),
    ],
)
async def test_what_is_missing_or_impossible(
    world: World, method: str, params: dict[str, Any], words: str
) -> None:
    before = len(world.telegram.private(world.bot, world.anna).history)
    assert await refused(world, method, **params) == words
    assert len(world.telegram.private(world.bot, world.anna).history) == before


async def test_a_contact(world: World) -> None:
    card = {"phone_number": "+7 900", "first_name": "Ben", "last_name": ""}
    got = await sent(world, "sendContact", **card)
    assert got["contact"] == {"phone_number": "+7 900", "first_name": "Ben"}


async def test_a_poll_is_sent_and_stopped(world: World) -> None:
    options = ["Tea", {"text": "<b>Coffee</b>", "text_parse_mode": "HTML"}]
    message = await sent(
        world, "sendPoll", question="What?", options=options, open_period=60, is_anonymous=False
    )
    poll, now = message["poll"], world.telegram.date()
    assert [option["text"] for option in poll["options"]] == ["Tea", "Coffee"]
    assert poll["options"][1]["text_entities"] == [{"type": "bold", "offset": 0, "length": 6}]
    assert (poll["open_period"], poll["close_date"]) == (60, now + 60)
    assert (poll["type"], poll["is_closed"], poll["is_anonymous"]) == ("regular", False, False)
    place = {"message_id": message["message_id"]}
    world.bot.updates.clear()
    stopped = await sent(world, "stopPoll", **place, reply_markup=button(callback_data="x"))
    assert stopped == {**poll, "is_closed": True}
    assert [update["poll"] for update in world.bot.updates.first(10)] == [stopped]
    assert await refused(world, "stopPoll", **place) == "poll has already been closed"
    words = (await sent(world, "sendMessage", text="x"))["message_id"]
    assert await refused(world, "stopPoll", message_id=words) == "message is not a poll"
    assert await refused(world, "stopPoll", message_id=99) == "message with poll to stop not found"


async def test_a_quiz(world: World) -> None:
    quiz = {"question": "2 + 2", "options": ["3", "4"], "type": "quiz"}
    poll = (await sent(world, "sendPoll", **quiz, correct_option_id=1, explanation="So"))["poll"]
    assert (poll["correct_option_id"], poll["correct_option_ids"]) == (1, [1])
    assert (poll["explanation"], poll["allows_revoting"]) == ("So", False)
    for wrong, words in (
        ({}, "correct quiz option list must be non-empty"),
        ({"correct_option_id": 2}, "wrong quiz correct_option_id"),
        ({"correct_option_ids": [1, 0]}, "correct quiz option list must be increasing"),
        ({"correct_option_ids": ["1"]}, "correct option identifier must be of type Number"),
    ):
        assert await refused(world, "sendPoll", **quiz, **wrong) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"question": ""}, "text must be non-empty"),
        ({"question": "x" * 301}, "poll question length must not exceed 300"),
        ({"options": None}, "can't parse options JSON object"),
        ({"options": "["}, "can't parse options JSON object"),
        ({"options": "{}"}, "expected an Array of String as options"),
        ({"options": [1]}, "expected an option to be of type String"),
        ({"options": [{}]}, 'can\'t find field "text"'),
        ({"options": []}, "poll must have at least one answer option"),
        ({"options": ["x"] * 13}, "poll can't have more than 12 options"),
        ({"options": ["x" * 101]}, "poll options length must not exceed 100"),
        ({"type": "rude"}, "unsupported poll type specified"),
    ],
)
async def test_polls_that_cannot_be(world: World, change: dict[str, Any], words: str) -> None:
    poll = {"question": "What?", "options": ["Tea", "Coffee"], **change}
    assert await refused(world, "sendPoll", **poll) == words


async def test_polls_in_channels_are_anonymous(world: World) -> None:
    poll = {"chat_id": world.channel.id, "question": "What?", "options": ["Tea"]}
    assert await world.ok("sendPoll", **poll)
    words = "non-anonymous polls can't be sent to channel chats"
    assert await refused(world, "sendPoll", **poll, is_anonymous=False) == words


async def test_stickers_and_video_notes(world: World) -> None:
    files, bot = world.telegram.files, world.bot.id
    picture = files.reference(bot, "sticker", files.keep(png(512, 400), "hi.webp", "image/webp"))
    message = await sent(world, "sendSticker", sticker=picture.file_id, emoji="👋", caption="no")
    sticker = message["sticker"]
    assert (sticker["width"], sticker["height"], sticker["emoji"]) == (512, 400, "👋")
    assert (sticker["type"], sticker["is_animated"], sticker["is_video"]) == (
        *("regular", False, False),
    )
    assert "caption" not in message
    film = files.reference(bot, "video_note", files.keep(b"film", "n.mp4"))
    note = (await sent(world, "sendVideoNote", video_note=film.file_id, duration=3, length=200))[
        "video_note"
    ]
    assert (note["duration"], note["length"], note["file_id"]) == (3, 200, film.file_id)
    place = {"message_id": message["message_id"]}
    words = "there is no caption in the message to edit"
    assert await refused(world, "editMessageCaption", **place, caption="x") == words
    photo = files.reference(bot, "photo", files.keep(png(), "a.png")).file_id
    words = "can't use file of type Photo as Sticker"
    assert await refused(world, "sendSticker", sticker=photo) == words


async def test_copies_begin_anew_and_forwards_do_not(world: World) -> None:
    message = await sent(world, "sendPoll", question="What?", options=["Tea"])
    place = {"from_chat_id": world.anna.id, "message_id": message["message_id"]}
    forward = await world.ok("forwardMessage", chat_id=world.group.id, **place)
    assert forward["poll"] == message["poll"]
    copy = await world.ok("copyMessage", chat_id=world.group.id, **place)
    await sent(world, "stopPoll", message_id=message["message_id"])
    kept = [one.thing["poll"] for one in world.group.history if one.thing]
    assert [poll["is_closed"] for poll in kept] == [True, False]
    assert kept[1]["id"] != message["poll"]["id"]
    place = {"chat_id": world.group.id, "message_id": forward["message_id"]}
    again = await world.problem("stopPoll", **place)
    assert again == (400, "Bad Request: poll can't be stopped")
    assert await world.ok("stopPoll", chat_id=world.group.id, **copy)
    words = "there is no text in the message to edit"
    assert await refused(world, "editMessageText", **{**place, "text": "x"}) == words


async def test_a_reaction_comes_and_goes(world: World) -> None:
    chat = world.telegram.private(world.bot, world.anna)
    message = next(iter(chat.history))
    place = {"message_id": message.id}
    assert await sent(world, "setMessageReaction", **place, reaction=[like("❤\ufe0f")])
    assert message.reactions == {world.bot.id: "❤"}
    assert await sent(world, "setMessageReaction", **place)
    assert message.reactions == {}
    assert message.edited == 0
    for wrong, words in (
        ("{}", "expected an Array of ReactionType"),
        (["x"], "can't parse ReactionType: expected an Object"),
        ([{}], "can't parse ReactionType: Can't find field \"type\""),
        ([{"type": "emoji"}], "can't parse ReactionType: Can't find field \"emoji\""),
        ([{"type": "paid"}], "can't parse ReactionType: invalid reaction type specified"),
        ([like("🍕")], "REACTION_INVALID"),
        ([{"type": "custom_emoji", "custom_emoji_id": "5"}], "REACTION_INVALID"),
        ([like("👍"), like("👎")], "REACTIONS_TOO_MANY"),
    ):
        assert await refused(world, "setMessageReaction", **place, reaction=wrong) == words
    assert await refused(world, "setMessageReaction", message_id=99) == "message to react not found"


def like(emoji: str) -> dict[str, str]:
    return {"type": "emoji", "emoji": emoji}


async def test_messages_are_pinned_and_taken_down(world: World) -> None:
    one, two = [(await sent(world, "sendMessage", text=text))["message_id"] for text in "ab"]
    world.bot.updates.clear()
    assert await sent(world, "pinChatMessage", message_id=two)
    [update] = world.bot.updates.first(10)
    assert update["message"]["pinned_message"]["text"] == "b"
    assert update["message"]["from"]["id"] == world.bot.id
    assert await refused(world, "pinChatMessage", message_id=two) == "CHAT_NOT_MODIFIED"
    said = update["message"]["message_id"]
    words = "service messages can't be pinned"
    assert await refused(world, "pinChatMessage", message_id=said) == words
    await sent(world, "pinChatMessage", message_id=one)
    assert (await sent(world, "getChat"))["pinned_message"]["message_id"] == two
    assert await sent(world, "unpinChatMessage")
    assert (await sent(world, "getChat"))["pinned_message"]["message_id"] == one
    assert await refused(world, "unpinChatMessage", message_id=two) == "CHAT_NOT_MODIFIED"
    assert await sent(world, "unpinAllChatMessages")
    assert "pinned_message" not in await sent(world, "getChat")
    assert await refused(world, "unpinChatMessage") == "message to unpin not found"
    assert await refused(world, "pinChatMessage", message_id=99) == "message to pin not found"


async def test_a_pin_goes_with_its_message(world: World) -> None:
    number = (await sent(world, "sendMessage", text="x"))["message_id"]
    await sent(world, "pinChatMessage", message_id=number)
    await sent(world, "deleteMessage", message_id=number)
    assert "pinned_message" not in await sent(world, "getChat")
    assert await refused(world, "unpinChatMessage") == "message to unpin not found"


async def test_who_may_pin_in_groups(world: World) -> None:
    words = "not enough rights to manage pinned messages in the chat"
    number = (await world.ok("sendMessage", chat_id=world.group.id, text="x"))["message_id"]
    place = {"chat_id": world.group.id, "message_id": number}
    assert await refused(world, "pinChatMessage", **place) == words
    assert await refused(world, "unpinAllChatMessages", chat_id=world.group.id) == words
    assert world.channel.kind is Kind.CHANNEL
    number = (await world.ok("sendMessage", chat_id=world.channel.id, text="x"))["message_id"]
    world.bot.updates.clear()
    assert await world.ok("pinChatMessage", chat_id=world.channel.id, message_id=number)
    [update] = world.bot.updates.first(10)
    assert update["channel_post"]["pinned_message"]["message_id"] == number


async def test_logging_out_and_profile_photos(world: World) -> None:
    await world.ok("setWebhook", url="http://127.0.0.1:9/hook")
    assert await world.ok("logOut")
    assert (await world.ok("getWebhookInfo"))["url"] == ""
    assert await world.ok("close")
    assert await world.ok("getMe")
    none = {"total_count": 0, "photos": []}
    assert await world.ok("getUserProfilePhotos", user_id=world.anna.id) == none
    assert await refused(world, "getUserProfilePhotos", user_id=0) == "invalid user_id specified"
    assert await refused(world, "getUserProfilePhotos", user_id=7) == "user not found"
