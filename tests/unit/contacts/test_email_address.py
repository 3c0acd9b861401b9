"""Addresses of every odd kind: kept in one form, or refused with a sentence that helps."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from dripline.contacts import email_address as sentences
from dripline.contacts.email_address import normalise
from dripline.errors import Invalid


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("anna@example.com", "anna@example.com"),
        ("  Anna@Example.COM\n", "anna@example.com"),
        ("mailto:anna@example.com", "anna@example.com"),
        ("anna+news@example.com", "anna+news@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("anna@почта.рф", "anna@xn--80a1acny.xn--p1ai"),
        ("anna@faß.de", "anna@xn--fa-hia.de"),
    ],
)
def test_an_address_is_kept_in_one_form(raw: str, kept: str) -> None:
    assert normalise(raw) == kept


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ("", sentences.EMPTY),
        ("   ", sentences.EMPTY),
        (None, sentences.EMPTY),
        (17, sentences.EMPTY),
        ("anna", sentences.NO_AT),
        ("@example.com", sentences.NO_AT),
        ("anna@example.com, boris@example.com", sentences.SEVERAL),
        ("anna@example.com;boris@example.com", sentences.SEVERAL),
        ("Anna <anna@example.com>", sentences.WITH_NAME),
        ("anna smith@example.com", sentences.WITH_SPACES),
        ("anna@example.com\r\nBcc: boris@example.com", sentences.WITH_SPACES),
        ("anna@example.com\nboris", sentences.WITH_SPACES),
        ('"anna smith"@example.com', sentences.QUOTED),
        ("анна@example.com", sentences.NOT_LATIN),
        ("anna@localhost", sentences.NO_DOMAIN),
        ("anna@[127.0.0.1]", sentences.NO_DOMAIN),
        ("anna@", sentences.NO_DOMAIN),
        ("anna..b@example.com", sentences.WRONG),
        ("anna@exa_mple.com", sentences.WRONG),
        ("anna\u200b@example.com", sentences.WRONG),
        ("anna\x00@example.com", sentences.WRONG),
        ("a" * 65 + "@example.com", sentences.TOO_LONG),
        ("anna@" + "b." * 130 + "com", sentences.TOO_LONG),
        ("a" * 1_000_000, sentences.TOO_LONG),
    ],
)
def test_what_is_no_address_is_told_why(raw: object, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalise(raw)
    assert (refused.value.message, refused.value.code) == (sentence, "EMAIL_INVALID")


LOCALS = some.text("ab.-_+A9!'", min_size=1, max_size=66) | some.just("x" * 64)
DOMAINS = some.sampled_from(
    ["example.com", "Mail.EXAMPLE.com", "xn--80a1acny.xn--p1ai", "exa_mple.com", "a..b.com",
     "-a.com", "a-.com", "test", "mail.test", "localhost", "example.local", "127.0.0.1", "a.1",
     "xn--a.com", "почта.рф", ".com", "example.com.", "b." * 120 + "com", "a" * 64 + ".com"]
)  # fmt: skip


@given(LOCALS, DOMAINS | some.text("ab.-1", max_size=12))
@example("x" * 60, "b." * 94 + "comcom")
@example("x" * 60, "b." * 94 + "comcomc")
def test_a_usual_address_is_kept_as_after_a_long_look(local: str, domain: str) -> None:
    raw = f"{local}@{domain}"
    assert outcome(normalise, raw) == outcome(sentences._looked_over, raw)


def outcome(look: Callable[[str], str], raw: str) -> str:
    """Return an address as it is kept, or why not."""
    try:
        return look(raw)
    except Invalid as refused:
        return refused.message
