"""Routes behind a key: who calls and what they may is settled before anything is read.

    routes = APIRouter(prefix="/api/v1/things", tags=["things"], route_class=GuardedRoute)

    @routes.post("", summary="Make a thing")
    @needs(Role.EDITOR)
    async def create(body: NewThing, session: Session, here: Here, who: Who) -> Thing: ...

1. the key: 401, 429; its role: 403 (reading needs a viewer, everything else an editor, unless
   `needs` says otherwise)
2. the body, whole: a slow caller holds nobody up; a parameter that is not known: 422
3. a transaction around the endpoint: reading for GET, writing for all else. With what was done
   it keeps a line of the audit log and the answer under its idempotency key, and it is committed
   before the answer leaves; an error leaves nothing half done.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api import parameters, sound
from dripline.api.auth import Principal, Role
from dripline.api.backend import Backend, backend_of
from dripline.api.idempotency import Asked, answered, asked_by, keep
from dripline.api.throttle import source_of
from dripline.errors import Forbidden
from dripline.operators import audit

_Inner = Callable[[Request], Coroutine[Any, Any, Response]]

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_ROLE, _LOOKS, _OUTSIDE = "__role__", "__looks__", "__outside__"
_READING = frozenset({"GET", "HEAD"})


def needs(role: Role) -> Callable[[_Endpoint], _Endpoint]:
    """Let an endpoint be called by keys of at least this role."""

    def marked(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _ROLE, role)
        return endpoint

    return marked


def looks(endpoint: _Endpoint) -> _Endpoint:
    """Let a POST be what it is, a question: for viewers, without a change."""
    setattr(endpoint, _LOOKS, True)
    return endpoint


def outside(endpoint: _Endpoint) -> _Endpoint:
    """Let an endpoint run outside of any transaction: it speaks to another server.

    What it did is put on record afterwards.
    """
    setattr(endpoint, _OUTSIDE, True)
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
        return set(self.methods or ()) <= _READING or hasattr(self.endpoint, _LOOKS)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint with its guard around it."""
        inner = super().get_route_handler()
        names = parameters.known(self.dependant)

        async def guarded(request: Request) -> Response:
            backend = backend_of(request)
            who = await backend.auth.principal(request)
            if who.role < self.role:
                raise _too_low(who, self.role)
            request.state.principal = who
            body = await request.body()
            sound.check(request, body)
            parameters.check(request, names)
            if self.reads:
                async with backend.readers, backend.database.reading() as session:
                    request.state.session = session
                    return await inner(request)
            asked = asked_by(request, who.id, body)
            with backend.idempotency.alone(asked):
                return await self._changing(request, inner, asked, body)

        return guarded

    async def _changing(
        self, request: Request, inner: _Inner, asked: Asked | None, body: bytes
    ) -> Response:
        backend = backend_of(request)
        known, answer = None, None
        if hasattr(self.endpoint, _OUTSIDE):
            async with backend.database.transaction() as session:
                known = await self._known(session, asked, backend.clock.now())
            answer = known or await inner(request)
        async with backend.database.transaction() as request.state.session:
            session, now = request.state.session, backend.clock.now()
            if answer is None:
                known = await self._known(session, asked, now)
                answer = known or await inner(request)
            if known is None:
                await self._record(request, session, asked, answer, body, now)
        return answer

    async def _known(
        self, session: AsyncSession, asked: Asked | None, now: datetime
    ) -> Response | None:
        return await answered(session, asked, now) if asked is not None else None

    async def _record(
        self,
        request: Request,
        session: AsyncSession,
        asked: Asked | None,
        answer: Response,
        body: bytes,
        now: datetime,
    ) -> None:
        if not getattr(request.state, "changed_nothing", False):
            await self._note(request, session, body, now)
        if asked is not None and not getattr(request.state, "tells_a_secret", False):
            await keep(session, asked, answer, now)

    async def _note(
        self, request: Request, session: AsyncSession, body: bytes, now: datetime
    ) -> None:
        who: Principal = request.state.principal
        await audit.note(
            session,
            actor=who.name,
            role=who.role.name.lower(),
            action=f"{request.method} {self.path_format}",
            target=request.url.path,
            now=now,
            request_id=request_id_of(request),
            source=source_of(request),
            fields=sound.fields_of(body),
        )


def request_id_of(request: Request) -> str:
    """Return the id of a request: the caller's, or ours."""
    return str(getattr(request.state, "request_id", ""))


def _too_low(who: Principal, needed: Role) -> Forbidden:
    return Forbidden(
        f"This needs the role {needed.name.lower()}; this key's is {who.role.name.lower()}."
    )


def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


def _now(request: Request) -> datetime:
    return backend_of(request).clock.now()


def _changes_nothing(request: Request) -> None:
    request.state.changed_nothing = True


def _tells_a_secret(request: Request) -> None:
    request.state.tells_a_secret = True


Session = Annotated[AsyncSession, Depends(_session)]
Who = Annotated[Principal, Depends(_principal)]
Here = Annotated[Backend, Depends(backend_of)]
Now = Annotated[datetime, Depends(_now)]
only_looks = Depends(_changes_nothing)  # of a POST that asks: it leaves no line in the audit log
tells_a_secret = Depends(_tells_a_secret)  # its answer is not kept, so no table has the secret
