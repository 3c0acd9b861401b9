"""The seam between our clients and whatever speaks HTTP for them."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class Answer:
    """What a server answered, in full."""

    status: int
    body: bytes
    head: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the value of a header (its name in lower case), or None."""
        for line in self.head.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.encode():
                return value.strip().decode("latin-1")
        return None


class HttpFailure(Exception):
    """No complete answer came; `reason` names the server but never the path, which holds tokens.

    `maybe_processed` says whether the server can have acted on the request all the same.
    """

    def __init__(self, reason: str, *, maybe_processed: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_processed = maybe_processed


class HttpClient(Protocol):
    """Speaks to one server, many requests at a time."""

    def get(self, path: str, timeout: float | None = None) -> Awaitable[Answer]:
        """Return the answer, of any status; raises as `post` does."""
        ...

    def post(
        self,
        path: str,
        content_type: str,
        body: bytes,
        timeout: float | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Awaitable[Answer]:
        """Return the answer, of any status; `timeout` is in seconds, over all.

        The request may leave before its answer is awaited; who waits no longer takes nothing back.
        Waiting for it raises HttpFailure when no complete answer came.
        """
        ...

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        ...
