"""The web application, put together from its routers."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter, FastAPI

from dripline import __version__
from dripline.api import errors, health, reference
from dripline.api.backend import Backend
from dripline.api.described import describe
from dripline.api.edge import Edge
from dripline.api.ports import Check

MAX_BODY = 1024 * 1024  # Telegram's updates and our own requests are a few kilobytes


def create_app(
    checks: Mapping[str, Check],
    routers: Iterable[APIRouter] = (),
    *,
    backend: Backend | None = None,
    max_body: int = MAX_BODY,
) -> FastAPI:
    """Return the application; `max_body` is in bytes.

    `routers` with guarded routes need `backend`. The description is at `/openapi.json`, as a page
    of our own at `/docs`: that of FastAPI would load its files from elsewhere.
    """
    app = FastAPI(
        title="dripline",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.backend = backend
    errors.install(app)
    app.add_middleware(Edge, max_body=max_body)
    app.state.routers = [health.router(checks), reference.router(), *routers]
    for router in app.state.routers:
        app.include_router(router)
    describe(app)
    return app
