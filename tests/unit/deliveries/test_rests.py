"""Which chats rest, as one process remembers it."""

from dripline.deliveries.rests import Rests
from dripline.ids import new_id


def test_a_chat_rests_until_its_moment_and_is_forgotten_long_after_it() -> None:
    rests, anna, boris = Rests(), new_id(), new_id()
    second = 1_000_000
    rests.note({anna: 100 * second}, 99 * second)
    rests.note({boris: 103 * second}, 102 * second)
    assert [rests.until(one) for one in (anna, boris, new_id())] == [100 * second, 103 * second, 0]
    rests.note({}, 105 * second)  # the next generation: what rests still is known
    assert rests.until(boris) == 103 * second
    rests.note({boris: 106 * second}, 105 * second)
    assert rests.until(boris) == 106 * second
    rests.note({}, 111 * second)
    rests.note({}, 117 * second)
    assert [rests.until(one) for one in (anna, boris)] == [0, 0]


def test_all_chats_can_be_freed() -> None:
    rests, anna = Rests(), new_id()
    rests.note({anna: 5}, 1)
    rests.forget()
    assert rests.until(anna) == 0
