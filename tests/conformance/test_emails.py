"""Emails as content on each database: pushed, changed, pulled, pinned, rendered by every origin."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/content"))
import folders

from dripline.broadcasts.pinned import compiled
from dripline.clock import VirtualClock
from dripline.contacts.models import Address, Contact
from dripline.content import edit
from dripline.content.broadcasts import definitions
from dripline.content.check_documents import check_broadcast, check_scenario
from dripline.content.compile import PAID
from dripline.content.document import Message
from dripline.content.plan import describe, plan
from dripline.content.pull import pull
from dripline.content.push import push
from dripline.content.rendered import EmailUrls, Rendered
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.deliveries import queries, queue, system
from dripline.deliveries.claim import Terms, claim
from dripline.deliveries.protocols import AddressRef
from dripline.ids import new_id
from dripline.scenarios.touches import touched
from dripline.wiring import import_models

import_models()  # each room has words of its own for segments
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LAYOUT = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>{mark} {{{{ message_content }}}} "
    '<a href="{{{{ unsubscribe_url }}}}">x</a><img src="{{{{ tracking_url }}}}"></mj-text>'
    "</mj-column></mj-section></mj-body></mjml>\n"
)
URLS = EmailUrls("https://x.example/u", "https://x.example/p")
CONTEXT = {"user": {"first_name": "Ann"}, "context": {}}


def files() -> folders.Files:
    """Return a folder in which everything can have an email, has one."""
    found = folders.formats()
    messages = found["scenarios/default/messages.json"]["messages"]
    messages["msg_1"]["email"] = {
        "subject": "Hello {{ user.first_name }}",
        "subjects": {"ru": "Привет"},
        "template_file": "msg_1.email.md",
        "format": "markdown",
        "layout": "mine",
    }
    found["scenarios/default/messages/msg_1.email.md"] = "# Own\n\n- a\n"
    found["scenarios/default/messages/msg_1.email.ru.md"] = "# Свой\n"
    found["scenarios/default/summary.json"]["email"] = {"preheader": "In short"}
    product = found["scenarios/default/config.json"]["prodamus"]
    product["paid_content_email"] = {"subject": "Paid", "template_file": "paid.email.md"}
    found["scenarios/default/messages/paid.email.md"] = "<h1>Paid</h1>"
    news = found["broadcasts/registry.json"]["broadcasts"][0]
    news["email"] = {"subject": "News", "layout": "mine"}
    found["layouts/mine.mjml"] = LAYOUT.format(mark="One")
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return folders.write(tmp_path / "folder", files())


async def push_now(database: Database, root: Path) -> None:
    await push(database, root, author="anna", now=NOW)


def shown(message: Message | None, language: str = "en") -> tuple[str, str]:
    """Return subject and html of a message as an email."""
    assert message is not None
    rendered = message.as_email(CONTEXT, language)
    assert rendered.email is not None
    parts = rendered.email.assemble(URLS)
    return parts.subject, parts.html


async def test_a_pushed_email_goes_out_as_its_files_say(database: Database, root: Path) -> None:
    await push_now(database, root)
    store = ContentStore(database)
    async with database.reading() as session:
        scenario = (await store.current(session)).scenario("default")
    assert scenario is not None
    subject, html = shown(scenario.messages[0])
    assert subject == "Hello Ann"
    assert "One" in html
    assert ">Own<" in html
    assert shown(scenario.messages[0], "ru")[0] == "Привет"
    assert "Свой" in shown(scenario.messages[0], "ru")[1]
    assert "In short" in shown(scenario.summary)[1]
    assert shown(scenario.paid)[0] == "Paid"
    assert scenario.paid is not None
    assert scenario.paid.id == PAID
    assert "user.first_name" in scenario.messages[0].variables


async def test_a_changed_layout_is_planned_pushed_and_used(database: Database, root: Path) -> None:
    await push_now(database, root)
    store = ContentStore(database)
    async with database.reading() as session:
        before = (await store.current(session)).scenarios["default"]
    (root / "layouts/mine.mjml").write_text(LAYOUT.format(mark="Two"))
    async with database.reading() as session:
        told = "\n".join(describe(await plan(session, root, touched)))
    assert "mine| <mjml><mj-body><mj-section><mj-column><mj-text>Two" in told
    await push_now(database, root)
    async with database.reading() as session:
        after = (await store.current(session)).scenarios["default"]
    assert "One" in shown(before.messages[0])[1]
    assert "Two" in shown(after.messages[0])[1]


async def test_pull_gives_back_emails_and_layouts(
    database: Database, root: Path, tmp_path: Path
) -> None:
    await push_now(database, root)
    other = tmp_path / "other"
    await pull(database, other)
    assert set(folders.tree(other)) == set(folders.tree(root))
    for name, data in folders.tree(root).items():
        if not name.endswith(".json"):
            assert (other / name).read_bytes() == data
    await pull(database, root)  # and what was there is not written again
    assert (await pull(database, root)).written == ()


async def test_who_edits_documents_keeps_their_emails(database: Database, root: Path) -> None:
    await push_now(database, root)
    async with database.reading() as session:
        documents = (await edit.read_state(session)).documents
    body = documents["scenario", "default"]
    found = check_scenario(documents, "default", body)
    assert found.errors == []
    assert found.body is not None
    for part in ("messages", "summary", "config"):
        assert found.body[part] == body[part]
    [news] = documents["broadcasts", "broadcasts"]["broadcasts"]
    assert check_broadcast(documents, news).errors == []


async def test_a_pinned_broadcast_keeps_the_layout_it_had(database: Database, root: Path) -> None:
    await push_now(database, root)
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    [definition] = library.broadcasts.values()
    assert list(definition["layouts"]) == ["mine"]
    pinned = compiled(definition)
    assert shown(pinned.message)[0] == "News"
    assert "One" in shown(pinned.message)[1]


def test_a_broadcast_in_a_shipped_layout_carries_none() -> None:
    body = {"id": "a", "texts": {"": "b"}, "media": []}
    found = definitions({"broadcasts": [body]}, button_sets={}, variables={}, attributes={})
    assert "layouts" not in found["a"]
    assert "Unsubscribe" in shown(compiled(found["a"]).message)[1]


async def test_what_the_engine_says_by_email(database: Database, clock: VirtualClock) -> None:
    now = clock.now()
    contact_id, address_id = new_id(), new_id()
    async with database.transaction() as session:
        await queries.ensure_pace(session, queue.pace_key("email", ""), 1.0)
        session.add(Contact(id=contact_id, state="VISITOR", created_at=now))
        await session.flush()
        session.add(
            Address(
                id=address_id,
                contact_id=contact_id,
                channel="email",
                bot="",
                value="anna@example.com",
                reachability="reachable",
                reachability_since=now,
                created_at=now,
            )
        )
    ref = AddressRef(address_id, contact_id, "email", "", "anna@example.com")
    async with database.transaction() as session:
        await system.show(session, ref, Rendered("<b>Hi</b>\nthere"), now)
    terms = Terms("w", 5, 10**15, 2 * 10**15)
    found = await claim(database, {system.ORIGIN: system.SystemOrigin()}, terms, now)
    rendered = found.flights[0].ready.render()
    assert rendered.email is not None
    assert rendered.email.assemble(URLS).subject == "Hi"
