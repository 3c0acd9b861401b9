"""Limits in memory: how often a source may guess, how much a key may ask.

What is counted is put into a fixed number of buckets, so that a flood of sources fills no memory.
"""

import ipaddress
import math
import time
from typing import Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

_BUCKETS: Final = 65_536
_IPV6_NETWORK: Final = 64  # what one customer is given


class Throttle:
    """Counts per minute; `most` in each, then nothing until the minute is over."""

    def __init__(self, name: str, most: int, said: str) -> None:
        self._limit = RateLimitItemPerMinute(most, namespace=name)
        self._said = said
        self._counts = FixedWindowRateLimiter(MemoryStorage())

    async def check(self, who: str) -> None:
        """Raise HTTPException 429 when `who` has none left."""
        if not await self._counts.test(self._limit, _bucket(who)):
            await self._refuse(who)

    async def count(self, who: str) -> None:
        """Count one."""
        await self._counts.hit(self._limit, _bucket(who))

    async def take(self, who: str) -> None:
        """Count one; raise HTTPException 429 when there was none left."""
        if not await self._counts.hit(self._limit, _bucket(who)):
            await self._refuse(who)

    async def _refuse(self, who: str) -> None:
        stats = await self._counts.get_window_stats(self._limit, _bucket(who))
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        raise HTTPException(429, self._said, {"Retry-After": str(min(wait, 60))})


def source_of(request: HTTPConnection) -> str:
    """Return where a request comes from: an IPv4 address, or an IPv6 network.

    Behind a proxy on this machine it is who the proxy says; others are trusted when they stand in
    FORWARDED_ALLOW_IPS.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if address.version == 6:
        return str(ipaddress.ip_network(f"{address}/{_IPV6_NETWORK}", strict=False))
    return str(address)


def _bucket(who: str) -> str:
    return str(hash(who) % _BUCKETS)
