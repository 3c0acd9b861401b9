"""The web application, made when somebody first asks for more than a probe answers.

The framework and the models of every endpoint are two fifths of what a process does to start, and a
fifth of its memory. A bot that polls, and whose operator lives in the chat, never needs them.
"""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

from dripline.api.probe import Probe, Send

Application = Callable[[MutableMapping[str, Any], Any, Send], Any]


class Late:
    """An ASGI application: a probe for what it knows, and the whole one once that is wanted.

    `load` imports what it takes, in a thread, so that messages go on leaving meanwhile; `make` puts
    the application together. Whoever asks first waits about a second.
    """

    def __init__(
        self, probe: Probe, load: Callable[[], None], make: Callable[[], Application]
    ) -> None:
        self._probe = probe
        self._load = load
        self._make = make
        self._made: Application | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        """Answer one request."""
        if self._probe.knows(scope):
            await self._probe(scope, receive, send)
            return
        application = self._made or await self.made()
        await application(scope, receive, send)

    async def made(self) -> Application:
        """Return the whole application, made now if it was not."""
        async with self._making:
            if self._made is None:
                await asyncio.to_thread(self._load)
                self._made = self._make()
            return self._made
