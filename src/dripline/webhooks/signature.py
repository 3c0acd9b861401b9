"""The signature of webhooks (Standard Webhooks, which Svix began): made, and verified.

Signed is `{id}.{timestamp}.{raw body}` with HMAC-SHA256; a header holds one signature or several
(`v1,<base64> v1,<base64>`), as secrets are rotated. Nothing a stranger puts into a header may end
in anything but a refusal.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from dripline.clock import EPOCH
from dripline.errors import Forbidden

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
BAD_SIGNATURE = "BAD_SIGNATURE"
_NAMES = (("svix-id", "webhook-id"), ("svix-timestamp", "webhook-timestamp"))
_SIGNATURES = ("svix-signature", "webhook-signature")
_ID = re.compile(r"[!-~]{1,160}")
_SECONDS = re.compile(r"[0-9]{1,11}")
_MOST_SIGNATURES = 20


def key_of(secret: str) -> bytes:
    """Return the key of a `whsec_…` secret. Raises ValueError when it holds none."""
    key = base64.b64decode(secret.removeprefix(PREFIX) + "==")
    if not key:
        raise ValueError("a webhook secret may not be empty")
    return key


def sign(key: bytes, message_id: str, at: datetime, body: bytes) -> str:
    """Return the signature of a body, as its header holds it."""
    return f"v1,{base64.b64encode(_digest(key, message_id, _seconds(at), body)).decode()}"


def headers(key: bytes, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that a webhook goes out with."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": _seconds(at),
        "webhook-signature": sign(key, message_id, at, body),
    }


def verify(key: bytes, given: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the message's id when its signature is right; `given` are headers in lower case.

    Raises Forbidden (BAD_SIGNATURE) for anything missing, malformed, wrong, or told more than five
    minutes ago or ahead.
    """
    message_id, seconds = (
        next((given[name] for name in names if name in given), "") for names in _NAMES
    )
    signatures = next((given[name] for name in _SIGNATURES if name in given), "")
    if not _ID.fullmatch(message_id) or not _SECONDS.fullmatch(seconds) or not signatures:
        raise Forbidden("The webhook's headers are missing or malformed.", code=BAD_SIGNATURE)
    if abs(now - (EPOCH + timedelta(seconds=int(seconds)))) > TOLERANCE:
        raise Forbidden("The webhook's timestamp is too far from now.", code=BAD_SIGNATURE)
    expected = _digest(key, message_id, seconds, body)
    if not any(hmac.compare_digest(expected, one) for one in _given(signatures)):
        raise Forbidden("The webhook's signature is wrong.", code=BAD_SIGNATURE)
    return message_id


def _given(signatures: str) -> list[bytes]:
    found = []
    for one in signatures.split(" ")[:_MOST_SIGNATURES]:
        version, _, text = one.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _digest(key: bytes, message_id: str, seconds: str, body: bytes) -> bytes:
    signed = f"{message_id}.{seconds}.".encode() + body
    return hmac.new(key, signed, hashlib.sha256).digest()


def _seconds(at: datetime) -> str:
    return str((at - EPOCH) // timedelta(seconds=1))
