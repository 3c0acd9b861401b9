"""The sandbox's people, chats, limits and faults, without HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.clock import VirtualClock
from dripline.pictures import size_of
from dripline.sandbox.botapi.faults import Fault, FaultKind, Faults
from dripline.sandbox.botapi.limits import Limits, Seconds
from dripline.sandbox.world import contacts, membership
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.messages import History, Message
from dripline.sandbox.world.people import Standing
from dripline.sandbox.world.telegram import Telegram
from dripline.sandbox.world.updates import UpdateQueue
from sandbox_running import START, png


@pytest.fixture
def telegram() -> Telegram:
    return Telegram(lambda: datetime(2026, 1, 5, 9, tzinfo=UTC), history=5)


def kinds(queue: UpdateQueue) -> list[str]:
    return [next(key for key in update if key != "update_id") for update in queue.first(100)]


def test_start_carries_its_payload_and_a_command_entity(telegram: Telegram) -> None:
    bot, anna = telegram.add_bot("1:x"), telegram.add_user("Anna", language_code="ru")
    contacts.start(telegram, bot, anna, "promo_7")
    [update] = bot.updates.first(10)
    assert update["message"]["text"] == "/start promo_7"
    assert update["message"]["entities"] == [{"offset": 0, "length": 6, "type": "bot_command"}]
    assert update["message"]["from"]["language_code"] == "ru"
    assert update["message"]["date"] == 1767603600


def test_update_ids_rise_for_each_bot_by_itself(telegram: Telegram) -> None:
    one, two = telegram.add_bot("1:x"), telegram.add_bot("2:x")
    anna = telegram.add_user("Anna")
    for bot in (one, two, one):
        contacts.start(telegram, bot, anna)
    first = one.updates.first(10)
    assert [u["update_id"] - first[0]["update_id"] for u in first] == [0, 1]
    assert len(two.updates) == 1


def test_blocking_and_coming_back(telegram: Telegram) -> None:
    bot, anna = telegram.add_bot("1:x"), telegram.add_user("Anna")
    contacts.start(telegram, bot, anna)
    contacts.block(telegram, bot, anna)
    with pytest.raises(membership.Impossible, match="blocked"):
        contacts.say(telegram, telegram.private(bot, anna), anna, "hi")
    contacts.start(telegram, bot, anna)
    assert kinds(bot.updates) == ["message", "my_chat_member", "my_chat_member", "message"]
    standings = [u["my_chat_member"]["new_chat_member"]["status"] for u in bot.updates.first(3)[1:]]
    assert standings == ["kicked", "member"]


def test_privacy_in_groups(telegram: Telegram) -> None:
    bot, anna = telegram.add_bot("1:x", username="my_bot"), telegram.add_user("Anna")
    group = telegram.add_group("G", members=[anna, bot.user])
    for text in ("just talk", "/help", "hey @my_bot"):
        contacts.say(telegram, group, anna, text)
    assert [u["message"]["text"] for u in bot.updates.first(9)] == ["/help", "hey @my_bot"]
    group.members[bot.id] = Standing.ADMINISTRATOR
    contacts.say(telegram, group, anna, "more talk")
    assert len(bot.updates) == 3


def test_chat_member_updates_only_on_request(telegram: Telegram) -> None:
    bot, anna = telegram.add_bot("1:x"), telegram.add_user("Anna")
    channel = telegram.add_group("C", Kind.CHANNEL, administrators=[bot.user])
    membership.set_standing(telegram, channel, anna, Standing.MEMBER)
    assert not len(bot.updates)
    bot.updates.allowed = frozenset(["chat_member"])
    membership.leave(telegram, anna, channel)
    assert kinds(bot.updates) == ["chat_member"]


def test_history_is_bounded(telegram: Telegram) -> None:
    bot, anna = telegram.add_bot("1:x"), telegram.add_user("Anna")
    chat = telegram.private(bot, anna)
    for number in range(9):
        contacts.say(telegram, chat, anna, str(number))
    assert [message.text for message in chat.history] == ["4", "5", "6", "7", "8"]


def test_photos_are_pictures(telegram: Telegram) -> None:
    bot, anna = telegram.add_bot("1:x"), telegram.add_user("Anna")
    chat = telegram.private(bot, anna)
    with pytest.raises(membership.Impossible, match="picture"):
        contacts.send_photo(telegram, chat, anna, b"text")
    contacts.send_photo(telegram, chat, anna, png(1000, 500), text="look")
    photo = bot.updates.first(1)[0]["message"]["photo"]
    assert [(size["width"], size["height"]) for size in photo][-1] == (1000, 500)
    assert telegram.files.find(bot.id, photo[-1]["file_id"]) is not None
    assert telegram.files.find(2, photo[-1]["file_id"]) is None


def test_watchers_hear_of_changes_until_they_stop(telegram: Telegram) -> None:
    heard: list[Change] = []
    stop = telegram.changes.watch(heard.append)
    telegram.add_user("Anna")
    stop()
    telegram.add_user("Ben")
    assert [change.kind for change in heard] == ["contact"]


def test_a_bot_keeps_its_first_token(telegram: Telegram) -> None:
    assert telegram.bot("5:first") is telegram.bot("5:first")
    assert telegram.bot("5:second") is None
    with pytest.raises(ValueError, match="token"):
        telegram.add_bot("nonsense")


@given(st.lists(st.integers(-3, 12), max_size=20))
def test_confirming_never_loses_a_later_update(offsets: list[int]) -> None:
    queue = UpdateQueue(1)
    for _ in range(10):
        queue.put("message", {})
    kept = set(range(1, 11))
    for offset in offsets:
        queue.confirm(offset)
        if offset > 0:
            kept = {number for number in kept if number >= offset}
        elif offset < 0:
            kept = set(sorted(kept)[offset:])
        assert {update["update_id"] for update in queue.first(100)} == kept


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_chat_takes_a_short_burst_then_one_a_second() -> None:
    ticks = Ticks()
    limits = Limits(monotonic=ticks)
    assert [limits.take(1, 7) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    ticks.now += 1
    assert [limits.take(1, 7), limits.take(1, 7)] == [0, 1]
    assert limits.take(2, 7) == 0  # another bot has limits of its own


def test_a_bot_sends_thirty_a_second() -> None:
    ticks = Ticks()
    limits = Limits(monotonic=ticks)
    waits = [limits.take(1, chat) for chat in range(1, 41)]
    assert waits.count(0) == 30
    sent = 0
    for step in range(100):
        ticks.now += 0.01
        sent += limits.take(1, 1000 + step) == 0
    assert 29 <= sent <= 31
    assert limits.take(1, 5000, paid=True) == 0


def test_a_group_takes_twenty_a_minute() -> None:
    ticks = Ticks()
    limits = Limits(monotonic=ticks)
    sent = 0
    for _ in range(60):
        sent += limits.take(1, -5) == 0
        ticks.now += 1
    assert 20 <= sent <= 40
    late = 0
    for _ in range(600):
        late += limits.take(1, -5) == 0
        ticks.now += 1
    assert late == pytest.approx(200, abs=2)


def test_limits_run_on_the_clock_of_the_sandbox_and_never_slower_than_the_world() -> None:
    clock, world = VirtualClock(START), Ticks()
    limits = Limits(monotonic=Seconds(clock.now, world))
    assert [limits.take(1, 7) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    world.now += 1  # the clock stands
    assert [limits.take(1, 7), limits.take(1, 7)] == [0, 1]
    clock.advance(timedelta(hours=1))  # a jump
    assert [limits.take(1, 7) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    world.now += 1
    clock.advance(timedelta(seconds=1))  # both together are one second, not two
    assert [limits.take(1, 7), limits.take(1, 7)] == [0, 1]


def test_faults_strike_whom_they_are_meant_for() -> None:
    faults = Faults(chance=lambda: 0.5)
    faults.add(Fault(FaultKind.DROP, method="send*", chat_id=7, count=2))
    faults.add(Fault(FaultKind.GARBAGE, probability=0.4))
    faults.add(Fault(FaultKind.LATENCY, count=0))
    assert [f.kind for f in faults.strike(1, "getme", 0)] == ["latency"]
    assert [f.kind for f in faults.strike(1, "sendphoto", 7)] == ["drop", "latency"]
    assert [f.kind for f in faults.strike(1, "sendmessage", 7)] == ["drop", "latency"]
    assert [f.kind for f in faults.strike(1, "sendmessage", 7)] == ["latency"]
    faults.clear()
    assert faults.strike(1, "sendmessage", 7) == []


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (png(3, 5), (3, 5)),
        (b"GIF89a\x02\x00\x04\x00rest", (2, 4)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x10\x00\x20\x03rest", (32, 16)),
        (b"BM" + bytes(16) + b"\x07\0\0\0\x09\0\0\0", (7, 9)),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x0f\0\0\x1f\0\0", (16, 32)),
        (b"%PDF-1.4", (0, 0)),
        (b"\x89PNG\r\n\x1a\n", (0, 0)),
        (b"", (0, 0)),
    ],
)
def test_picture_sizes(body: bytes, size: tuple[int, int]) -> None:
    assert size_of(body) == size


@given(st.binary(max_size=64))
def test_any_bytes_have_some_size(body: bytes) -> None:
    for head in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF0000WEBPVP8 "):
        size_of(head + body)


def test_history_numbers_messages(telegram: Telegram) -> None:
    history = History(3)
    assert [history.next_id() for _ in range(3)] == [1, 2, 3]
    assert history.last() is None
    chat = telegram.add_group("G")
    history.add(Message(1, chat, 0, None))
    assert history.remove(1) is not None
    assert history.get(1) is None
