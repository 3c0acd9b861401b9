"""Markdown to the HTML of emails, which has headings, lists and images."""

from collections.abc import Sequence
from typing import Final

from markdown_it.token import Token

from dripline.content.markdown import inline
from dripline.content.telegram_html import escape

_CLOSED: Final = {
    "paragraph": "p", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li",
    "blockquote": "blockquote",
}  # fmt: skip


def blocks(tokens: Sequence[Token]) -> str:
    """Return the HTML of a document's tokens."""
    return "".join(map(_block, tokens)).strip("\n")


def _block(token: Token) -> str:
    match token.type:
        case "inline":
            return inline(token.children or [], images=True)
        case "fence" | "code_block":
            return f"<pre>{escape(token.content.rstrip())}</pre>"
        case "html_block":
            return token.content.rstrip("\n") + "\n\n"
        case "hr":
            return "<hr>"
    name, _, end = token.type.rpartition("_")
    tag = token.tag if name == "heading" else _CLOSED.get(name, "")
    if not tag or token.hidden:
        return ""
    tag = "h3" if tag in {"h4", "h5", "h6"} else tag
    return f"<{tag}>" if end == "open" else f"</{tag}>"
