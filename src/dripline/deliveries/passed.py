"""How far the queue has been taken: where a claim under load begins to look.

PostgreSQL's index keeps what was deleted until it is vacuumed, and a look at the head of the queue
would walk through all of it: after a minute of load that is some milliseconds a claim. So for a
second a look begins where the last rows were taken. What is queued before that place (a message
that is tried again, in its old one) is found a second later at most.
"""

from collections.abc import Mapping
from typing import Final

_FOR_US: Final = 1_000_000
Place = tuple[str, int]  # a pace key and a priority


class Passed:
    """The moments before which this worker has taken everything; forgotten every second."""

    def __init__(self) -> None:
        self._until: dict[Place, int] = {}
        self._since_us = 0

    def until(self, real_us: int) -> Mapping[Place, int]:
        """Return by pace key and priority the due moment at which a look may begin."""
        if real_us - self._since_us > _FOR_US:
            self._until, self._since_us = {}, real_us
        return self._until

    def note(self, taken: Mapping[Place, int]) -> None:
        """Note the last moments that a claim has taken."""
        self._until |= taken
