"""The client of our own API: what it sends, and when it tries again."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from dripline.clients.dripline import ApiError, Dripline


class Script:
    """Answers as told, and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                script.asked.append((self.command, self.path, headers, body))
                status, said, more = script.answers.pop(0)
                if status == 0:
                    self.close_connection = True
                    return
                text = json.dumps(said).encode()
                self.send_response(status)
                for name, value in {**more, "content-length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815 - its library's names

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    thread = Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def rests() -> list[float]:
    return []


@pytest.fixture
def api(script: Script, rests: list[float]) -> Iterator[Dripline]:
    port = script.server.server_address[1]
    made = Dripline(f"http://127.0.0.1:{port}/base/", "k", rest=rests.append)
    yield made
    made.close()


REFUSED = {"error": {"code": "SCENARIO_ALREADY_ACTIVE", "message": "twice", "details": {"a": 1}}}
BUSY = {"error": {"code": "TOO_MANY", "message": "slow down", "details": {}}}


def test_a_change_is_sent_with_the_key_and_an_idempotency_key(
    script: Script, api: Dripline
) -> None:
    script.answers = [(201, {"id": "1"}, {})]
    assert api.trigger(7, "course", context={"x": "ы"}) == {"id": "1"}
    [(method, path, headers, body)] = script.asked
    assert (method, path) == ("POST", "/base/api/v1/enrollments")
    assert headers["x-api-key"] == "k"
    assert len(headers["idempotency-key"]) == 32
    assert body["context"] == {"x": "ы"}


def test_an_error_has_its_code(script: Script, api: Dripline) -> None:
    script.answers = [(409, REFUSED, {})]
    with pytest.raises(ApiError, match="twice") as raised:
        api.trigger(7, "course")
    assert (raised.value.status, raised.value.code) == (409, "SCENARIO_ALREADY_ACTIVE")


def test_it_waits_as_asked_and_tries_the_same_again(
    script: Script, api: Dripline, rests: list[float]
) -> None:
    script.answers = [(429, BUSY, {"retry-after": "7"}), (0, None, {}), (200, {"id": "1"}, {})]
    assert api.cancel("1") == {"id": "1"}
    assert rests[0] == 7.0
    assert len({headers["idempotency-key"] for _, _, headers, _ in script.asked}) == 1


def test_it_gives_up_in_the_end(script: Script, api: Dripline) -> None:
    script.answers = [(503, {"not": "ours"}, {})] * 4
    with pytest.raises(ApiError) as raised:
        api.contact(7)
    assert (raised.value.status, len(script.asked)) == (503, 4)


def test_pages_follow_one_another(script: Script, api: Dripline) -> None:
    script.answers = [
        (200, {"items": [{"id": 1}], "next_cursor": "a/b"}, {}),
        (200, {"items": [], "next_cursor": "c"}, {}),
        (200, {"items": [{"id": 2}], "next_cursor": None}, {}),
    ]
    assert [row["id"] for row in api.contacts(tag="a&b", state=None)] == [1, 2]
    assert [path for _, path, _, _ in script.asked] == [
        "/base/api/v1/contacts?tag=a%26b",
        "/base/api/v1/contacts?tag=a%26b&cursor=a%2Fb",
        "/base/api/v1/contacts?tag=a%26b&cursor=c",
    ]


@pytest.mark.parametrize("address", ["example.com", "ftp://example.com", "http://"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Dripline(address, "k")
