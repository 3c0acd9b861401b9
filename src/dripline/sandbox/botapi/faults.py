"""Faults on demand: what can go wrong between a bot and Telegram, when you ask for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import count

from dripline.sandbox.world.messages import Json


class FaultKind(StrEnum):
    """What goes wrong."""

    TOO_MANY_REQUESTS = "too_many_requests"  # 429 with retry_after = `seconds`
    SERVER_ERROR = "server_error"  # 5xx, `status`
    NO_ANSWER = "no_answer"  # the request is read, nothing happens, no answer comes
    NO_ANSWER_AFTER = "no_answer_after"  # it is carried out, but no answer comes
    DROP = "drop"  # the connection breaks before anything happened
    DROP_AFTER = "drop_after"  # it is carried out, then the connection breaks
    GARBAGE = "garbage"  # 200 with a body that is no JSON
    LATENCY = "latency"  # everything works, `seconds` later
    UNAUTHORIZED = "unauthorized"  # 401, as if the token had been revoked


@dataclass(slots=True)
class Fault:
    """A fault that waits for the calls it is meant for.

    `count` 0: until it is taken away. `method` may be a pattern, such as `send*`.
    """

    kind: FaultKind
    count: int = 1
    probability: float = 1.0
    method: str = ""
    chat_id: int = 0
    bot_id: int = 0
    seconds: float = 5.0
    status: int = 502
    id: int = 0
    hits: int = 0

    def concerns(self, bot_id: int, method: str, chat_id: int) -> bool:
        """Whether it is meant for this call."""
        return (
            (not self.method or fnmatchcase(method, self.method.lower()))
            and (not self.chat_id or self.chat_id == chat_id)
            and (not self.bot_id or self.bot_id == bot_id)
        )

    @property
    def used_up(self) -> bool:
        """Whether it has happened as often as asked."""
        return bool(self.count) and self.hits >= self.count

    def view(self) -> Json:
        """As the control API writes it."""
        return {**asdict(self), "kind": self.kind.value}


class Faults:
    """The faults that wait. `chance` gives numbers from 0 to 1."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._numbers = count(1)
        self._faults: dict[int, Fault] = {}

    def add(self, fault: Fault) -> Fault:
        """Let a fault wait for its calls."""
        fault.id = next(self._numbers)
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: int) -> bool:
        """Take one away."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take all away."""
        self._faults.clear()

    def all(self) -> list[Fault]:
        """Those that wait, oldest first."""
        return list(self._faults.values())

    def strike(self, bot_id: int, method: str, chat_id: int) -> list[Fault]:
        """The faults that happen to this call: delays, and at most one that spoils it."""
        if not self._faults:
            return []
        struck: list[Fault] = []
        for fault in self.all():
            spoiled = any(other.kind is not FaultKind.LATENCY for other in struck)
            if spoiled and fault.kind is not FaultKind.LATENCY:
                continue
            if fault.concerns(bot_id, method, chat_id) and self._chance() < fault.probability:
                self._hit(fault)
                struck.append(fault)
        return struck

    def _hit(self, fault: Fault) -> None:
        fault.hits += 1
        if fault.used_up:
            self._faults.pop(fault.id, None)
