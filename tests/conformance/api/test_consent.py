"""Email addresses, consent and scores through the API, on both databases."""

from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select

from api_world import Api, code
from dripline.clock import VirtualClock
from dripline.contacts.consent import Evidence
from dripline.contacts.email import confirm
from dripline.contacts.models import Verification
from dripline.database import Database
from dripline.deliveries.models import QueueRow
from dripline.engagement.fold import FoldScores

EMAIL: dict[str, Any] = {
    "public_url": "https://x.example",
    "from_email": "school@example.com",
    "smtp_url": "smtp://localhost:2525",
}


async def asked(api: Api) -> list[Verification]:
    """Return the letters that are queued."""
    async with api.database.reading() as session:
        rows = await session.scalars(select(QueueRow.ref).where(QueueRow.origin == "consent"))
        return [await session.get_one(Verification, ref) for ref in rows]


async def test_an_address_is_given_confirmed_left_and_removed(
    database: Database, clock: VirtualClock
) -> None:
    api = Api(database, clock, **EMAIL)
    async with api.client() as http:
        made = await http.post("/api/v1/contacts", json={"email": "Anna@Example.com"})
        assert made.status_code == 201, made.text
        at = f"/api/v1/contacts/{made.json()['id']}"
        assert (await http.get(f"{at}/email")).json() == {
            "address": "anna@example.com",
            "reachability": "unverified",
            "waiting": "anna@example.com",
        }
        claimed = await http.get("/api/v1/contacts/anna@example.com")
        assert code(claimed) == "USER_NOT_FOUND"  # it may be somebody else's
        (letter,) = await asked(api)
        async with database.transaction() as session:
            await confirm(session, letter.id, Evidence("link"), clock.now())
        assert (await http.get(f"{at}/email")).json()["reachability"] == "reachable"
        mine = await http.get("/api/v1/contacts/Anna@Example.com")
        assert mine.json()["id"] == at.rpartition("/")[2]
        clock.advance(timedelta(minutes=2))
        changed = await http.put(f"{at}/email", json={"address": "new@example.com"})
        assert changed.json() == {
            "address": "anna@example.com",
            "reachability": "reachable",
            "waiting": "new@example.com",
        }
        again = await http.put(f"{at}/email", json={"address": "new@example.com"})
        assert (again.status_code, code(again)) == (429, "TOO_MANY_VERIFICATIONS")
        assert again.headers["retry-after"] == "60"
        wrong = await http.put(f"{at}/email", json={"address": "Anna <a@example.com>"})
        assert (wrong.status_code, code(wrong)) == (422, "EMAIL_INVALID")
        left = await http.post(f"{at}/email/unsubscribe")
        assert left.json()["reachability"] == "unsubscribed"
        gone = await http.delete(f"{at}/email")
        assert gone.json() == {"address": None, "reachability": None, "waiting": None}
        log = (await http.get(f"{at}/consent")).json()
        assert {line["source"] for line in log} == {"api", "link"}
        assert log[0]["what"] == "email"
        assert (await http.get("/api/v1/contacts/nobody/consent")).status_code == 404


async def test_without_email_no_letter_waits_for_ever(
    database: Database, clock: VirtualClock
) -> None:
    api = Api(database, clock)
    async with api.client() as http:
        made = await http.post("/api/v1/contacts", json={"email": "anna@example.com"})
        assert made.status_code == 201, made.text
    assert await asked(api) == []


async def test_an_address_belongs_to_one_contact(database: Database, clock: VirtualClock) -> None:
    api = Api(database, clock, **EMAIL)
    async with api.client() as http:
        await http.post("/api/v1/contacts", json={"email": "anna@example.com"})
        second = await http.post("/api/v1/contacts", json={"email": "ANNA@example.com"})
        assert (second.status_code, code(second)) == (409, "EMAIL_TAKEN")


async def test_custom_events_make_scores(database: Database, clock: VirtualClock) -> None:
    api = Api(database, clock)
    await api.person(7)
    at = "/api/v1/contacts/7/engagement"
    async with api.client() as http:
        assert (await http.get(at)).json()["scores"] == {}
        for name in ("attendance.webinar", "commitment"):
            events = [{"name": name, "contact": "7"}]
            sent = await http.post("/api/v1/events", json={"events": events})
            assert sent.status_code < 300, sent.text
        await FoldScores(database, api.engine.store).run_once(clock.now())
        found: httpx.Response = await http.get(at)
        body = found.json()
        assert body["level"] == "highly_engaged"
        assert round(body["scores"]["attendance"]["score"]) == 34
        assert body["scores"]["commitment"]["factors"] == {"commitment": {"points": 30, "times": 1}}
