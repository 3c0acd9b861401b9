"""Logs: one JSON object a line, libraries' records in the same form, no secret in any of them."""

import errno
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from dripline import logs

TOKEN = "123456789:AAF_fake-token_of_thirty_five_chars"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Undo what `configure` changes for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    for name in ("uvicorn.access", "sqlalchemy", "watchfiles"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_action_with_its_fields_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    structlog.get_logger().info("delivery.sent", channel="telegram", ids={1: "ä"})
    (record,) = lines(capsys)
    assert record["action"] == "delivery.sent"
    assert record["level"] == "info"
    assert record["channel"] == "telegram"
    assert record["ids"] == {"1": "ä"}
    assert record["timestamp"].endswith("Z")


def test_below_the_level_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "json")
    structlog.get_logger().info("too.quiet")
    logging.getLogger("library").info("too quiet")
    assert lines(capsys) == []


def test_records_of_libraries_have_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("some.library").info("Started %s", "server")
    (record,) = lines(capsys)
    assert record["action"] == "Started server"
    assert record["logger"] == "some.library"


def test_an_exception_is_written_whole(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    try:
        raise ValueError("out of cheese")
    except ValueError:
        structlog.get_logger().exception("duty.failed")
        logging.getLogger("library").exception("failed")
    for record in lines(capsys):
        assert "ValueError: out of cheese" in record["exception"]


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "secret",
    [TOKEN, "s3cr3t-key", 'with "quotes" and \\backslash', "пароль"],
)
def test_no_secret_gets_out_by_any_way(
    capsys: pytest.CaptureFixture[str], form: Any, secret: str
) -> None:
    logs.configure("info", form, [secret])
    log = structlog.get_logger()
    log.info(" ".join(["in the action", secret]))
    log.info("in.a.field", url=f"https://api.telegram.org/bot{secret}/getMe")
    log.info("in.a.nested.value", request={"headers": [{"key": secret}]})
    logging.getLogger("library").warning("in an argument %s", secret)
    try:
        raise ValueError(f"in a traceback {secret}")
    except ValueError:
        log.exception("duty.failed")
        logging.getLogger("library").exception("failed")
    written = capsys.readouterr().err
    assert secret not in written
    assert secret.encode("unicode_escape").decode() not in written
    assert logs.MASK in written


def test_a_bot_token_is_masked_even_if_nobody_named_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    structlog.get_logger().info("unknown", url=f"/bot{TOKEN}/sendMessage")
    (record,) = lines(capsys)
    assert record["url"] == f"/bot{logs.MASK}/sendMessage"


def test_of_two_secrets_the_longer_is_masked_whole(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json", ["abcd", "abcdefgh", "", "x"])
    structlog.get_logger().info("both", first="abcd", second="abcdefgh")
    (record,) = lines(capsys)
    assert (record["first"], record["second"]) == (logs.MASK, logs.MASK)


class NoPlace(io.StringIO):
    """Standard error on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_that_finds_no_place_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure("info", "json")
    closed = io.StringIO()
    closed.close()
    for nowhere in (NoPlace(), closed):
        monkeypatch.setattr("sys.stderr", nowhere)
        structlog.get_logger().error("duty.failed")
        logging.getLogger("uvicorn.error").error("a library's")
