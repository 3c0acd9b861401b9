"""What the settings of email mean, and the sentences for those that mean nothing."""

import base64
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dripline.errors import Invalid
from dripline.mail_settings import Sender, SmtpServer, sender, smtp_server, webhook_secret
from dripline.settings import Settings
from dripline.webhooks.signature import key_of

PEM = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost:25", SmtpServer("localhost", 25, False, "auto", None, None)),
        ("smtp://mail.example.com", SmtpServer("mail.example.com", 587, False, "auto", None, None)),
        # a password travels encrypted, unless it stays on this machine
        ("smtp://a:b@m.example", SmtpServer("m.example", 587, False, "always", "a", "b")),
        ("smtp://a:b@127.0.0.1:25", SmtpServer("127.0.0.1", 25, False, "auto", "a", "b")),
        ("smtp://a:b@h:25?starttls=never", SmtpServer("h", 25, False, "never", "a", "b")),
        ("smtps://a%40b:p%2Fw@h", SmtpServer("h", 465, True, "auto", "a@b", "p/w")),
        ("smtp://[::1]:25", SmtpServer("::1", 25, False, "auto", None, None)),
        (
            "smtp://h?starttls=TRUE&verify=no&connections=3&timeout=5",
            SmtpServer("h", 587, False, "always", None, None, 3, False, 5.0),
        ),
    ],
)  # fmt: skip
def test_an_address_of_a_server(url: str, server: SmtpServer) -> None:
    assert smtp_server(url) == server


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mail.example.com:587", "must begin with smtp"),
        ("http://h", "must begin with smtp"),
        ("smtp://", "names no server"),
        ("smtp://h:99999", "port"),
        ("smtp://h:x", "port"),
        ("smtp://a@h", "no password"),
        ("smtp://:b@h", "no user"),
        ("smtp://h/path", "after the server"),
        ("smtp://h?tls=1", "unknown option"),
        ("smtp://h?starttls=maybe", "starttls"),
        ("smtps://h?starttls=always", "both"),
        ("smtp://h?connections=0", "connections"),
        ("smtp://h?timeout=soon", "timeout"),
        ("smtp://h?verify=perhaps", "verify"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(url: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence) as caught:
        Settings(smtp_url=url)  # type: ignore[arg-type]
    assert "SecretStr" not in str(caught.value)


def test_a_server_shows_no_password() -> None:
    assert "secret" not in repr(smtp_server("smtp://anna:secret@h"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello@example.com", Sender("", "hello@example.com")),
        ("Anna <hello@example.com>", Sender("Anna", "hello@example.com")),
        ("Школа Анны <a@example.com>", Sender("Школа Анны", "a@example.com")),
        ('"School, Anna" <a@example.com>', Sender("School, Anna", "a@example.com")),
        ("School, Anna <a@example.com>", Sender("School, Anna", "a@example.com")),
        ("me@localhost", Sender("", "me@localhost")),
    ],
)
def test_a_sender(text: str, expected: Sender) -> None:
    assert sender(text) == expected
    assert sender(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["Anna", "a@b", "a@@example.com", "<>", "Anna\n<a@example.com>", "a..b@e.com", "a b@e.com"],
)  # fmt: skip
def test_what_is_no_sender(text: str) -> None:
    with pytest.raises(ValidationError, match="must be an address"):
        Settings(from_email=text)


@given(st.text(max_size=60))
def test_any_text_is_a_sender_or_a_clear_error(text: str) -> None:
    with suppress(ValueError):
        assert "\n" not in str(sender(text))


def test_no_sender_is_told_when_it_is_needed() -> None:
    with pytest.raises(Invalid, match="FROM_EMAIL"):
        _ = Settings(resend_api_key="re_1").sender  # type: ignore[arg-type]


def test_a_key_is_given_itself_or_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(PEM)
    for given_so in (PEM, PEM.replace("\n", "\\n"), str(file)):
        key = Settings(dkim_private_key=given_so).dkim_private_key  # type: ignore[arg-type]
        assert key is not None
        assert key.get_secret_value() == PEM


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("dkim_private_key", "/nowhere/at/all.pem", "cannot be read"),
        ("dkim_private_key", "/etc/hostname", "no private key"),
        ("dkim_selector", "a selector", "must be a name"),
        ("resend_webhook_secret", "whsec_*", "whsec_"),
        ("resend_api_key", "re_1\nX-Evil: 1", "no key"),
        ("resend_api_base", "api.resend.com", "https://"),
        ("email_rate", "0", "greater than 0"),
    ],
)
def test_other_wrong_settings(name: str, value: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_a_secret_may_lack_its_prefix() -> None:
    assert webhook_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize("size", [16, 24, 25, 32])
@pytest.mark.parametrize("padded", [True, False])
def test_secrets_of_webhooks_come_with_padding_and_without(size: int, *, padded: bool) -> None:
    encoded = base64.b64encode(bytes(range(size))).decode()
    secret = "whsec_" + (encoded if padded else encoded.rstrip("="))
    found = Settings(resend_webhook_secret=secret).resend_webhook_secret  # type: ignore[arg-type]
    assert found is not None
    assert key_of(found.get_secret_value()) == bytes(range(size))
