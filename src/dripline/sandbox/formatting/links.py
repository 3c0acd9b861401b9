"""Checks a link the way Telegram does: what is a url, and why one is not."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from string import ascii_letters, digits

_SCHEME = re.compile(r"([^:/?#@\[\]]*)://")
_AUTHORITY_END = re.compile(r"[/?#]")
_ALLOWED = frozenset(ascii_letters + digits + ".-_!$,~*'();&+=")
_OWN_SCHEMES = ("tg:", "ton:", "tonsite:")
_USER_LINK = re.compile(r"tg:(?://)?user/?\?(?:.*&)?id=(\d{1,19})(?:&|#|$)", re.IGNORECASE)


class BadUrl(ValueError):
    """Not a link; the message says why, in Telegram's words."""


def checked_link(url: str, *, https_only: bool = False) -> str:
    """The link in canonical form. Raises BadUrl."""
    for scheme in _OWN_SCHEMES:
        if url[: len(scheme)].lower() == scheme:
            return _own_link(scheme[:-1], url[len(scheme) :], https_only=https_only)
    protocol, authority, tail = _split(url)
    userinfo, host, port = _authority(authority)
    if https_only and protocol != "https":
        raise BadUrl("Only HTTPS links are allowed")
    if "." not in host and not host.startswith("["):
        raise BadUrl("Wrong HTTP URL")
    return f"{protocol}://{userinfo}{host}{port}{_tail(tail)}"


def linked_user(url: str) -> int:
    """The user a `tg://user?id=` link points to; 0 for any other link."""
    match = _USER_LINK.match(url)
    return int(match.group(1)) if match else 0


def _own_link(scheme: str, rest: str, *, https_only: bool) -> str:
    if https_only:
        raise BadUrl("Only HTTPS links are allowed")
    protocol, authority, tail = _split(rest.removeprefix("//"))
    _, host, port = _authority(authority)
    if protocol == "https" or port or "@" in authority:
        raise BadUrl("Wrong tg URL" if scheme == "tg" else "Wrong ton URL")
    if not re.fullmatch(r"[a-z0-9_.-]+" if scheme == "tonsite" else r"[a-z0-9_-]+", host):
        raise BadUrl("Unallowed characters in URL host")
    query = _tail(tail)
    return f"{scheme}://{host}{query[1:] if query.startswith('/?') else query}"


def _split(url: str) -> tuple[str, str, str]:
    protocol, rest = "http", url
    match = _SCHEME.match(url)
    if match:
        protocol, rest = match.group(1).lower(), url[match.end() :]
        if protocol not in ("http", "https"):
            raise BadUrl("Unsupported URL protocol")
    boundary = _AUTHORITY_END.search(rest)
    at = boundary.start() if boundary else len(rest)
    return protocol, rest[:at], rest[at:]


def _authority(authority: str) -> tuple[str, str, str]:
    before, colon, port = authority.rpartition(":")
    if not (colon and before and "]" not in port and "@" not in port):
        before, port = authority, ""
    elif not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise BadUrl("Wrong port number specified in the URL")
    userinfo, at, host = before.rpartition("@")
    host = host.lower()
    _check_host(host)
    _check_part(userinfo, "userinfo", colon_allowed=True)
    return userinfo + at, host, f":{port}" if port else ""


def _check_host(host: str) -> None:
    if not host:
        raise BadUrl("URL host is empty")
    if host == ".":
        raise BadUrl("Host is invalid")
    if host.startswith("[") and host.endswith("]"):
        try:
            IPv6Address(host[1:-1])
        except ValueError as error:
            raise BadUrl("Wrong IPv6 address specified in the URL") from error
        return
    _check_part(host, "host", colon_allowed=False)


def _check_part(part: str, name: str, *, colon_allowed: bool) -> None:
    rest = re.sub(r"%[0-9a-fA-F]{2}", "", part)
    for char in rest:
        if char == "%":
            raise BadUrl(f"Wrong percent-encoded symbol in URL {name}")
        if ord(char) < 128 and char not in _ALLOWED and not (colon_allowed and char == ":"):
            raise BadUrl(f"Disallowed character in URL {name}")


def _tail(tail: str) -> str:
    query = tail.rstrip(" \t\r\n\0\v") or "/"
    if not query.startswith("/"):
        query = "/" + query
    return "".join(f"%{ord(char):02X}" if char <= " " else char for char in query)
