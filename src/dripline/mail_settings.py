"""What the settings of email mean: the server in `SMTP_URL`, the sender in `FROM_EMAIL`, keys."""

import base64
import binascii
import re
from dataclasses import dataclass
from email.headerregistry import Address
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

StartTls = Literal["auto", "always", "never"]
_PORTS = {"smtp": 587, "smtps": 465}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_NAMED = re.compile(r"([^<>]*)<([^<>]*)>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_STARTTLS: dict[str, StartTls] = {
    "auto": "auto",
    "always": "always",
    "required": "always",
    "true": "always",
    "yes": "always",
    "1": "always",
    "never": "never",
    "false": "never",
    "no": "never",
    "0": "never",
}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret of this kind begins
_LONGEST_KEY = 20_000
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over, and how. `timeout` is in seconds, of each answer."""

    host: str
    port: int
    tls: bool
    starttls: StartTls
    user: str | None
    password: str | None
    connections: int = 10
    verify: bool = True
    timeout: float = 30.0

    def __repr__(self) -> str:
        """Return the server without its password."""
        return f"SmtpServer({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom emails are from."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.address.rpartition("@")[2].lower()

    def __str__(self) -> str:
        """Return it as it stands in a header, not yet encoded."""
        return str(Address(self.name, addr_spec=self.address)) if self.name else self.address


def smtp_server(url: str) -> SmtpServer:
    """Return the server of an address such as `smtp://user:password@host:587?starttls=always`.

    Raises ValueError with what is wrong; never with the address itself, which holds a password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with smtp:// or smtps://")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ValueError("has a port that is none; write smtp://host:587") from None
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise ValueError("names no server; write smtp://user:password@host:587")
    if parts.path.strip("/"):
        raise ValueError("has something after the server's name; write smtp://host:587")
    user, password = _credentials(parts)
    tls = parts.scheme == "smtps"
    options = _options(parts.query)
    return SmtpServer(
        host,
        port,
        tls,
        _starttls(options, tls=tls, host=host, secret=password),
        user,
        password,
        _whole(options, "connections", 10, 1, 500),
        _STARTTLS.get(options.get("verify", "yes"), "always") != "never",
        float(_whole(options, "timeout", 30, 1, 600)),
    )


def sender(text: str) -> Sender:
    """Return the sender of `Name <address>` or of a bare address.

    Raises ValueError for anything else.
    """
    named = _NAMED.fullmatch(text.strip())
    name, address = (named[1].strip(' "'), named[2].strip()) if named else ("", text.strip())
    _, _, host = address.partition("@")
    known = _ADDRESS.fullmatch(address) and ".." not in address
    if not known or not ("." in host.strip(".") or host == "localhost") or _CONTROL.search(text):
        raise ValueError("must be an address such as Anna's School <hello@example.com>")
    return Sender(name, address)


def webhook_secret(text: str) -> str:
    """Return the secret as it is.

    Raises ValueError when it is none that webhooks are signed with: base64, after `whsec_`.
    """
    body = text.strip()
    try:
        # With its padding or without: secrets come both ways.
        bare = body.removeprefix(_SECRET_PREFIX).rstrip("=")
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < _SHORTEST_SECRET:
        raise ValueError("is no whsec_… secret; copy it whole from the webhook's page")
    return body


def private_key(text: str) -> str:
    """Return a private key in PEM form, given itself (`\\n` for its lines) or its file's path.

    Raises ValueError when there is none.
    """
    pem = text.strip().replace("\\n", "\n")
    if not pem.startswith("-----BEGIN"):
        pem = _read(Path(pem).expanduser())
    if "PRIVATE KEY-----" not in pem or "-----END" not in pem:
        raise ValueError("is no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    return pem


def domain(text: str) -> str:
    """Return a domain name (or a selector) in lower case. Raises ValueError for what is none."""
    name = text.strip().lower()
    if not _DOMAIN.fullmatch(name):
        raise ValueError("must be a name such as example.com, of letters, digits, - and dots")
    return name


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_LONGEST_KEY).decode("ascii", "replace").strip()
    except OSError as error:
        raise ValueError(f"names a file that cannot be read ({error.strerror})") from None


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    if not parts.username:
        if parts.password:
            raise ValueError("has a password but no user; write smtp://user:password@host")
        return None, None
    if parts.password is None:
        raise ValueError("has a user but no password; write smtp://user:password@host")
    return unquote(parts.username), unquote(parts.password)


def _options(query: str) -> dict[str, str]:
    options = {key: value.lower() for key, value in parse_qsl(query, keep_blank_values=True)}
    unknown = sorted(set(options) - {"starttls", "verify", "connections", "timeout"})
    if unknown:
        raise ValueError(
            f"has an unknown option “{unknown[0][:40]}”; there are starttls, verify, connections "
            "and timeout"
        )
    if options.get("verify", "yes") not in _STARTTLS:
        raise ValueError("option verify is yes or no")
    return options


def _starttls(options: dict[str, str], *, tls: bool, host: str, secret: str | None) -> StartTls:
    given = options.get("starttls")
    if given is None:
        # A password never travels in the clear but to this very machine.
        return "always" if secret and not tls and host not in _LOOPBACK else "auto"
    if given not in _STARTTLS:
        raise ValueError("option starttls is always, auto or never")
    if tls and _STARTTLS[given] == "always":
        raise ValueError("asks for both TLS and STARTTLS; write smtps://…, or smtp://…?starttls")
    return _STARTTLS[given]


def _whole(options: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
        raise ValueError(f"option {name} is a whole number from {least} to {most}")
    return int(text)
