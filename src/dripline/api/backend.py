"""What endpoints work with: one object, built by `wiring`, found on the request's app."""

import asyncio
from dataclasses import dataclass, field

from fastapi import Request

from dripline.api.auth import Auth
from dripline.api.idempotency import Idempotency
from dripline.api.ports import EmailTest
from dripline.broadcasts.render import Renderer
from dripline.clock import Clock
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.rotations.control import Rotations
from dripline.settings import Settings

_READERS = 4


@dataclass(frozen=True, slots=True)
class Backend:
    """The rooms below, as endpoints reach them."""

    database: Database
    clock: Clock
    store: ContentStore
    settings: Settings
    auth: Auth
    broadcast_renderer: Renderer
    rotations: Rotations
    email_test: EmailTest | None = None
    idempotency: Idempotency = field(default_factory=Idempotency)
    # So many questions at once: the engine reads the same database, and must not wait for us.
    readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_READERS))


def backend_of(request: Request) -> Backend:
    """Return the backend of the app that serves this request."""
    backend: Backend = request.app.state.backend
    return backend
