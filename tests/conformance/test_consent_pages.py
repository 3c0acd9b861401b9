"""The pages of contacts, over HTTP: a GET changes nothing, a POST what it says, on record."""

import re
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from html import unescape

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from dripline.api.app import create_app
from dripline.api.pages.leave import Leaving
from dripline.api.pages.preferences import PreferencePages
from dripline.api.pages.press import Pressing
from dripline.api.pages.verify import Verifying
from dripline.clock import VirtualClock
from dripline.contacts import consent, consent_queries, email, queries
from dripline.contacts.consent import Evidence
from dripline.contacts.erase import erase
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import Preferences
from dripline.contacts.pages import Pages
from dripline.contacts.tokens import Press, Tokens
from dripline.database import Database
from dripline.events.models import Event
from dripline.ids import new_id
from dripline.wiring import import_models

import_models()
BASE = "http://pages.example"
PAGES = Pages(Tokens(b"key"), BASE)
BOT = Evidence("bot")


class Visitor:
    """Somebody with a browser, and the contact they are."""

    def __init__(self, database: Database, clock: VirtualClock, http: httpx.AsyncClient) -> None:
        self.database, self.clock, self.http = database, clock, http
        self.contact = uuid.UUID(int=0)

    async def come(self, language: str | None = "en") -> uuid.UUID:
        async with self.database.transaction() as session:
            person = TelegramPerson(1, "Anna", language=language)
            known = await by_telegram(session, "main", person, self.clock.now())
            self.contact = known.contact_id
            given = await email.give(session, self.contact, "anna@example.com", BOT, self.now)
            assert given.verification is not None
            return given.verification.id

    async def come_confirmed(self, language: str | None = "en") -> None:
        asked = await self.come(language)
        async with self.database.transaction() as session:
            await email.confirm(session, asked, BOT, self.now)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def state(self) -> str:
        async with self.database.reading() as session:
            found = await consent_queries.email_of(session, self.contact)
            return found.reachability if found else "none"

    async def wants(self) -> Preferences:
        async with self.database.reading() as session:
            return await consent.preferences(session, self.contact)


@pytest.fixture
async def visitor(database: Database, clock: VirtualClock) -> AsyncIterator[Visitor]:
    parts = (database, clock, PAGES, "en")
    routers = [kind(*parts).router() for kind in (PreferencePages, Leaving, Verifying, Pressing)]
    transport = httpx.ASGITransport(create_app({}, routers))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Visitor(database, clock, http)


def text_of(answer: httpx.Response) -> str:
    without_style = re.sub(r"<style>.*?</style>", "", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", without_style)).split())


async def test_whoever_follows_the_link_of_a_letter_confirms_by_a_button(visitor: Visitor) -> None:
    url = PAGES.verify(await visitor.come(), visitor.clock.now())
    for _ in range(2):  # a scanner, and the person
        shown = await visitor.http.get(url)
        assert (shown.status_code, await visitor.state()) == (200, "unverified")
    assert "Is anna@example.com your address?" in text_of(shown)
    for _ in range(2):  # people tap twice
        done = await visitor.http.post(url, headers={"user-agent": "Firefox"})
        assert (done.status_code, await visitor.state()) == (200, "reachable")
        assert "Your address is confirmed" in text_of(done)
    assert (await visitor.http.get(url)).status_code == 200
    async with visitor.database.reading() as session:
        entries = await consent_queries.consent_of(session, visitor.contact)
    said = next(entry for entry in entries if (entry.new or "").endswith("(verified)"))
    assert (said.source, said.wording, said.user_agent, said.ip) == (
        "link", "Yes, this is my address", "Firefox", "127.0.0.1",
    )  # fmt: skip


async def test_email_is_offered_to_those_whom_it_reaches(visitor: Visitor) -> None:
    asked = await visitor.come()
    url = PAGES.preferences(visitor.contact, visitor.now)
    shown = await visitor.http.get(url)
    assert 'name="preferred_channel"' not in shown.text  # one channel: nothing to choose
    assert "not confirmed yet" in text_of(shown)
    saved = await visitor.http.post(url, data={"action": "save", "weekdays": "1"})
    assert (saved.status_code, (await visitor.wants()).preferred_channel) == (200, None)
    async with visitor.database.transaction() as session:
        await email.confirm(session, asked, BOT, visitor.now)
    reached = await visitor.http.get(url)
    offered = re.findall(r'name="preferred_channel" value="(\w*)"', reached.text)
    assert offered == ["", "telegram", "email"]
    await visitor.http.post(
        url, data={"action": "save", "weekdays": "1", "preferred_channel": "email"}
    )
    async with visitor.database.transaction() as session:
        await email.leave(session, visitor.contact, BOT, visitor.now)
    left = await visitor.http.get(url)  # what they chose stays in sight
    assert re.findall(r'value="(\w*)" checked><span>Email', left.text) == ["email"]


async def test_a_letter_that_is_too_old_is_told_kindly(visitor: Visitor) -> None:
    url = PAGES.verify(await visitor.come(), visitor.clock.now())
    visitor.clock.advance(timedelta(hours=50))
    for answer in (await visitor.http.get(url), await visitor.http.post(url)):
        assert answer.status_code == 410
        assert "has expired" in text_of(answer)
    assert await visitor.state() == "unverified"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["p", "u", "v"])
async def test_links_that_are_not_ours_lead_to_a_kind_page(
    visitor: Visitor, kind: str, method: str
) -> None:
    await visitor.come_confirmed()
    now, somebody = visitor.clock.now(), new_id()
    tokens = PAGES.tokens
    makers = {"p": PAGES.preferences, "u": PAGES.unsubscribe, "v": PAGES.verify}
    right = makers[kind](visitor.contact, now).removeprefix(f"{BASE}/{kind}/")
    other = makers["u" if kind == "p" else "p"](visitor.contact, now).rpartition("/")[2]
    foreign = Pages(Tokens(b"other"), BASE).unsubscribe(visitor.contact, now).rpartition("/")[2]
    nobody = makers[kind](somebody, now).rpartition("/")[2]
    assert tokens
    for token in ("x", right[:-3], f"{right}AA", other, foreign, nobody, "%00", "a" * 5000):
        answer = await visitor.http.request(method, f"/{kind}/{token}")
        assert (token, answer.status_code) == (token, 404)
        assert "This link does not work" in text_of(answer)
        assert answer.headers["content-type"].startswith("text/html")
    russian = {"accept-language": "xx, ru-RU;q=0.9, en;q=0.5"}
    answer = await visitor.http.request(method, f"/{kind}/x", headers=russian)
    assert 'lang="ru"' in answer.text
    assert await visitor.state() == "reachable"


async def test_one_click_unsubscribes_and_another_brings_back(visitor: Visitor) -> None:
    await visitor.come_confirmed()
    delivery = new_id()
    url = PAGES.unsubscribe(visitor.contact, visitor.clock.now(), delivery)
    asked = await visitor.http.get(url)
    assert "Send no more emails to a•••@example.com?" in text_of(asked)
    assert await visitor.state() == "reachable"
    for _ in range(2):  # mail programs repeat
        gone = await visitor.http.post(
            url, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False
        )
        assert (gone.status_code, await visitor.state()) == (200, "unsubscribed")
        assert "set-cookie" not in gone.headers
    assert "You are unsubscribed" in text_of(await visitor.http.get(url))
    back = await visitor.http.post(f"{url}/back")
    assert (back.status_code, await visitor.state()) == (200, "reachable")
    assert "Welcome back" in text_of(back)


async def test_the_way_out_works_after_years_and_from_multipart(visitor: Visitor) -> None:
    await visitor.come_confirmed()
    url = PAGES.unsubscribe(visitor.contact, visitor.clock.now())
    visitor.clock.advance(timedelta(days=1500))
    files = {"List-Unsubscribe": (None, "One-Click")}
    assert (await visitor.http.post(url, files=files)).status_code == 200
    assert await visitor.state() == "unsubscribed"


async def test_a_complaint_cannot_be_taken_back_by_a_link(visitor: Visitor) -> None:
    from dripline.contacts import reachability, suppression

    await visitor.come_confirmed()
    now = visitor.clock.now()
    async with visitor.database.transaction() as session:
        address = await consent_queries.email_of(session, visitor.contact)
        assert address is not None
        await suppression.suppress(session, "anna@example.com", "complained", now)
        await reachability.change(session, address.id, "complained", "spam", now)
    url = PAGES.unsubscribe(visitor.contact, now)
    assert (await visitor.http.post(f"{url}/back")).status_code == 200
    assert await visitor.state() == "complained"


async def test_wishes_are_shown_saved_and_told(visitor: Visitor) -> None:
    await visitor.come_confirmed()
    url = PAGES.preferences(visitor.contact, visitor.clock.now())
    shown = await visitor.http.get(url)
    assert shown.status_code == 200
    assert shown.text.count('name="weekdays"') == 7
    assert "Emails go to a•••@example.com." in text_of(shown)
    form = {
        "action": "save", "sequences": "yes", "preferred_channel": "email",
        "preferred_time": "evening", "timezone": "Europe/Berlin", "quiet_from": "22:00",
        "quiet_to": "08:30", "weekdays": ["1", "2", "5"], "language": "ru",
    }  # fmt: skip
    saved = await visitor.http.post(url, data=form)
    assert saved.status_code == 200
    assert 'lang="ru"' in saved.text
    wants = await visitor.wants()
    assert (wants.sequences, wants.announcements, wants.weekdays) == (True, False, "1,2,5")
    assert (wants.preferred_channel, wants.preferred_time) == ("email", "evening")
    assert (wants.quiet_from, wants.quiet_to) == (1320, 510)
    async with visitor.database.reading() as session:
        contact = await queries.contact(session, visitor.contact)
        assert contact is not None
        assert (contact.timezone, contact.timezone_source, contact.language) == (
            "Europe/Berlin", "asked", "ru",
        )  # fmt: skip
        entries = await consent_queries.consent_of(session, visitor.contact)
    assert ("announcements", "yes", "no") in [(e.what, e.old, e.new) for e in entries]
    again = await visitor.http.post(url, data=form)
    assert "<ul>" not in again.text  # nothing was different


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "save", "weekdays": "9"},
        {"action": "save", "weekdays": []},
        {"action": "save", "weekdays": "1", "timezone": "Mars/Base"},
        {"action": "save", "weekdays": "1", "quiet_from": "10:00", "quiet_to": ""},
        {"action": "save", "weekdays": "1", "preferred_channel": "pigeon"},
        {"action": "explode"},
        {f"f{n}": "x" for n in range(100)},
        {"action": "save", "weekdays": "1", "timezone": "x" * 50_000},
    ],
)
async def test_a_wrong_form_saves_nothing(visitor: Visitor, form: dict[str, str]) -> None:
    await visitor.come_confirmed()
    before = await visitor.wants()
    url = PAGES.preferences(visitor.contact, visitor.clock.now())
    answer = await visitor.http.post(url, data=form)
    assert answer.status_code == 422
    assert "notice bad" in answer.text
    assert (await visitor.wants()).updated_at == before.updated_at


async def test_letters_are_left_and_taken_up_on_the_page(visitor: Visitor) -> None:
    await visitor.come_confirmed()
    url = PAGES.preferences(visitor.contact, visitor.clock.now())
    for action, state in (("leave", "unsubscribed"), ("back", "reachable")):
        answer = await visitor.http.post(url, data={"action": action})
        assert (answer.status_code, await visitor.state()) == (200, state)


async def test_pages_load_nothing_and_escape_everything(visitor: Visitor) -> None:
    await visitor.come_confirmed("<script>")
    url = PAGES.preferences(visitor.contact, visitor.clock.now())
    answer = await visitor.http.get(url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in answer.text
    assert "http://" not in answer.text.replace(BASE, "")


async def test_a_button_of_an_email_is_pressed_once_and_by_nobody_who_only_looks(
    visitor: Visitor,
) -> None:
    await visitor.come_confirmed()
    delivery = new_id()
    url = PAGES.press(Press(visitor.contact, delivery, "DONE", "✅ Done <b>" + "x" * 300))

    async def pressed() -> list[dict[str, object]]:
        async with visitor.database.reading() as session:
            rows = await session.scalars(select(Event).where(Event.name == "callback.pressed"))
            return [row.data for row in rows]

    shown = await visitor.http.get(url)
    assert (shown.status_code, await pressed()) == (200, [])
    assert "✅ Done <b>" in text_of(shown)
    assert "<b>" not in shown.text
    for _ in range(2):
        assert (await visitor.http.post(url)).status_code == 200
    assert await pressed() == [{"data": "DONE", "delivery_id": delivery.hex, "channel": "email"}]
    for wrong in (url[:-1], url + "A", f"{BASE}/b/", f"{BASE}/b/x", f"{BASE}/b/{'a' * 5000}"):
        assert (await visitor.http.post(wrong)).status_code == 404
    assert len(await pressed()) == 1


async def test_an_erased_contact_has_no_pages(visitor: Visitor) -> None:
    await visitor.come_confirmed()
    now = visitor.clock.now()
    async with visitor.database.transaction() as session:
        await erase(session, visitor.contact, now)
    for url in (PAGES.preferences(visitor.contact, now), PAGES.unsubscribe(visitor.contact, now)):
        assert (await visitor.http.get(url)).status_code == 404


def test_the_pages_are_no_part_of_the_api(clock: VirtualClock) -> None:
    app: FastAPI = create_app({}, [Leaving(None, clock, PAGES, "en").router()])  # type: ignore[arg-type]
    assert not [path for path in app.openapi()["paths"] if path.startswith("/u/")]
