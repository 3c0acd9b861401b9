"""The page's own addresses: the page, its files, pictures people sent, the live feed."""

from __future__ import annotations

from mimetypes import guess_type
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from dripline.sandbox.page.ranges import part_of
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
# Pictures may come from anywhere, as in a mail program; nothing else does, and nothing runs.
_MAIL_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self';"
        " sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
}


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
    return part_of(found.body, request.headers.get("range", ""), mime, headers)


async def mail(request: Request) -> Response:
    """An email, for a frame of the page: it runs nothing, and its links open elsewhere."""
    found = sandbox_of(request).telegram.post.find(int(request.path_params["mail"]))
    if found is None:
        return Response("Not found", 404, media_type="text/plain")
    html = found.html
    for content_id in found.files:
        html = html.replace(f"cid:{content_id}", f"{found.id}/{content_id}")
    return Response(html, media_type="text/html", headers=_MAIL_HEADERS)


async def mail_file(request: Request) -> Response:
    """A picture that came along with an email."""
    found = sandbox_of(request).telegram.post.find(int(request.path_params["mail"]))
    name, body = (found.files if found else {}).get(request.path_params["file"], ("", b""))
    kind = guess_type(name)[0] or ""
    if kind not in _SHOWN:
        return Response("Not found", 404, media_type="text/plain")
    return Response(body, media_type=kind)


ROUTES: list[BaseRoute] = [
    Route("/", page),
    Route("/events", events),
    Route("/files/{unique_id}/{name:path}", file),
    Route("/mail/{mail:int}", mail),
    Route("/mail/{mail:int}/{file}", mail_file),
    Mount("/static", StaticFiles(directory=_HERE / "static")),
]
