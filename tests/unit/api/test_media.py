"""Files that emails show: by signed addresses only, and never as a page."""

import httpx
import pytest

from dripline.api import media
from dripline.api.app import create_app
from dripline.content.media_links import MediaLinks
from dripline.content.rendered import Media
from dripline.errors import NotFound

LINKS = MediaLinks("https://x.example", b"key")
CAT, GONE = Media("a" * 64, "photo", "кот 1.png"), Media("b" * 64, "document", "x.html")


class Files:
    """Stands for the content's files: one is there."""

    async def read(self, sha256: str) -> bytes:
        if sha256 != CAT.sha256:
            raise NotFound("There is no such file.")
        return b"\x89PNG"


def client() -> httpx.AsyncClient:
    app = create_app({}, [media.router(LINKS, Files())])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="https://x.example")


async def test_a_file_is_served_and_kept() -> None:
    async with client() as http:
        answer = await http.get(LINKS(CAT))
        assert answer.content == b"\x89PNG"
        assert answer.headers["content-type"] == "image/png"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = await http.get(LINKS(CAT), headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        head = await http.head(LINKS(CAT))
        assert (head.status_code, head.content) == (200, b"")


async def test_a_page_is_only_saved() -> None:
    async with client() as http:
        answer = await http.get(LINKS(CAT).rpartition("/")[0] + "/x.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"


@pytest.mark.parametrize(
    "path",
    [
        "/media/" + "a" * 80 + "/x.png",
        "/media/" + "a" * 64 + "/x.png",
        "/media/x/x.png",
        "/media/%00/x.png",
        LINKS(GONE).removeprefix("https://x.example"),
        MediaLinks("", b"other key")(CAT),
    ],
)
async def test_others_are_not_there(path: str) -> None:
    async with client() as http:
        assert (await http.get(path)).status_code == 404
