"""Put a text into its layout: styles inlined, both parts cut at their slots and encoded, once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dripline.content.email import plain
from dripline.content.email.body import Body, Link, to_body
from dripline.content.email.layout import Layout
from dripline.content.rendered import Media
from dripline.content.slots import SLOT, Pieces, slot
from dripline.content.telegram_html import escape
from dripline.texts import gettext as _
from dripline.texts import marked

_PARAGRAPH: Final = re.compile(r"<p></p>")
_KINDS: Final = {
    "photo": marked("Picture"),
    "video": marked("Video"),
    "animation": marked("Video"),
    "voice": marked("Voice message"),
}
_FILE_SIGNS: Final = {"video": "▶", "animation": "▶", "voice": "♪", "audio": "♪"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """An email for which only values are missing.

    `links` are those of the text; `l0` stands for the first one. `uneven` are the links whose
    address has values in it, so that each one must be looked at.
    """

    html: Pieces
    plain: Pieces
    links: tuple[Link, ...]
    uneven: tuple[int, ...]
    defaults: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an email is prepared for: contacts who share all this share the work.

    Files go by links, or along with the email; pages are those of wishes and of the way out.
    """

    text: str
    buttons: int = 0
    media: tuple[Media, ...] = ()
    has_links_to_files: bool = False
    has_pages: bool = True
    refused: frozenset[int] = frozenset()


def prepare(layout: Layout, wanted: Wanted, language: str = "") -> Prepared:
    """Return the email of a text in a layout; `language` is that of the reader."""
    body = to_body(wanted.text, tuple(wanted.refused))
    bare = frozenset(
        slot(f"l{number}") for number, link in enumerate(body.links) if link.label == link.url
    )
    files, buttons = _files(wanted), _buttons(wanted.buttons)
    html = "".join([*_photos(wanted.media), _PARAGRAPH.sub("", body.html), *files, *buttons])
    text = plain.of_body(_PARAGRAPH.sub("", body.html), bare)
    lines = [text, *_plain_files(wanted, language), *_plain_buttons(wanted.buttons)]
    whole = layout.html.replace(slot("body"), html)
    return Prepared(
        Pieces.of(_inlined(whole, layout.css)),
        Pieces.of(layout.plain.replace(slot("body"), "\n\n".join(filter(None, lines)))),
        body.links,
        _uneven(body),
        tuple(layout.defaults.items()),
    )


def _uneven(body: Body) -> tuple[int, ...]:
    return tuple(number for number, link in enumerate(body.links) if SLOT.search(link.url))


def _inlined(html: str, css: str) -> str:
    """Return a page with these styles in its tags; those of its head stay, for dark mode."""
    if not css.strip():
        return html
    from css_inline import CSSInliner  # here, so that who sends no emails does not hold it

    inliner = CSSInliner(
        inline_style_tags=False,
        keep_style_tags=True,
        load_remote_stylesheets=False,
        extra_css=css,
    )
    return str(inliner.inline(html))


def _photos(media: Sequence[Media]) -> list[str]:
    return [
        f'<p class="photo"><img src="{slot(f"m{number}")}" alt="" width="536"></p>'
        for number, one in enumerate(media)
        if one.kind == "photo"
    ]


def _files(wanted: Wanted) -> list[str]:
    if not wanted.has_links_to_files:
        return []
    return [
        f'<p class="file"><a href="{slot(f"m{number}")}" target="_blank">'
        f"{_FILE_SIGNS.get(one.kind, '↓')} {escape(one.filename)}</a></p>"
        for number, one in enumerate(wanted.media)
        if one.kind != "photo"
    ]


def _plain_files(wanted: Wanted, language: str) -> list[str]:
    """Return a line for each file: a picture is called so, for its name is the operator's own."""
    if not wanted.has_links_to_files:
        return []
    kinds = [one.kind for one in wanted.media]
    lines = []
    for number, one in enumerate(wanted.media):
        words = _(_KINDS[one.kind], language) if one.kind in _KINDS else one.filename
        if one.kind in _KINDS and kinds.count(one.kind) > 1:
            words = f"{words} {kinds[: number + 1].count(one.kind)}"
        lines.append(f"{words}: {slot(f'm{number}')}")
    return lines


def _buttons(count: int) -> list[str]:
    """Return buttons that hold in any mail program: a table's cell, and a link that fills it."""
    return [
        '<table role="presentation" border="0" cellpadding="0" cellspacing="0" '
        f'class="{"button" if number == 0 else "button more"}"><tr><td align="center">'
        f'<a href="{slot(f"b{number}")}" target="_blank">{slot(f"t{number}")}</a>'
        "</td></tr></table>"
        for number in range(count)
    ]


def _plain_buttons(count: int) -> list[str]:
    return [f"{slot(f't{number}')}:\n{slot(f'b{number}')}" for number in range(count)]
