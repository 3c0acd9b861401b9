"""A letter without a layout: readable everywhere, with one button."""

from dataclasses import dataclass
from html import escape
from typing import Final

from dripline.content.rendered import EmailParts, EmailUrls
from dripline.deliveries.verification import Letter

_STYLE: Final = (
    "font-family:-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;font-size:16px;"
    "line-height:1.5"
)
_BUTTON: Final = (
    "display:inline-block;padding:12px 24px;border-radius:8px;background:#2563eb;color:#ffffff;"
    "text-decoration:none;font-weight:600"
)


@dataclass(frozen=True, slots=True)
class PlainLetter:
    """A letter as an email."""

    letter: Letter

    @property
    def subject(self) -> str:
        """What the email is called."""
        return self.letter.subject

    def assemble(self, urls: EmailUrls) -> EmailParts:
        """Return the email; its one link is not tracked."""
        letter = self.letter
        texts = "".join(f"<p>{escape(one)}</p>" for one in letter.paragraphs)
        link = f'<a href="{escape(letter.url)}" style="{_BUTTON}">{escape(letter.button)}</a>'
        html = (
            f'<!doctype html><html lang="{escape(letter.language)}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
            f'content="light dark"><title>{escape(letter.subject)}</title></head>'
            f'<body style="{_STYLE}"><div style="max-width:560px;margin:0 auto;padding:24px">'
            f"{texts}<p>{link}</p></div></body></html>"
        )
        first, *rest = letter.paragraphs
        plain = "\n\n".join([first, *rest[:1], f"{letter.button}:\n{letter.url}", *rest[1:]])
        return EmailParts(letter.subject, html, plain + "\n")
