"""The demo's clock: each jump brings the next message at once, and a fast course comes in order."""

from demo_page import Page, until


def sent(page: Page) -> list[str]:
    """Return which messages came, in order."""
    entries = page.call(f"chats/{page.chat}/why")["entries"]
    return [one["message_id"] for one in entries if one["kind"] == "sent"]


def test_each_jump_brings_a_message_also_past_a_wait_that_runs_out(page: Page) -> None:
    page.call(f"chats/{page.chat}/start", {"payload": ""})
    until(lambda: sent(page) == ["lesson_1"])
    for number in range(2, 8):
        # At once, and though a chat takes one message a second: hours have passed there.
        assert page.call("clock/jump", {})["jumped"]
        wanted = [f"lesson_{one}" for one in range(1, number + 1)]
        until(lambda wanted=wanted: sent(page) == wanted)
    assert not page.call("clock/jump", {})["jumped"]
    numbers = [page.call("clock")["number"] for _ in range(3)]
    assert numbers == sorted(set(numbers))  # of views that overtake each other the newest counts
