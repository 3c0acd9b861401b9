"""HMAC-SHA256 with a key that is prepared: what the standard library says."""

import hmac

import pytest

from dripline.keyed import Mac


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64, 65, 200])
def test_it_is_hmac_with_sha256(length: int) -> None:
    key = bytes(range(256))[:length]
    mac = Mac(key)
    for message in (b"", b"a", b"twice" * 100):
        assert mac.sign(message) == hmac.digest(key, message, "sha256")
        assert mac.sign(message) == mac.sign(message)


def test_it_says_nothing_of_its_key() -> None:
    assert "secret" not in repr(Mac(b"secret"))
