"""A client of our own API, for scripts and tests: typed, blocking, the standard library only.

    api = Dripline("http://127.0.0.1:8001", key)
    api.trigger(123456789, "course", context={"coupon": "SPRING"})
    for delivery in api.deliveries(contact=123456789): print(delivery["status"])

A change carries an idempotency key, so it is tried again without harm when the connection breaks,
the server asks for patience (429, 503), or the same request is just being answered.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

Row = dict[str, Any]
Who = str | int
_AGAIN: Final = frozenset({429, 503})
_LONGEST_S: Final = 60.0  # a longer wait is for the caller to decide on
_IN_PROGRESS: Final = "IDEMPOTENCY_KEY_IN_PROGRESS"


class ApiError(Exception):
    """The API refused: `code` is for programs, `str()` for people."""

    def __init__(self, status: int, code: str, message: str, details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details


class Dripline:
    """One installation, reached with one key; `timeout` in seconds. Not for several threads."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float = 30.0,
        tries: int = 4,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("base_url is an address such as https://example.com")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._prefix = parts.path.rstrip("/")
        self._key = key
        self._tries = tries
        self._rest = rest

    def close(self) -> None:
        """Give back the connection."""
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Ask for anything; return the answer's JSON. Raises ApiError, OSError."""
        headers = {"X-API-Key": self._key, "Accept": "application/json"}
        if method != "GET":
            headers["Idempotency-Key"] = idempotency_key or uuid.uuid4().hex
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        url = self._prefix + path + (f"?{urlencode(asked)}" if asked else "")
        return self._ask(method, url, payload, headers)

    def pages(self, path: str, **query: Any) -> Iterator[Row]:
        """Yield the rows of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.request("GET", path, query={**query, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    # -- contacts ---------------------------------------------------------------------------------

    def contacts(self, **filters: Any) -> Iterator[Row]:
        """Yield contacts, newest first; filters: query, state, tag."""
        return self.pages("/api/v1/contacts", **filters)

    def contact(self, contact: Who) -> Row:
        """Return a contact by a Telegram id or our own id."""
        return self._row("GET", f"/api/v1/contacts/{_name(contact)}")

    def create_contact(self, **fields: Any) -> Row:
        """Create a contact: telegram_id, first_name, email, attributes, add_tags, …"""
        return self._row("POST", "/api/v1/contacts", fields)

    def change_contact(self, contact: Who, **fields: Any) -> Row:
        """Change fields, attributes (None removes one), add_tags, remove_tags."""
        return self._row("PATCH", f"/api/v1/contacts/{_name(contact)}", fields)

    def why(self, contact: Who, message: str | None = None) -> list[Row]:
        """Return every decision about a contact, with its reason."""
        path = f"/api/v1/contacts/{_name(contact)}/why"
        found: list[Row] = self.request("GET", path, query={"message": message})
        return found

    def give_email(self, contact: Who, address: str) -> Row:
        """Give a contact an address; it is theirs once they confirm the email that asks."""
        path = f"/api/v1/contacts/{_name(contact)}/email"
        return self._row("PUT", path, {"address": address})

    def engagement(self, contact: Who) -> Row:
        """Return a contact's level and scores."""
        return self._row("GET", f"/api/v1/contacts/{_name(contact)}/engagement")

    def count(self, *conditions: Any) -> int:
        """Return how many contacts some conditions mean; none mean everybody."""
        found = self._row("POST", "/api/v1/segments/count", {"conditions": list(conditions)})
        return int(found["count"])

    # -- scenarios and who is in them -------------------------------------------------------------

    def scenarios(self) -> Iterator[Row]:
        """Yield scenarios by id."""
        return self.pages("/api/v1/scenarios")

    def save_scenario(
        self, scenario: str, document: Mapping[str, Any], base_revision: int | None = None
    ) -> Row:
        """Save a revision of a scenario."""
        body = {"document": document, "base_revision": base_revision}
        return self._row("PUT", f"/api/v1/scenarios/{_name(scenario)}", body)

    def trigger(
        self,
        contact: Who,
        scenario: str,
        *,
        context: Mapping[str, Any] | None = None,
        override_channel: str | None = None,
        idempotency_key: str | None = None,
    ) -> Row:
        """Enroll a contact in a scenario; ApiError SCENARIO_ALREADY_ACTIVE while one is active."""
        body = {
            "contact": str(contact),
            "scenario": scenario,
            "context": dict(context or {}),
            "override_channel": override_channel,
        }
        return self._row("POST", "/api/v1/enrollments", body, idempotency_key)

    def enrollments(self, **filters: Any) -> Iterator[Row]:
        """Yield enrollments, newest first; filters: contact, scenario, status."""
        return self.pages("/api/v1/enrollments", **filters)

    def enrollment(self, enrollment_id: str) -> Row:
        """Return an enrollment."""
        return self._row("GET", f"/api/v1/enrollments/{_name(enrollment_id)}")

    def cancel(self, enrollment_id: str) -> Row:
        """Cancel an enrollment; its pending message goes with it."""
        return self._row("POST", f"/api/v1/enrollments/{_name(enrollment_id)}/cancel")

    def advance(self, enrollment_id: str) -> Row:
        """Send an enrollment's next message now."""
        return self._row("POST", f"/api/v1/enrollments/{_name(enrollment_id)}/advance")

    # -- what went out, what happened -------------------------------------------------------------

    def deliveries(self, **filters: Any) -> Iterator[Row]:
        """Yield deliveries, newest first; filters: contact, scenario, message, channel, status."""
        return self.pages("/api/v1/deliveries", **filters)

    def delivery(self, delivery_id: str) -> Row:
        """Return a delivery with what was sent, why, and its ids with providers."""
        return self._row("GET", f"/api/v1/deliveries/{_name(delivery_id)}")

    def add_webhook(self, url: str, *names: str) -> Row:
        """Let an address hear of events; the answer has its secret, once."""
        return self._row("POST", "/api/v1/webhooks", {"url": url, "names": list(names) or ["*"]})

    def append_events(self, events: Sequence[Mapping[str, Any]]) -> Row:
        """Append events of your own, up to 1,000: name, contact, id, occurred_at, data."""
        return self._row("POST", "/api/v1/events", {"events": list(events)})

    def record_payment(
        self, contact: Who, amount: int, currency: str, event_id: str, **fields: Any
    ) -> Row:
        """Record a payment; `amount` counts the smallest unit of the currency.

        The same `event_id` (of one `provider`, `manual` unless given) is the same payment.
        """
        body = {
            "contact": str(contact),
            "amount": amount,
            "currency": currency,
            "provider_event_id": event_id,
            **fields,
        }
        return self._row("POST", "/api/v1/payments", body)

    def overview(self, days: int = 30) -> Row:
        """Return the numbers at a glance."""
        found: Row = self.request("GET", "/api/v1/analytics/overview", query={"days": days})
        return found

    def _row(self, method: str, path: str, body: Any = None, key: str | None = None) -> Row:
        found: Row = self.request(method, path, body, idempotency_key=key)
        return found

    def _ask(self, method: str, url: str, payload: bytes | None, headers: dict[str, str]) -> Any:
        for left in range(self._tries - 1, -1, -1):
            try:
                self._connection.request(method, url, payload, headers)
                answer = self._connection.getresponse()
                text = answer.read()
            except (OSError, HTTPException):
                self._connection.close()  # the next request opens it anew
                if not left:
                    raise
                self._rest(0.2)
                continue
            if answer.status < 400:
                return json.loads(text)
            error = _error(answer.status, text)
            patience = _patience(answer.getheader("Retry-After"))
            again = error.status in _AGAIN or error.code == _IN_PROGRESS
            if not left or not again or patience > _LONGEST_S:
                raise error
            self._rest(patience)
        raise AssertionError("unreachable")


def _error(status: int, text: bytes) -> ApiError:
    try:
        found = json.loads(text)["error"]
        return ApiError(status, found["code"], found["message"], found.get("details"))
    except (ValueError, KeyError, TypeError):
        return ApiError(status, "ERROR", f"The server answered {status}.", None)


def _patience(given: str | None) -> float:
    return float(given) if given and given.isdigit() else 0.5


def _name(value: Who) -> str:
    return quote(str(value), safe="")
