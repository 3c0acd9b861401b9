"""Is it there, is it well: for people, for orchestrators, for Prometheus."""

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from dripline import __version__, metrics
from dripline.api.ports import Check
from dripline.errors import DriplineError

CHECK_SECONDS = 3.0


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
        answers = await asyncio.gather(*(_answer(check) for check in checks.values()))
        wrong = any(answers)
        results = {name: answer or "ok" for name, answer in zip(checks, answers, strict=True)}
        content = {"status": "not ready" if wrong else "ready", "checks": results}
        return JSONResponse(content, status_code=503 if wrong else 200)

    @routes.get("/metrics", summary="Metrics, in Prometheus' text format")
    async def prometheus() -> Response:
        return Response(metrics.exposition(), headers={"content-type": metrics.CONTENT_TYPE})

    return routes


async def _answer(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except DriplineError as error:
        return error.message
    except (OSError, SQLAlchemyError) as error:
        return f"cannot be reached ({type(error).__name__})"
