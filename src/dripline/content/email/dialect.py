"""The HTML that an email's own template may be written in: Telegram's, and what a page has beside.

It is made safe as Telegram's is, once, at compile time; no style, script or event gets through.
"""

from typing import ClassVar, Final

from dripline.content.email.markdown import blocks
from dripline.content.links import safe_link
from dripline.content.liquid import Dialect
from dripline.content.markup import Markup
from dripline.content.telegram_html import TAGS, escape

VOIDS: Final = frozenset({"br", "hr", "img"})
BLOCKS: Final = frozenset({"p", "h1", "h2", "h3", "ul", "ol", "li", "blockquote", "pre", "hr"})
_HINTS: Final = {
    "div": "leave an empty line between paragraphs instead",
    "table": "a table belongs into a layout",
    "style": "styles belong into a layout",
    "script": "no mail program runs scripts",
    "font": "styles belong into a layout",
}
IMAGE_SCHEMES: Final = frozenset({"https", "http"})


class EmailMarkup(Markup):
    """What is open at one place of an email's own template."""

    __slots__ = ()
    tags: ClassVar[frozenset[str]] = TAGS | BLOCKS | VOIDS
    voids: ClassVar[frozenset[str]] = VOIDS

    def _unknown(self, name: str, offset: int) -> None:
        hint = _HINTS.get(name, "write &lt; if you mean the sign itself")
        self.report(offset, "error", "unknown-tag", f"An email's text has no <{name}>: {hint}.")

    def _opening(self, name: str, given: dict[str, str], offset: int) -> str:
        if name == "img":
            return self._image(given, offset)
        if name in BLOCKS - TAGS:
            return f"<{name}>"
        return super()._opening(name, given, offset)

    def _image(self, given: dict[str, str], offset: int) -> str:
        link = given.get("src", "").replace("&amp;", "&")
        source = safe_link(link, IMAGE_SCHEMES) if ":" in link else None
        if source is None:
            self.report(
                offset,
                "error",
                "link",
                "An image's src is a whole address, https://…; "
                "files of the folder are named under photos instead.",
            )
            return ""
        alt = escape(given.get("alt", "").replace("&amp;", "&").replace("&quot;", '"'))
        return f'<img src="{escape(source)}" alt="{alt}">'


EMAIL: Final = Dialect(EmailMarkup, blocks)
