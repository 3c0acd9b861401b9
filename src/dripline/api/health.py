"""Is it there, is it well: for people, for orchestrators, for Prometheus."""

from collections.abc import Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from dripline import __version__, metrics
from dripline.api.ports import Check
from dripline.api.readiness import readiness


def router(checks: Mapping[str, Check]) -> APIRouter:
    """Return the routes of health; `checks` by name decide what ready means."""
    routes = APIRouter(tags=["health"])

    @routes.get("/", summary="Health, in short")
    async def root() -> dict[str, str]:
        return {"name": "dripline", "version": __version__, "status": "ok"}

    @routes.get("/healthz", summary="The process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz", summary="Everything it needs is in order; 503 with the reasons if not")
    async def readyz() -> JSONResponse:
        status, content = await readiness(checks)
        return JSONResponse(content, status_code=status)

    @routes.get("/metrics", summary="Metrics, in Prometheus' text format")
    async def prometheus() -> Response:
        return Response(metrics.exposition(), headers={"content-type": metrics.CONTENT_TYPE})

    return routes
