"""One call of a bot: its method, parameters and files, however they came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.messages import Json


@dataclass(slots=True)
class Upload:
    """A file in a request's body."""

    body: bytes
    name: str
    mime: str


@dataclass(slots=True)
class Call:
    """A method call. Parameters are strings, or any JSON when the body was JSON."""

    bot: Bot
    method: str
    params: Json
    files: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A parameter as text; empty when it is not there."""
        value = self.params.get(name, "")
        if isinstance(value, str):
            return value
        return "" if value is None else orjson.dumps(value).decode()

    def given(self, name: str) -> bool:
        """Whether the parameter was sent at all."""
        return self.text(name) != ""

    def integer(
        self, name: str, default: int = 0, low: int = -(1 << 62), high: int = 1 << 62
    ) -> int:
        """A parameter as a number, kept within bounds; what is no number is 0, as on the server."""
        value = self.text(name)
        return min(max(as_integer(value), low), high) if value else default

    def flag(self, name: str) -> bool:
        """A parameter as yes or no."""
        return self.text(name).lower() in ("true", "yes", "1")

    def json(self, name: str, problem: str) -> Any:
        """A parameter as JSON; None when it is not there. Raises BotApiError with `problem`."""
        value = self.params.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise bad_request(problem) from error

    def required(self, name: str) -> str:
        """A parameter that must be there."""
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value


def as_integer(value: str) -> int:
    """The number at the beginning of a text, 0 if there is none: the server reads them so."""
    sign, digits = (-1, value[1:]) if value.startswith("-") else (1, value)
    count = 0
    while count < len(digits) and digits[count] in "0123456789":
        count += 1
    return sign * int(digits[: min(count, 19)] or 0)
