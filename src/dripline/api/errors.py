"""The one shape of errors: `{"error": {"code": …, "message": …, "details": {…}}}`."""

import math
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from dripline.database.failures import will_pass
from dripline.errors import Conflict, DriplineError, Forbidden, Invalid, NotFound, TooMany

log = structlog.get_logger()

STATUS: dict[type[DriplineError], int] = {
    NotFound: 404,
    TooMany: 429,  # before Conflict, of which it is one
    Conflict: 409,
    Invalid: 422,
    Forbidden: 403,
}
_NOTHING = "There is nothing at this address."
_NOWHERE = "Not Found"  # the router's words for a path that no route has
_HTTP_CODES = {
    401: "UNAUTHORIZED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "TOO_LARGE",
    429: "TOO_MANY",
}


def install(app: FastAPI) -> None:
    """Let every error leave the app in the one shape."""
    app.exception_handler(DriplineError)(_refused)
    app.exception_handler(RequestValidationError)(_malformed)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(SQLAlchemyError)(_unavailable)
    app.exception_handler(OSError)(_unavailable)  # a driver's own: connection refused, no route


def error_response(
    status: int, code: str, message: str, details: Any = None, headers: Any = None
) -> JSONResponse:
    """Return an error in the one shape."""
    content = {"error": {"code": code, "message": message, "details": details or {}}}
    return JSONResponse(content, status_code=status, headers=headers)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DriplineError)  # noqa: S101 - what it is registered for
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    headers = {"Retry-After": str(math.ceil(error.after))} if isinstance(error, TooMany) else None
    details = jsonable_encoder(error.details)
    return error_response(status, error.code, error.message, details, headers)


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    problems = [
        {"where": ".".join(str(part) for part in problem["loc"]), "problem": problem["msg"]}
        for problem in error.errors()
    ]
    return error_response(422, "INVALID", "The request is not as described.", {"fields": problems})


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    if error.status_code == 405:
        return _wrong_method(request)
    if error.status_code == 404 and error.detail == _NOWHERE:
        return error_response(404, _HTTP_CODES[404], _NOTHING)
    return http_error(error)


def _wrong_method(request: Request) -> JSONResponse:
    # The router names the methods of the first route with this path, not those of all.
    allowed = {
        method
        for router in request.app.state.routers
        for route in router.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    takes = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
    message = f"There is no {request.method} here; it takes {takes}."
    return error_response(405, _HTTP_CODES[405], message, headers={"Allow": takes})


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    # 503 asks whoever called to come again: Telegram does, so that this is logged often.
    traced = None if will_pass(error) else error
    reason = repr(error)[:300]
    log.error("http.database_failed", path=request.url.path, error=reason, exc_info=traced)
    return error_response(503, "UNAVAILABLE", "The database did not answer; try again soon.")


def http_error(error: HTTPException) -> JSONResponse:
    """Return an error of HTTP itself in the one shape."""
    code = _HTTP_CODES.get(error.status_code, "ERROR")
    return error_response(error.status_code, code, error.detail, headers=error.headers)


def unexpected() -> JSONResponse:
    """Return the answer to what we did not foresee: the caller learns nothing of our insides."""
    return error_response(500, "INTERNAL", "Something went wrong here; the log tells what.")
