"""Make a template's own text safe for Telegram, whichever way its Liquid branches.

The text between Liquid's marks is read once, at compile time, by a small state machine: which tags
are open, and whether we stand inside a link's address. Every branch of a condition and every turn
of a loop must end as it began; then every render is valid HTML. What is no tag is escaped.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from dripline.content import limits
from dripline.content.links import safe_link
from dripline.content.telegram_html import PLAIN_TAGS, TAGS, escape

Report = Callable[[int, str, str, str], None]  # offset, severity, code, message

_TAG: Final = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s[^<>\"']*|[^<>\"'\w-]|\"[^\"<>]*\"|'[^'<>]*')*)>"
)
_OPEN_LINK: Final = re.compile(r"<[aA]\s+(?:href|HREF)\s*=\s*([\"'])([^\"'<>]*)\Z")
_ATTRIBUTE: Final = re.compile(r"([a-zA-Z-]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
_ENTITY: Final = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_NAMED: Final = {"lt": "&lt;", "gt": "&gt;", "amp": "&amp;", "quot": "&quot;"}
# Telegram knows four names; these are what people paste out of web pages.
_OTHER_NAMES: Final = {
    "nbsp": "\u00a0", "mdash": "—", "ndash": "–", "laquo": "«", "raquo": "»", "hellip": "…",
    "apos": "'", "copy": "©", "bull": "•", "rarr": "→", "larr": "←", "euro": "€",
}  # fmt: skip
_HINTS: Final = {
    "br": "write a line break instead",
    "p": "leave an empty line between paragraphs instead",
    "div": "leave an empty line instead",
    "h1": "use <b> instead",
    "h2": "use <b> instead",
    "h3": "use <b> instead",
    "ul": "begin each line with • instead",
    "ol": "number the lines instead",
    "li": "begin the line with • instead",
    "img": "name the file under photos instead",
    "hr": "write ——— instead",
    "font": "Telegram has no colours",
}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


@dataclass(slots=True)
class Markup:
    """What is open at one place of a template."""

    tags: ClassVar[frozenset[str]] = TAGS
    voids: ClassVar[frozenset[str]] = frozenset()  # tags that are never closed

    report: Report
    stack: list[tuple[str, int]] = field(default_factory=list)
    quote: str = ""  # the quote that ends the address we stand in; empty in text
    linked_at: int = -1
    address: str = ""  # of the link we stand in, up to here; a value stands as U+FFFC
    has_open_links: bool = False  # an address is only known when values are

    def state(self) -> tuple[tuple[str, ...], str]:
        """Return what a branch must leave as it found it."""
        return tuple(name for name, _ in self.stack), self.quote

    def text(self, text: str, offset: int) -> str:
        """Take the text at `offset` of the source; return it as it goes to Telegram."""
        for match in _CONTROL.finditer(text):
            self.report(
                offset + match.start(),
                "error",
                "control-character",
                f"U+{ord(match[0]):04X} cannot be sent; delete this invisible character.",
            )
        out: list[str] = []
        at = self._finish_address(text, offset, out) if self.quote else 0
        while at < len(text):
            step = self._step(text, at, offset, out)
            at += step
        return "".join(out)

    def value(self) -> None:
        """A value of unknown text stands here."""
        if self.quote:
            self.address += "\ufffc"
            self.has_open_links = True

    def end(self, offset: int) -> None:
        """The template ends: nothing may be open."""
        if self.quote:
            self.report(
                self.linked_at, "error", "unbalanced-html", "This <a href=… has no closing quote."
            )
        for name, at in self.stack:
            self.report(at, "error", "unbalanced-html", f"<{name}> is never closed; add </{name}>.")

    def _step(self, text: str, at: int, offset: int, out: list[str]) -> int:
        character = text[at]
        if character == "<":
            return self._tag(text, at, offset, out)
        if character == "&":
            return self._entity(text, at, offset, out)
        if character == ">":
            out.append("&gt;")
            return 1
        following = [place for mark in "<&>" if (place := text.find(mark, at)) >= 0]
        end = min(following, default=len(text))
        out.append(text[at:end])
        return end - at

    def _entity(self, text: str, at: int, offset: int, out: list[str]) -> int:
        match = _ENTITY.match(text, at)
        if match is None:
            self.report(
                offset + at,
                "warning",
                "stray-ampersand",
                "This & begins no entity and is shown as it is; write &amp; to be exact.",
            )
            out.append("&amp;")
            return 1
        name = match[1]
        if name.startswith("#"):
            out.append(match[0])
        elif name in _NAMED:
            out.append(_NAMED[name])
        elif name in _OTHER_NAMES:
            out.append(_OTHER_NAMES[name])
        else:
            self.report(
                offset + at,
                "warning",
                "unknown-entity",
                f"Telegram does not know &{name};; write the character itself.",
            )
            out.append(escape(match[0]))
        return len(match[0])

    def _tag(self, text: str, at: int, offset: int, out: list[str]) -> int:
        match = _TAG.match(text, at)
        if match is not None:
            name = match[2].lower()
            if name not in self.tags:
                self._unknown(name, offset + at)
                out.append(escape(match[0]))
            elif match[1]:
                self._close(name, offset + at, out)
            else:
                self._open(name, match[3], offset + at, out)
            return len(match[0])
        link = _OPEN_LINK.match(text, at)
        if link is not None:
            self.quote, self.linked_at, self.address = link[1], offset + at, link[2]
            self._not_twice("a", offset + at)
            self.stack.append(("a", offset + at))
            out.append(f'<a href="{_address(link[2])}')
            return len(link[0])
        self.report(
            offset + at,
            "warning",
            "stray-less-than",
            "This < begins no tag and is shown as it is; write &lt; to be exact.",
        )
        out.append("&lt;")
        return 1

    def _unknown(self, name: str, offset: int) -> None:
        hint = _HINTS.get(name, "write &lt; if you mean the sign itself")
        self.report(offset, "error", "unknown-tag", f"Telegram has no <{name}>: {hint}.")

    def _close(self, name: str, offset: int, out: list[str]) -> None:
        if name in self.voids:
            return  # a habit from XHTML: it closes what was never open
        if not self.stack or self.stack[-1][0] != name:
            inner = self.stack[-1][0] if self.stack else None
            hint = f"; close <{inner}> first" if inner else ", but none is open"
            self.report(offset, "error", "unbalanced-html", f"</{name}> closes a <{name}>{hint}.")
            return
        self.stack.pop()
        out.append(f"</{name}>")

    def _open(self, name: str, attributes: str, offset: int, out: list[str]) -> None:
        given = {
            match[1].lower(): (match[2] or "").strip("\"'")
            for match in _ATTRIBUTE.finditer(attributes)
        }
        self._not_twice(name, offset)
        if len(self.stack) == limits.TAG_DEPTH:
            self.report(
                offset,
                "error",
                "nested-tag",
                f"Tags stand inside each other at most {limits.TAG_DEPTH} deep.",
            )
        if name not in self.voids:
            self.stack.append((name, offset))
        out.append(self._opening(name, given, offset))

    def _not_twice(self, name: str, offset: int) -> None:
        if name in {"a", "blockquote"} and any(open_ == name for open_, _ in self.stack):
            self.report(
                offset, "error", "nested-tag", f"A <{name}> cannot stand inside another <{name}>."
            )

    def _opening(self, name: str, given: dict[str, str], offset: int) -> str:
        match name:
            case "a":
                return self._link(given.get("href", ""), offset)
            case "span" if given.get("class") != "tg-spoiler":
                self.report(
                    offset, "error", "unknown-tag", 'Telegram only has <span class="tg-spoiler">.'
                )
            case "span":
                return '<span class="tg-spoiler">'
            case "code" if given.get("class", "").startswith("language-"):
                return f'<code class="{escape(given["class"])}">'
            case "blockquote" if "expandable" in given:
                return "<blockquote expandable>"
            case "tg-emoji":
                if not given.get("emoji-id", "").isdigit():
                    self.report(
                        offset, "error", "unknown-tag", "<tg-emoji> needs a numeric emoji-id."
                    )
                return f'<tg-emoji emoji-id="{escape(given.get("emoji-id", ""))}">'
        if name in PLAIN_TAGS and given:
            self.report(offset, "warning", "attribute", f"<{name}> has no attributes in Telegram.")
        return f"<{name}>"

    def _link(self, href: str, offset: int) -> str:
        link = safe_link(_address_text(href))
        if link is None:
            self._bad_link(href, offset)
            return '<a href="">'
        return f'<a href="{escape(link)}">'

    def _bad_link(self, href: str, offset: int) -> None:
        self.report(
            offset,
            "error",
            "link",
            f"{href or 'An empty address'} is no link that may be sent: "
            "use https://…, http://…, tg://…, mailto:… or tel:….",
        )

    def _finish_address(self, text: str, offset: int, out: list[str]) -> int:
        end = text.find(self.quote)
        if end < 0:
            self.address += text
            out.append(_address(text))
            return len(text)
        self.address += text[:end]
        out.append(_address(text[:end]))
        rest = re.match(r"\s*>", text[end + 1 :])
        if rest is None:
            self.report(
                offset + end, "error", "unbalanced-html", "Write > after the link's address."
            )
        elif "\ufffc" not in self.address and safe_link(_address_text(self.address)) is None:
            self._bad_link(self.address, self.linked_at)
        out.append('">')
        self.quote = ""
        return end + 1 + (rest.end() if rest else 0)


def _address(text: str) -> str:
    return escape(_address_text(text))


def _address_text(text: str) -> str:
    return text.replace("&amp;", "&").replace("&quot;", '"')
