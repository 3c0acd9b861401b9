"""The plain text of an email, made from its HTML: for mail programs without, and for filters."""

import re
from html import unescape
from typing import Final

from dripline.content.slots import slot

_LINK: Final = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_QUOTE: Final = re.compile(r"<blockquote>((?:(?!<blockquote>).)*?)</blockquote>", re.DOTALL)
_PRE: Final = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)
_ORDERED: Final = re.compile(r"<ol>((?:(?!<ol>).)*?)</ol>", re.DOTALL)
_IMAGE: Final = re.compile(r'<img\b[^>]*?alt="([^"]*)"[^>]*>')
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_SPACES: Final = re.compile(r"[ \t]+\n")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_HIDDEN: Final = re.compile(r'<div style="display:none;.*?</div>', re.DOTALL)
_HEAD: Final = re.compile(r"<head\b.*?</head>", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([-.+#*_\\`\[\]()])")
_SQUARE: Final = re.compile(r"\[([^\[\]]*)\]\(([^()\s]*)\)")


def of_body(html: str, bare: frozenset[str] = frozenset()) -> str:
    """Return the text of a body: what stands in its paragraphs, lists, quotes and links.

    `bare` are the addresses whose words are the address itself.
    """
    text = _PRE.sub(lambda match: f"<p>{match[1]}</p>", html)
    text = _LINK.sub(
        lambda found: found[1] if found[1] in bare else _with_url(found[2], found[1]), text
    )
    text = _ORDERED.sub(_numbered, text)
    text = _IMAGE.sub(lambda match: f"[{match[1]}]" if match[1] else "", text)
    while _QUOTE.search(text):
        text = _QUOTE.sub(_quote, text)
    return _settled(unescape(_tagless(text)))


def of_layout(html: str) -> str:
    """Return the text of a layout, with a slot for the body's."""
    from html2text import HTML2Text  # here, so that who sends no emails does not hold it

    reader = HTML2Text(bodywidth=0)
    reader.ignore_images = reader.ignore_tables = reader.ignore_emphasis = True
    reader.unicode_snob = True
    text = reader.handle(_HIDDEN.sub("", _HEAD.sub("", html)))
    text = _SQUARE.sub(lambda found: _with_url(found[1], found[2]), _ESCAPED.sub(r"\1", text))
    return _settled(text.replace(slot("body"), f"\n\n{slot('body')}\n\n"))


def _tagless(text: str) -> str:
    text = text.replace("<br>", "\n").replace("<hr>", "\n\n———\n\n")
    text = text.replace("<li>", "\n• ").replace("<p>", "\n\n").replace("</ul>", "\n\n")
    text = re.sub(r"</(p|pre|h\d)>|<h\d>", "\n\n", text)
    return _TAG.sub("", text)


def _with_url(words: str, url: str) -> str:
    words = words.strip()
    return url if not words or words == url else f"{words} ({url})"


def _numbered(match: re.Match[str]) -> str:
    numbers = iter(range(1, 1_000_000))
    items = re.sub("<li>", lambda _: f"\n{next(numbers)}. ", match[1])
    return f"\n\n{items}\n\n"


def _quote(match: re.Match[str]) -> str:
    lines = _settled(_tagless(match[1])).split("\n")
    return "\n\n" + "\n".join(f"&gt; {line}".rstrip() for line in lines) + "\n\n"


def _settled(text: str) -> str:
    text = _SPACES.sub("\n", text.replace("\u00a0", " "))
    return _EMPTY_LINES.sub("\n\n", text).strip()
