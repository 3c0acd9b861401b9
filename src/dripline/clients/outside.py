"""Requests to addresses that people give: never into our own network, unless that is allowed.

A name is looked up once, every address it has is looked at, and the request goes to the very
address that was looked at: a name that changes its mind in between leads nowhere else. Nothing is
followed that an answer points to.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from dripline import __version__
from dripline.clients.http import Answer, HttpFailure
from dripline.clients.http1 import Http1Client
from dripline.clients.resend_errors import seconds_of
from dripline.webhooks.send import Reply

_TIMEOUT_S = 15.0
_LOOK_UP_S = 5.0
_LARGEST_ANSWER = 64 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Outside:
    """Posts webhooks; with `private`, into private networks as well."""

    def __init__(self, *, private: bool = False) -> None:
        self._private = private

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Reply:
        """Post JSON to an address; return the answer, or why there was none. Raises nothing."""
        try:
            address = await self._address(url)
            answer = await _post(url, address, headers, body)
        except HttpFailure as failure:
            return Reply(None, failure.reason)
        except (OSError, ValueError) as error:
            return Reply(None, str(error) or type(error).__name__)
        after = seconds_of(answer.header("retry-after")) if answer.status in (429, 503) else 0.0
        said = "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
        return Reply(answer.status, said, after)

    async def _address(self, url: str) -> str:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except TimeoutError:
            raise ValueError(f"{host} could not be looked up in time") from None
        except OSError:
            raise ValueError(f"{host} is not known") from None
        addresses = [str(one[4][0]) for one in found]
        if not self._private and not all(map(is_public, addresses)):
            raise ValueError(
                f"{host} is in a private network, where no webhook goes "
                "(WEBHOOK_PRIVATE_NETWORKS=true allows it)"
            )
        return addresses[0]


async def _post(url: str, address: str, headers: dict[str, str], body: bytes) -> Answer:
    parts = urlsplit(url)
    client = Http1Client(
        f"{parts.scheme}://{parts.netloc}",
        max_connections=1,
        connect_timeout=_LOOK_UP_S,
        timeout=_TIMEOUT_S,
        max_answer=_LARGEST_ANSWER,
        address=address,
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = {"User-Agent": f"dripline/{__version__}", **headers}
    try:
        return await client.post(target, "application/json", body, _TIMEOUT_S, named)
    finally:
        await client.close()


def is_public(address: str) -> bool:
    """Return whether an IP address is somewhere in the world, not here nor in a private network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            found = found.ipv4_mapped or found.sixtofour or found
            if isinstance(found, ipaddress.IPv6Address) and found.teredo:
                return False
    return found.is_global and not (
        found.is_multicast or found.is_reserved or found.is_unspecified or found.is_loopback
    )
