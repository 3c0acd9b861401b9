"""Tokens of tracked links: whole for us, nothing for everybody else."""

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.engagement.tokens import LABEL_BYTES, LONGEST_TOKEN, POST_LIMIT, Mark, Seal

SEAL = Seal(b"a key")
DELIVERY, CONTACT = uuid.UUID(int=7), uuid.UUID(int=8)
LINK = Mark("link", DELIVERY, CONTACT, label="Записаться", url="https://example.com/?a=1&b=%20")


@pytest.mark.parametrize(
    "mark",
    [
        LINK,
        Mark("link", DELIVERY, None, url="http://example.com"),
        Mark("link", post=1, label="Go", url="https://example.com"),
        Mark("link", post=POST_LIMIT - 1, url="https://example.com"),
        Mark("link", DELIVERY, CONTACT, stored=uuid.UUID(int=9)),
        Mark("pixel", DELIVERY, CONTACT),
        Mark("trap", DELIVERY),
    ],
)
def test_what_was_signed_is_read_as_it_was(mark: Mark) -> None:
    assert SEAL.read(SEAL.sign(mark)) == mark


def test_every_change_of_a_single_character_is_noticed() -> None:
    token = SEAL.sign(LINK)
    for at, right in enumerate(token):
        for wrong in "AQgw-_9" if right not in "AQgw-_9" else "BRhx":
            assert SEAL.read(token[:at] + wrong + token[at + 1 :]) is None


def test_another_key_and_another_version_are_not_ours() -> None:
    token = SEAL.sign(LINK)
    assert Seal(b"another key").read(token) is None
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    other = bytes((raw[0] ^ 0x30,)) + raw[1:-12]
    newer = urlsafe_b64encode(other + SEAL._mac(other)).rstrip(b"=").decode()
    assert SEAL.read(newer) is None


@pytest.mark.parametrize(
    "token", ["", "A", "é", "=", "a b", "%00", "А" * 40, "A" * 16, "A" * (LONGEST_TOKEN + 1)]
)
def test_what_is_no_token_is_nothing(token: str) -> None:
    assert SEAL.read(token) is None


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(token: str) -> None:
    assert SEAL.read(token) is None


@given(st.text(max_size=200))
def test_a_label_is_cut_between_characters(label: str) -> None:
    found = SEAL.read(SEAL.sign(Mark("link", DELIVERY, CONTACT, label=label, url="https://a.b")))
    assert found is not None
    assert len(found.label.encode()) <= LABEL_BYTES
    assert found.url == "https://a.b"


def test_a_token_is_short_enough_for_a_button() -> None:
    assert len(SEAL.sign(LINK)) < 160
    assert len(SEAL.sign(Mark("link", post=12, label="Go", url="https://example.com"))) < 60
