"""DKIM (RFC 6376): a signature over an email's headers and text, so that others know it is ours.

Relaxed for both, as mail servers on the way touch blanks. `From` is signed once more than it is
there, so that nobody can add a second one. What one-click unsubscribing stands on is signed too
(RFC 8058 wants that).
"""

import re
from base64 import b64encode
from hashlib import sha256

from dripline.clients.dkim_key import signer_of

_SIGNED = (
    b"from",
    b"to",
    b"reply-to",
    b"subject",
    b"date",
    b"message-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"mime-version",
    b"content-type",
)
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_BLANKS_AT_END = re.compile(rb"[ \t]+(?=\r\n|$)")
_LINE = 72


class Signer:
    """Signs for a domain, under a selector. Raises ValueError when the key cannot be used."""

    def __init__(self, pem: str, selector: str, domain: str) -> None:
        self._algorithm, self._sign = signer_of(pem.encode())
        self._selector = selector
        self._domain = domain
        self.signed(b"From: a\r\n\r\n")  # a key that cannot sign is told now

    def signed(self, message: bytes) -> bytes:
        """Return a message (lines ending with CRLF) with its signature before it."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = _fields(head)
        names = [name for name in _SIGNED for _ in range(len(fields.get(name, ())))]
        names.append(b"from")
        tag = (
            f"v=1; a={self._algorithm}; c=relaxed/relaxed; d={self._domain};\r\n"
            f" s={self._selector};\r\n"
            f" h={b':'.join(names).decode()};\r\n"
            f" bh={b64encode(sha256(relaxed_body(body)).digest()).decode()};\r\n b="
        ).encode()
        lines = [line for name in _SIGNED for line in reversed(fields.get(name, ()))]
        data = b"".join(lines) + relaxed_header(b"DKIM-Signature: " + tag).removesuffix(b"\r\n")
        text = b64encode(self._sign(data)).decode()
        folded = "\r\n ".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))
        return b"DKIM-Signature: " + tag + folded.encode() + b"\r\n" + message


def _fields(head: bytes) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        found.setdefault(line.partition(b":")[0].strip().lower(), []).append(relaxed_header(line))
    return found


def relaxed_header(line: bytes) -> bytes:
    """Return a header as it is signed: name in lower case, unfolded, blanks made one."""
    name, _, value = _FOLD.sub(b"", line).partition(b":")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", value).strip() + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """Return a text as it is signed: blanks made one, none ending a line, no empty lines last."""
    if b"  " in body or b"\t" in body or b" \r\n" in body:
        body = _BLANKS.sub(b" ", _BLANKS_AT_END.sub(b"", body))
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else b""
