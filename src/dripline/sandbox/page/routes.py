"""The page's own addresses: the page, its files, pictures people sent, the live feed."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from dripline.sandbox.sandbox import sandbox_of

_HERE = Path(__file__).parent
# Only these are shown in the page; anything else is downloaded, so that no file becomes a script.
_SHOWN = frozenset(
    (
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"),
        *("video/mp4", "video/webm", "video/quicktime"),
        *("audio/mpeg", "audio/ogg", "audio/mp4", "audio/x-wav", "audio/wav", "audio/aac"),
    )
)


async def page(request: Request) -> Response:
    """The page itself."""
    if not request.url.path.endswith("/"):  # the page's links are relative to its folder
        return RedirectResponse(request.url.path + "/")
    return FileResponse(_HERE / "templates" / "index.html", media_type="text/html")


async def events(request: Request) -> Response:
    """The live feed."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = sandbox_of(request).feed.read()
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def file(request: Request) -> Response:
    """A file that was sent."""
    found = sandbox_of(request).telegram.files.by_unique_id(request.path_params["unique_id"])
    if found is None:
        return Response("Not found", 404, media_type="text/plain")
    shown = found.mime in _SHOWN
    mime = found.mime if shown else "application/octet-stream"
    headers = {"Cache-Control": "max-age=86400, immutable"}
    if not shown:
        headers["Content-Disposition"] = "attachment"
    return Response(found.body, media_type=mime, headers=headers)


ROUTES: list[BaseRoute] = [
    Route("/", page),
    Route("/events", events),
    Route("/files/{unique_id}/{name:path}", file),
    Mount("/static", StaticFiles(directory=_HERE / "static")),
]
