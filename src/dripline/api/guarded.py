"""Routes behind a key: who calls and what they may is settled before anything is read.

    routes = APIRouter(prefix="/api/v1/things", tags=["things"], route_class=GuardedRoute)

    @routes.post("", summary="Make a thing")
    @needs(Role.EDITOR)
    async def create(body: NewThing, session: Session, here: Here, who: Who) -> Thing: ...

1. the key: 401, 429; its role: 403 (reading needs a viewer, everything else an editor, unless
   `needs` says otherwise)
2. the body, whole: a slow caller holds nobody up
3. a transaction around the endpoint: reading for GET, writing for all else. It is committed
   before the answer leaves; an error leaves nothing half done. `own_transactions` goes without.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.auth import Principal, Role
from dripline.api.backend import Backend, backend_of
from dripline.errors import Forbidden

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_ROLE, _OWN = "__role__", "__own_transactions__"
_READING = frozenset({"GET", "HEAD"})


def needs(role: Role) -> Callable[[_Endpoint], _Endpoint]:
    """Let an endpoint be called by keys of at least this role."""

    def marked(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _ROLE, role)
        return endpoint

    return marked


def own_transactions(endpoint: _Endpoint) -> _Endpoint:
    """Let an endpoint open its transactions itself: it speaks to the network, or works in pages."""
    setattr(endpoint, _OWN, True)
    return endpoint


class GuardedRoute(APIRoute):
    """A route that only holders of a key reach."""

    @property
    def role(self) -> Role:
        """The least role that may call this."""
        usual = Role.VIEWER if self.reads else Role.EDITOR
        role: Role = getattr(self.endpoint, _ROLE, usual)
        return role

    @property
    def reads(self) -> bool:
        """Whether this changes nothing."""
        return set(self.methods or ()) <= _READING

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return the endpoint with its guard around it."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            backend = backend_of(request)
            who = await backend.auth.principal(request)
            if who.role < self.role:
                raise Forbidden(
                    f"This needs the role {self.role.name.lower()}; this key is a "
                    f"{who.role.name.lower()}'s."
                )
            request.state.principal = who
            await request.body()
            async with self._transaction(backend) as session:
                request.state.session = session
                return await inner(request)

        return guarded

    @asynccontextmanager
    async def _transaction(self, backend: Backend) -> AsyncIterator[AsyncSession | None]:
        if getattr(self.endpoint, _OWN, False):
            yield None
        elif self.reads:
            async with backend.database.reading() as session:
                yield session
        else:
            async with backend.database.transaction() as session:
                yield session


def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


Session = Annotated[AsyncSession, Depends(_session)]
Who = Annotated[Principal, Depends(_principal)]
Here = Annotated[Backend, Depends(backend_of)]
