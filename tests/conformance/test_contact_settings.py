"""A contact's own settings and email address in the chat, in two languages, on both databases."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from dripline.api.app import create_app
from dripline.bot.drain import Drain
from dripline.bot.handle import Mail
from dripline.bot.updates import source_of
from dripline.channels.recorder import Recorder
from dripline.clock import VirtualClock
from dripline.contacts import consent, consent_queries, queries
from dripline.contacts.models import Contact, Preferences
from dripline.content.rendered import EmailUrls
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.routing import Routing
from dripline.events import inbox
from dripline.settings import Settings
from dripline.wiring import import_models
from dripline.wiring.consent import mail_of
from dripline.wiring.engine import build
from dripline.wiring.routers import routers_of
from lifecycle_world import HurriedTime, NoAnswers
from world import new_world

import_models()
BASE = "http://pages.example"
SETTINGS = {
    "public_url": BASE,
    "secret_key": SecretStr("k" * 40),
    "from_email": "Anna's school <hello@example.com>",
    "smtp_url": SecretStr("smtp://localhost:2525"),
}


class Chat:
    """One person at one bot, with a mailbox."""

    def __init__(
        self, database: Database, clock: VirtualClock, settings: Mapping[str, Any] = SETTINGS
    ) -> None:
        self.database, self.clock = database, clock
        self.telegram, self.mailbox = Recorder(clock), Recorder(clock)
        own = Settings(**settings)
        self.engine = build(
            own, clock, database=database, real_time=HurriedTime(),
            channels={"telegram": self.telegram, "email": self.mailbox},
        )  # fmt: skip
        self.mail = mail_of(own, ["email"] if own.has_email else [])
        self.number = 0
        self.restart()

    def restart(self) -> None:
        """Another process takes over: nothing is remembered but what is stored."""
        self.drain = Drain(self.database, self.engine.store, ["main"], NoAnswers(), (), self.mail)

    async def prepare(self) -> "Chat":
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            await deliveries.ensure_pace(session, "email", 1.0)
        return self

    async def _receive(self, update: dict[str, Any], language: str) -> str:
        self.number += 1
        sender = {"id": 7, "first_name": "Anna", "language_code": language}
        place = {"chat": {"id": 7, "type": "private"}}
        if "data" in update:
            update = {"callback_query": {"id": "1", "from": sender, "message": place, **update}}
        else:
            update = {"message": {"message_id": self.number, "from": sender, **place, **update}}
        body = orjson.dumps({"update_id": self.number, **update})
        async with self.database.transaction() as session:
            item = (str(self.number), body)
            await inbox.store(session, source_of("main"), [item], self.clock.now())
        before = len(self.telegram.sent)
        while await self.drain.run_once(self.clock.now()):
            pass
        while await self.engine.dispatcher.run_once(self.clock.now()):
            pass
        return "\n".join(one.message.text for one in self.telegram.sent[before:])

    async def write(self, text: str, language: str = "en") -> str:
        """Return what the bot answers."""
        return await self._receive({"text": text}, language)

    async def press(self, data: str, language: str = "en") -> str:
        """Press a button that the last message has; return what the bot answers."""
        assert data in self.buttons().values(), self.buttons()
        return await self._receive({"data": data}, language)

    def buttons(self) -> dict[str, str]:
        keyboard = self.telegram.sent[-1].message.keyboard
        return {button.text: button.value for row in keyboard for button in row}

    def letter_link(self) -> str:
        """Return the link of the last email."""
        message = self.mailbox.sent[-1].message
        assert message.email is not None
        parts = message.email.assemble(EmailUrls("", ""))
        (url,) = set(re.findall(rf"{BASE}/v/[\w.-]+", parts.plain))
        assert url in parts.html
        assert "/v/" not in message.text  # the log keeps this text
        return str(url)

    async def known(self) -> tuple[Contact, Preferences]:
        async with self.database.reading() as session:
            (address,) = [await queries.address_of_value(session, "telegram", "main", "7")]
            assert address is not None
            contact = await queries.contact(session, address.contact_id)
            assert contact is not None
            return contact, await consent.preferences(session, contact.id)

    async def address(self) -> tuple[str, str] | None:
        contact, _wants = await self.known()
        async with self.database.reading() as session:
            found = await consent_queries.email_of(session, contact.id)
            return (found.value, found.reachability) if found else None

    async def confirm(self) -> None:
        app = create_app({}, routers_of(self.engine))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as http:
            assert (await http.post(self.letter_link())).status_code == 200


@pytest.fixture
async def chat(database: Database, clock: VirtualClock) -> Chat:
    return await Chat(database, clock).prepare()


async def test_a_server_called_localhost_has_no_button(
    database: Database, clock: VirtualClock
) -> None:
    """Telegram would refuse the message."""
    chat = await Chat(
        database, clock, {**SETTINGS, "public_url": "http://localhost:8001"}
    ).prepare()
    assert (await chat.write("/settings")).startswith("Your settings")
    assert "All on one page" not in chat.buttons()


async def test_everything_is_set_by_buttons(chat: Chat) -> None:
    shown = await chat.write("/settings")
    assert shown.startswith("Your settings")
    assert "Timezone: not known: UTC, it is 12:00" in shown
    assert chat.buttons()["All on one page"].startswith(f"{BASE}/p/")
    await chat.press("settings:announcements")
    await chat.press("settings:when")
    await chat.press("settings:when:evening")
    await chat.press("settings:zone")
    assert "it is 15:00" in await chat.press("settings:zone:Europe/Moscow")
    await chat.press("settings:quiet")
    assert "Quiet hours: 22:00–08:00" in await chat.press("settings:quiet:22:00-08:00")
    await chat.press("settings:days")
    await chat.press("settings:day:6")
    await chat.press("settings:day:7")
    await chat.press("settings:")
    contact, wants = await chat.known()
    assert (contact.timezone, contact.timezone_source) == ("Europe/Moscow", "asked")
    assert (wants.sequences, wants.announcements, wants.preferred_time) == (True, False, "evening")
    assert (wants.quiet_from, wants.quiet_to, wants.weekdays) == (1320, 480, "1,2,3,4,5")
    await chat.press("settings:lang")
    russian = await chat.press("settings:lang:ru")
    assert russian.startswith("Сохранено.")
    assert "Часовой пояс: Europe/Moscow, сейчас 15:00" in russian
    assert (await chat.known())[0].language == "ru"
    await chat.press("settings:quiet")
    await chat.press("settings:quiet:")
    assert (await chat.known())[1].quiet_from is None
    async with chat.database.reading() as session:
        log = await consent_queries.consent_of(session, contact.id)
    assert {entry.source for entry in log} == {"bot"}


@pytest.mark.parametrize(
    ("written", "zone"),
    [("Berlin", "Europe/Berlin"), ("UTC+3", "Etc/GMT-3"), ("Москва", "Europe/Moscow"),
     ("нижний новгород", "Europe/Moscow")],
)  # fmt: skip
async def test_a_city_or_an_offset_is_written(chat: Chat, written: str, zone: str) -> None:
    await chat.write("/settings")
    await chat.press("settings:zone")
    assert "This timezone is not known." in await chat.write("Atlantis")
    chat.restart()
    assert (await chat.write(written)).startswith("Saved.")
    assert (await chat.known())[0].timezone == zone
    assert await chat.write("and now?") == ""  # nothing is asked any more


async def test_quiet_hours_are_written(chat: Chat) -> None:
    await chat.write("/settings")
    await chat.press("settings:quiet")
    for wrong in ("never", "25-8", "22:00-22:00", "-" * 4000):
        assert "uiet hours" in await chat.write(wrong)
    assert "Quiet hours: 22:30–07:00" in await chat.write("22:30 - 7")


async def test_a_day_has_to_stay(chat: Chat) -> None:
    await chat.write("/settings")
    await chat.press("settings:days")
    for day in "123456":
        await chat.press(f"settings:day:{day}")
    assert "One day at least" in await chat._receive({"data": "settings:day:7"}, "en")
    assert (await chat.known())[1].weekdays == "7"


@pytest.mark.parametrize(
    "data", ["settings:zone:Mars", "settings:lang:xx", "settings:when:never", "settings:quiet:9",
             "settings:day:8", "settings:nonsense", "settings:email:nonsense", "settings::::"]
)  # fmt: skip
async def test_old_and_foreign_buttons_break_nothing(chat: Chat, data: str) -> None:
    await chat.write("/settings")
    before = await chat.known()
    assert await chat._receive({"data": data}, "en")
    contact, wants = await chat.known()
    assert (contact.timezone, contact.language) == (before[0].timezone, before[0].language)
    assert wants.updated_at == before[1].updated_at


async def test_an_address_is_given_confirmed_changed_and_removed(chat: Chat) -> None:
    assert "What is your email address?" in await chat.write("/email")
    assert "has an @ in the middle" in await chat.write("anna")
    chat.restart()
    assert "I have sent an email to anna@example.com" in await chat.write("Anna@Example.com")
    assert await chat.address() == ("anna@example.com", "unverified")
    (sent,) = chat.mailbox.sent
    assert (sent.address.value, sent.message.subject) == (
        "anna@example.com", "Confirm your email address",
    )  # fmt: skip
    await chat.confirm()
    assert await chat.address() == ("anna@example.com", "reachable")
    assert "anna@example.com ✅" in await chat.write("/email")
    await chat.press("settings:email:change")
    chat.clock.advance(timedelta(minutes=2))
    await chat.write("new@example.com")
    assert await chat.address() == ("anna@example.com", "reachable")
    await chat.confirm()
    assert await chat.address() == ("new@example.com", "reachable")
    await chat.write("/email")
    assert "unsubscribed" in await chat.press("settings:email:leave")
    assert "new@example.com ✅" in await chat.press("settings:email:back")
    assert "forgotten" in await chat.press("settings:email:remove")
    assert await chat.address() is None


async def test_the_letter_is_sent_again_but_not_at_will(chat: Chat) -> None:
    await chat.write("/email anna@example.com")
    assert "try again later" in await chat.press("settings:email:again")
    first = chat.letter_link()
    chat.clock.advance(timedelta(minutes=2))
    await chat.write("/email")
    await chat.press("settings:email:again")
    assert len(chat.mailbox.sent) == 2
    assert chat.letter_link() != first
    await chat.confirm()


async def test_a_letter_is_written_in_the_contacts_language(chat: Chat) -> None:
    answer = await chat.write("/email anna@example.com", "ru")
    assert answer.startswith("Я отправил письмо на anna@example.com")
    message = chat.mailbox.sent[-1].message
    assert message.subject == "Подтвердите адрес почты"
    assert message.email is not None
    assert 'lang="ru"' in message.email.assemble(EmailUrls("", "")).html


async def test_stop_ends_courses_and_news_and_there_is_a_way_back(chat: Chat) -> None:
    assert "Your place is kept" in await chat.write("/stop")
    _contact, wants = await chat.known()
    assert (wants.sequences, wants.announcements) == (False, False)
    await chat.press("settings:back")
    _contact, wants = await chat.known()
    assert (wants.sequences, wants.announcements) == (True, True)


async def test_a_course_stands_still_after_stop_and_goes_on_after_start(
    database: Database, clock: VirtualClock
) -> None:
    world = await new_world(database, clock)
    channels = Routing(["telegram"], look_every_s=0)
    world.dispatcher._origins["enrollment"]._routing = channels  # type: ignore[attr-defined]
    await world.ask()
    assert await world.run() == ["course/one"]
    anna, off = world.contact.contact_id, dict.fromkeys(consent.OPT_INS, False)
    for wish, sent in ((off, []), (dict.fromkeys(consent.OPT_INS, True), ["course/two"])):
        async with database.transaction() as session:
            said = consent.Evidence("bot", "/stop")
            await consent.change(session, anna, wish, said, clock.now())
        await world.react()
        assert await world.run(timedelta(hours=3)) == sent


async def test_start_takes_up_again_what_stop_has_ended(chat: Chat) -> None:
    await chat.write("/stop")
    await chat.write("/start")
    _contact, wants = await chat.known()
    assert (wants.sequences, wants.announcements) == (True, False)


async def test_without_email_the_chat_is_all_there_is(
    database: Database, clock: VirtualClock
) -> None:
    chat = await Chat(database, clock, {}).prepare()
    assert chat.mail == Mail()
    assert "not set up here" in await chat.write("/email anna@example.com")
    shown = await chat.write("/settings")
    assert "Email" not in shown + json.dumps(chat.buttons())
    assert not [url for url in chat.buttons().values() if url.startswith("http")]
    assert await chat.address() is None


async def test_a_question_is_forgotten_after_a_while(chat: Chat) -> None:
    await chat.write("/email")
    chat.clock.advance(timedelta(hours=2))
    assert await chat.write("anna@example.com") == ""
    assert await chat.address() is None
