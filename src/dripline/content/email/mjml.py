"""What is wrong with a layout's MJML, and where: mrml says little, and accepts unknown tags."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from dripline.content import limits
from dripline.content.markdown import LIQUID

_PIECE: Final = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>"
    r"|<(/?)([a-zA-Z][\w:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>|<(?=[a-zA-Z/])",
    re.DOTALL,
)
_NAMES: Final = frozenset({
    "mjml", "mj-head", "mj-body", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint",
    "mj-font", "mj-html-attributes", "mj-selector", "mj-html-attribute", "mj-preview", "mj-style",
    "mj-title", "mj-accordion", "mj-accordion-element", "mj-accordion-title", "mj-accordion-text",
    "mj-button", "mj-carousel", "mj-carousel-image", "mj-column", "mj-divider", "mj-group",
    "mj-hero", "mj-image", "mj-navbar", "mj-navbar-link", "mj-raw", "mj-section", "mj-social",
    "mj-social-element", "mj-spacer", "mj-table", "mj-text", "mj-wrapper",
})  # fmt: skip
_VOIDS: Final = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
})  # fmt: skip
_OPTIONAL: Final = frozenset({"p", "li", "td", "tr", "th", "dd", "dt"})  # HTML closes them itself

Found = tuple[int, str]  # where, and what


def problems(source: str) -> Iterator[Found]:
    """Return what is wrong with the tags of a layout, in order of discovery."""
    text = LIQUID.sub(lambda mark: re.sub(r"[^\n]", " ", mark[0]), source)
    opened: list[tuple[str, int]] = []
    for piece in _PIECE.finditer(text):
        name = piece[2]
        if name is None:
            if not piece[0].startswith("<!"):
                yield piece.start(), "This tag never ends; write > or close its quotes."
            continue
        yield from _unknown(name, piece.start())
        if piece[1]:
            yield from _close(name, piece.start(), opened)
        elif name.lower() not in _VOIDS and not piece[3].rstrip().endswith("/"):
            opened.append((name, piece.start()))
            if len(opened) > limits.LAYOUT_DEPTH:
                yield piece.start(), f"Tags nest at most {limits.LAYOUT_DEPTH} deep."
                return
    yield from ((at, f"<{name}> is never closed; add </{name}>.") for name, at in opened)
    for needed in ("mjml", "mj-body"):
        if not re.search(rf"<{needed}[\s>]", text):
            yield 0, f"A layout has <{needed}>."


def _unknown(name: str, at: int) -> Iterator[Found]:
    if name == "mj-include":
        yield at, "A layout includes no other files; write everything in one."
    elif name.startswith("mj") and name not in _NAMES:
        near = get_close_matches(name, _NAMES, 1)
        hint = f"; did you mean <{near[0]}>?" if near else "."
        yield at, f"MJML has no <{name}>{hint}"


def _close(name: str, at: int, opened: list[tuple[str, int]]) -> Iterator[Found]:
    while opened and opened[-1][0] in _OPTIONAL and opened[-1][0] != name:
        opened.pop()
    if opened and opened[-1][0] == name:
        opened.pop()
    elif any(one == name for one, _ in opened):
        inner, since = opened.pop()
        yield since, f"<{inner}> is not closed before </{name}>; add </{inner}>."
        while opened and opened.pop()[0] != name:
            pass
    else:
        yield at, f"</{name}> closes a <{name}>, but none is open."
