"""`dripline demo` from outside: an address given in the chat, a fallback to email, the way out."""

import re

import httpx

from demo_page import Page, until


def test_an_address_a_fallback_and_the_way_out(page: Page) -> None:
    page.call(f"chats/{page.chat}/start", {"payload": ""})
    until(lambda: "seeing" in page.texts())
    page.say("/email anna@example.com")
    asked = until(page.mails)[0]
    html = page.html(asked)
    confirm = re.search(r'href="([^"]*/v/[^"]*)"', html)
    assert confirm is not None
    assert "The Light Club" in html
    assert not re.search(r"/[pu]/", html.replace("</", ""))  # nobody knows yet who reads this
    httpx.post(confirm[1]).raise_for_status()  # as the page's button does

    page.call(f"chats/{page.chat}/block", {"blocked": True})
    page.call("clock/jump", {})
    lesson = until(lambda: [one for one in page.mails() if one["id"] != asked["id"]])[0]
    assert lesson["subject"] == "Turn to the window"
    assert lesson["snippet"] == "Light from the side, and an apple"
    html = page.html(lesson)
    photo = re.search(r'<img src="(http://127[^"]*/media/[^"]*)"', html)
    assert photo is not None
    assert httpx.get(photo[1]).headers["content-type"] == "image/jpeg"
    assert re.search(r'href="[^"]*/b/', html)  # “Done” is pressed on a page

    assert "/p/" in html
    assert lesson["can_leave"]
    assert page.call(f"mail/{lesson['id']}/leave", {})["left"]
    entries = page.call(f"chats/{page.chat}/why")["entries"]
    assert any("unsubscribed" in (one["title"] + one["detail"]).lower() for one in entries)


def test_days_ahead_bring_what_is_due_on_the_way(page: Page) -> None:
    page.call(f"chats/{page.chat}/start", {"payload": ""})
    until(lambda: "seeing" in page.texts())
    before = page.call("clock")["now"]
    had = len(page.call(f"chats/{page.chat}")["messages"])
    after = page.call("clock/jump", {"seconds": 2 * 86_400})
    assert after["jumped"]
    assert 2 * 86_400 <= after["now"] - before < 2 * 86_400 + 60
    until(lambda: len(page.call(f"chats/{page.chat}")["messages"]) > had)
    lesson = page.call(f"chats/{page.chat}")["messages"][had]
    assert lesson["date"] < before + 2 * 86_400  # at its own time, not at the end of the way
