"""What is built is what Python's own parser reads, whatever the texts say."""

import email
import email.message
import email.policy
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.clients.smtp_session import stuffed
from dripline.content.email.mime import Envelope, Mailbox, header_text, mime, wire_address
from dripline.content.rendered import EmailParts, Media
from dripline.content.slots import Pieces, quoted, slot
from dripline.errors import Invalid

ID = uuid.UUID(int=7)
NOW = datetime(2026, 3, 1, 12, 30, 15, 999_999, tzinfo=UTC)
ANY = st.text(max_size=400).map(lambda one: one.encode("utf-8", "ignore").decode())


def envelope(**given_: Any) -> Envelope:
    values: dict[str, Any] = {
        "sender": Mailbox("hello@seeing.example", "Seeing"),
        "to": Mailbox("ann@example.com"),
        "delivery_id": ID,
        "date": NOW,
        **given_,
    }
    return Envelope(**values)


def parsed(message: bytes) -> email.message.EmailMessage:
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert max(map(len, message.split(b"\r\n"))) <= 998
    found = cast(
        "email.message.EmailMessage",
        email.message_from_bytes(message, policy=email.policy.default),
    )
    for part in found.walk():
        assert part.defects == []
    return found


def texts(message: email.message.EmailMessage) -> tuple[str, str]:
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    return tuple(one.get_content().replace("\r\n", "\n") for one in (plain, html))  # type: ignore[return-value]


@given(ANY, ANY, ANY)
def test_texts_and_subject_come_back(subject: str, html: str, plain: str) -> None:
    found = parsed(mime(EmailParts(subject, html, plain), envelope()))
    read = [one.rstrip("\n") for one in texts(found)]
    want = [one.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") for one in (plain, html)]
    assert read == want
    assert found["From"] == "Seeing <hello@seeing.example>"
    assert [name for name in found if name == "Bcc"] == []


@dataclass
class _Filled:
    quoted: bytes
    text: str = ""


_ODD = st.lists(
    st.sampled_from(
        [".", "..", "\n", "\r", "\r\n", "a" * 73, "a" * 75, "=", " ", "й", "x.y", "\x85"]
    )
).map("".join)


@given(_ODD, _ODD, _ODD)
def test_what_is_built_can_go_over_the_wire_as_it_is(html: str, plain: str, name: str) -> None:
    about = envelope(to=Mailbox("a@b.example", name), headers={"X-A": plain})
    message = mime(EmailParts(html, html, plain), about)
    assert stuffed(message) == stuffed(bytes(message))
    pieces = Pieces.of(f"{html}{slot('v0')}{plain}{slot('v1')}")
    filled = _Filled(pieces.fill_quoted({"v0": quoted(plain), "v1": quoted("." + html)}))
    message = mime(EmailParts("a", filled, filled), envelope())
    assert stuffed(message) == stuffed(bytes(message))
    assert max(map(len, message.split(b"\r\n"))) <= 120


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=200))
def test_a_subject_comes_back_as_it_was(subject: str) -> None:
    found = parsed(mime(EmailParts(subject, "a", "b"), envelope()))
    assert found["Subject"] == subject


@given(st.text(max_size=80))
def test_a_name_never_leaves_its_header(name: str) -> None:
    found = parsed(mime(EmailParts("a", "b", "c"), envelope(sender=Mailbox("a@b.example", name))))
    address = found["From"].addresses[0]
    assert address.addr_spec == "a@b.example"
    assert set(found.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["Ann", "Школа «Seeing»", "Ann, Bob & Co.", 'The "Best"', "a" * 70, "=?utf-8?b?YQ==?="]
)
def test_names(name: str) -> None:
    found = parsed(mime(EmailParts("a", "b", "c"), envelope(to=Mailbox("a@b.example", name))))
    assert found["To"].addresses[0].display_name == name


def test_headers() -> None:
    found = parsed(
        mime(
            EmailParts("Hi", "b", "c"),
            envelope(
                unsubscribe="https://x.example/u?t=1",
                reply_to=Mailbox("re@x.example"),
                headers={"X-Entity-Ref-ID": "1", "Auto-Submitted": "auto-generated"},
            ),
        )
    )
    assert found["List-Unsubscribe"] == "<https://x.example/u?t=1>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Reply-To"] == "re@x.example"
    assert found["Message-ID"] == f"<{ID.hex}@seeing.example>"
    assert found["Date"].datetime == NOW.replace(microsecond=0)
    assert found["X-Entity-Ref-ID"] == "1"


def test_unsubscribing_by_mail_is_not_one_click() -> None:
    found = parsed(mime(EmailParts("a", "b", "c"), envelope(unsubscribe="mailto:u@x.example")))
    assert found["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"to": Mailbox("a@b.example\r\nBcc: c@d.example")},
        {"to": Mailbox("a@b.example, c@d.example")},
        {"to": Mailbox("<a@b.example>")},
        {"to": Mailbox("no address")},
        {"sender": Mailbox("a@b\n.example")},
        {"unsubscribe": "https://x.example/>\r\nBcc: c@d.example"},
        {"headers": {"X-A\r\nBcc": "a"}},
        {"to": Mailbox("a@" + "b" * 400 + ".example")},
    ],
)
def test_nothing_injects_a_header(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        mime(EmailParts("a", "b", "c"), envelope(**change))


def test_a_value_of_a_header_stays_one_line() -> None:
    found = parsed(
        mime(EmailParts("a\r\nBcc: x@y.z", "b", "c"), envelope(headers={"X-A": "b\r\nBcc: c@d.e"}))
    )
    assert found["Subject"] == "a Bcc: x@y.z"
    assert found["X-A"] == "b Bcc: c@d.e"
    assert found["Bcc"] is None


@pytest.mark.parametrize(
    ("address", "wire", "needs_utf8"),
    [
        ("ann@example.com", "ann@example.com", False),
        ("ann@пример.рф", "ann@xn--e1afmkfd.xn--p1ai", False),
        ("анна@пример.рф", "анна@xn--e1afmkfd.xn--p1ai", True),
        ('"a b"@example.com', '"a b"@example.com', False),
        ("a+b%c@example.com", "a+b%c@example.com", False),
    ],
)
def test_addresses_of_every_kind(address: str, wire: str, needs_utf8: bool) -> None:
    assert wire_address(address) == wire
    about = envelope(to=Mailbox(address))
    assert about.needs_utf8 == needs_utf8
    assert wire.encode() in mime(EmailParts("a", "b", "c"), about)


def test_pictures_and_files_go_along() -> None:
    photo, book = Media("a" * 64, "photo", "кот.jpg"), Media("b" * 64, "document", 'a"b\r\n.pdf')
    parts = EmailParts("a", f'<img src="cid:{"a" * 32}@media">', "c", (photo, book))
    data = {photo.sha256: bytes(range(256)) * 10, book.sha256: b"%PDF"}
    found = parsed(mime(parts, envelope(), data))
    assert found.get_content_type() == "multipart/mixed"
    files = [part for part in found.walk() if part.get_content_disposition()]
    assert [(one.get_content_type(), one.get_content_disposition()) for one in files] == [
        ("image/jpeg", "inline"), ("application/pdf", "attachment"),
    ]  # fmt: skip
    assert [one.get_content() for one in files] == list(data.values())
    assert files[0]["Content-ID"] == f"<{'a' * 32}@media>"
    assert parsed(mime(parts, envelope())).get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("text", ["", "a", "é" * 300, "a" * 2000, "=?utf-8?q?a?=", "a  b"])
def test_no_header_line_is_long(text: str) -> None:
    assert max(map(len, header_text(text).split("\r\n"))) <= 78
