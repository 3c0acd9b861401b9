"""A token proves one thing, for one purpose, for its time; nobody else can make one."""

import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from itsdangerous import Signer

from dripline.contacts.tokens import Purpose, Tokens
from dripline.errors import Invalid
from dripline.ids import new_id

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOKENS = Tokens(b"a key of ours")


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("delivery", [None, new_id()])
def test_a_token_says_whose_it_is(purpose: Purpose, delivery: uuid.UUID | None) -> None:
    subject = new_id()
    token = TOKENS.make(purpose, subject, NOW, delivery)
    proof = TOKENS.read(purpose, token, NOW)
    assert (proof.subject, proof.delivery_id, proof.made_at) == (subject, delivery, NOW)
    assert len(token) < 100


def test_a_token_of_another_purpose_or_key_is_worthless() -> None:
    token = TOKENS.make(Purpose.UNSUBSCRIBE, new_id(), NOW)
    for tokens, purpose in (
        (TOKENS, Purpose.PREFERENCES),
        (TOKENS, Purpose.VERIFY),
        (Tokens(b"another key"), Purpose.UNSUBSCRIBE),
    ):
        with pytest.raises(Invalid) as refused:
            tokens.read(purpose, token, NOW)
        assert refused.value.code == "TOKEN_INVALID"


def test_no_letter_of_a_token_can_be_changed() -> None:
    token = TOKENS.make(Purpose.VERIFY, new_id(), NOW)
    for at in range(len(token) - 1):  # the last letter has bits that mean nothing
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(Invalid):
            TOKENS.read(Purpose.VERIFY, changed, NOW)


@pytest.mark.parametrize("token", ["", ".", "a.b", "ä" * 40, "A" * 1_000_000, "\x00", "..", "=.="])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Invalid):
        TOKENS.read(Purpose.VERIFY, token, NOW)


def test_a_way_out_works_for_good_a_verification_for_two_days() -> None:
    later = NOW + timedelta(hours=49)
    assert TOKENS.read(Purpose.UNSUBSCRIBE, TOKENS.make(Purpose.UNSUBSCRIBE, new_id(), NOW), later)
    with pytest.raises(Invalid) as refused:
        TOKENS.read(Purpose.VERIFY, TOKENS.make(Purpose.VERIFY, new_id(), NOW), later)
    assert refused.value.code == "TOKEN_EXPIRED"


def test_a_signer_of_itsdangerous_signs_the_same() -> None:
    key, token = b"k" * 40, Tokens(b"k" * 40).make(Purpose.UNSUBSCRIBE, uuid.uuid4(), NOW)
    text, _, _ = token.rpartition(".")
    usual = Signer(key, salt="dripline.unsubscribe", digest_method=sha256)
    assert usual.sign(text).decode() == token
