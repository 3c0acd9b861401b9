"""Whose limit a 429 is."""

from dripline.clients.telegram_limits import RecentSends


def sends(*chats: object, at: float = 10.0) -> RecentSends:
    recent = RecentSends()
    for chat in chats:
        recent.sent(chat, at)
    return recent


def test_one_message_to_a_person_cannot_be_over_that_persons_limit() -> None:
    assert sends(1, 2, 3).is_whole_bot(3, 5, 10.0)


def test_a_person_written_to_twice_within_a_second_is_over_their_own() -> None:
    assert not sends(1, 2, 3, 3).is_whole_bot(3, 5, 10.2)


def test_what_was_sent_long_ago_explains_nothing() -> None:
    recent = sends(3, 3)
    recent.sent(3, 20.0)
    assert recent.is_whole_bot(3, 5, 20.0)


def test_a_second_between_the_counters_is_remembered() -> None:
    recent = sends(3, at=10.9)
    recent.sent(3, 11.0)
    recent.sent(4, 11.95)
    assert not recent.is_whole_bot(3, 5, 11.95)


def test_a_second_person_limited_at_once_means_the_bot() -> None:
    recent = sends(1, 1, 2, 2)
    assert not recent.is_whole_bot(1, 5, 10.0)
    assert recent.is_whole_bot(2, 5, 10.1)


def test_a_limit_that_is_over_counts_no_more() -> None:
    recent = sends(1, 1)
    assert not recent.is_whole_bot(1, 5, 10.0)
    recent.sent(2, 16.0)
    recent.sent(2, 16.0)
    assert not recent.is_whole_bot(2, 5, 16.0)


def test_groups_have_limits_of_their_own() -> None:
    recent = sends(-1, -2)
    assert not recent.is_whole_bot(-1, 40, 10.0)
    assert not recent.is_whole_bot("@channel", 40, 10.0)


def test_a_group_limited_while_a_person_is_means_the_bot() -> None:
    recent = sends(1, -1)
    assert recent.is_whole_bot(1, 5, 10.0)
    assert recent.is_whole_bot(-1, 5, 10.0)


def test_a_long_limit_of_one_chat_silences_nobody_else_while_they_are_answered() -> None:
    recent = sends(1, 2, 3)
    recent.accepted()
    assert not recent.is_whole_bot(3, 3600, 10.5)
    assert recent.is_whole_bot(2, 3600, 10.6)  # a second one: it is the bot's


def test_a_long_limit_means_the_bot_when_nobody_has_been_answered_lately() -> None:
    recent = sends(1)
    recent.accepted()
    recent.sent(2, 12.5)
    assert recent.is_whole_bot(2, 3600, 12.5)


def test_a_request_to_nobody_is_the_bots() -> None:
    assert sends().is_whole_bot(None, 5, 10.0)
