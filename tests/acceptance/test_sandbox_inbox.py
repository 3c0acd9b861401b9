"""The sandbox's inbox in a real browser: emails arrive, are read, lead on, and are left."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from dripline.sandbox.world.mail import Mail
from sandbox_browser import BROWSER_TESTS, NARROW, open_page
from sandbox_running import Running, running_sandbox

pytestmark = BROWSER_TESTS

HTML = (
    "<!doctype html><html><body><p>Hello <b>Anna</b></p>"
    '<script>document.title = "caught"; parent.document.title = "caught"</script>'
    '<img src="cid:cat@media" alt="cat"><a href="https://t.me/{bot}?start=photos">Into the chat</a>'
    '<a href="https://example.com/x" onclick="alert(1)">Elsewhere</a></body></html>'
)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_sandbox() as running:
        running.anna.email = "anna@example.com"
        yield running


def deliver(running: Running, subject: str = "Look at the light", unsubscribe: str = "") -> Mail:
    mail = running.telegram.post.deliver(
        "Anna@example.com",
        sender="Seeing",
        subject=subject,
        html=HTML.replace("{bot}", running.bot.user.username),
        plain="Hello Anna\nand more",
        unsubscribe=unsubscribe,
        files={"cat@media": ("cat.png", b"\x89PNG")},
    )
    assert mail is not None
    return mail


async def test_an_email_arrives_and_is_read(running: Running, browser: Browser) -> None:
    page = await open_page(browser, running)
    await page.locator(".views").get_by_role("tab", name="Inbox").click()
    await expect(page.locator(".inbox .command")).to_contain_text("/email anna@example.com")
    deliver(running)
    await expect(page.locator(".views .count")).to_have_text("1")
    await page.get_by_role("button", name="Look at the light").click()
    letter = page.frame_locator(".inbox iframe")
    await expect(letter.locator("b")).to_have_text("Anna")
    await expect(page.locator(".views .count")).to_have_count(0)
    assert await page.title() == "dripline sandbox"  # the email's script has not run
    await expect(letter.get_by_text("Elsewhere")).to_have_attribute("target", "_blank")
    await page.locator(".inbox").get_by_role("button", name="Inbox").click()
    await expect(page.locator(".mail.unread")).to_have_count(0)
    await expect(page.locator(".mail .snippet")).to_have_text("Hello Anna and more")


async def test_a_link_into_the_chat_is_followed_here(running: Running, browser: Browser) -> None:
    deliver(running)
    page = await open_page(browser, running)
    await page.locator(".views").get_by_role("tab", name="Inbox").click()
    await page.get_by_role("button", name="Look at the light").click()
    await page.frame_locator(".inbox iframe").get_by_text("Into the chat").click()
    phone = page.locator(".phone", has_text="Anna").first
    await expect(phone.locator(".msg.mine").last).to_contain_text("/start photos")


async def test_unsubscribing_in_one_click(running: Running, browser: Browser) -> None:
    posted: list[str] = []

    async def one_click(url: str) -> int:
        posted.append(url)
        return 200

    running.sandbox.one_click = one_click
    deliver(running, unsubscribe="http://127.0.0.1:1/u/token")
    page = await open_page(browser, running)
    await page.locator(".views").get_by_role("tab", name="Inbox").click()
    await page.get_by_role("button", name="Look at the light").click()
    await page.get_by_role("button", name="Unsubscribe").click()
    await expect(page.locator(".inbox .left")).to_be_visible()
    assert posted == ["http://127.0.0.1:1/u/token"]


async def test_narrow_the_inbox_has_a_tab(running: Running, browser: Browser) -> None:
    deliver(running, "Письмо")
    page = await open_page(browser, running, size=NARROW, language="ru-RU")
    await page.locator("#tabs").get_by_role("tab", name="Почта").click()
    await page.get_by_role("button", name="Письмо").click()
    await expect(page.locator(".inbox iframe")).to_be_visible()
    await expect(page.locator(".phone").first).to_be_hidden()
    await page.locator("#tabs").get_by_role("tab", name="Чат").click()
    await expect(page.locator(".phone").first).to_be_visible()


def test_nobody_else_gets_it(running: Running) -> None:
    office = running.telegram.post
    assert office.deliver("x@y.z", sender="a", subject="b", html="c", plain="d") is None
    assert office.all() == []
