"""`/media/TOKEN/NAME`: files that emails show, for whoever has the address."""

from mimetypes import guess_type
from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Header, Response

from dripline.content.media_links import PATH, MediaLinks
from dripline.errors import NotFound

_YEAR_S: Final = 365 * 24 * 3600
# Shown by a browser itself; all else, above all html and svg, is only ever saved.
_SHOWN: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "video/mp4",
     "audio/mpeg", "audio/ogg"}
)  # fmt: skip


class ReadMedia(Protocol):
    """Reads files of the content."""

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes. Raises NotFound."""
        ...


def router(links: MediaLinks, files: ReadMedia) -> APIRouter:
    """Return the route of files; they never change, so they may be kept for ever."""
    routes = APIRouter(tags=["media"])

    path = PATH + "/{token}/{name}"

    @routes.head(path, include_in_schema=False)
    @routes.get(path, summary="A file that an email shows", response_class=Response)
    async def media(
        token: str, name: str, if_none_match: Annotated[str | None, Header()] = None
    ) -> Response:
        sha256 = links.sha256_of(token)
        if sha256 is None:
            raise NotFound("There is no such file.")
        headers = {
            "etag": f'"{sha256[:32]}"',
            "cache-control": f"public, max-age={_YEAR_S}, immutable",
            "cross-origin-resource-policy": "cross-origin",
        }
        if if_none_match and headers["etag"] in if_none_match:
            return Response(status_code=304, headers=headers)
        body = await files.read(sha256)
        kind = guess_type(name)[0]
        if kind not in _SHOWN:
            kind = "application/octet-stream"
            headers["content-disposition"] = "attachment"
        return Response(body, media_type=kind, headers=headers)

    return routes
