"""An email out of a message that is no content: what the engine itself says."""

from dataclasses import replace
from functools import cache

from dripline.content.email.form import ContactEmail, EmailForms, default_subject
from dripline.content.email.layout import DEFAULT_LAYOUT, Layouts
from dripline.content.liquid import Shape
from dripline.content.rendered import Rendered


def as_letter(
    message: Rendered,
    language: str = "",
    *,
    subject: str | None = None,
    layouts: Layouts | None = None,
    layout: str = DEFAULT_LAYOUT,
    user_name: str = "",
) -> Rendered:
    """Return a message with its email form; the first line is its subject if none is given."""
    forms = _plain_forms() if layouts is None else EmailForms(layouts, layout)
    email = ContactEmail(
        forms,
        subject or message.subject or default_subject(message.text.lstrip(), ()),
        "",
        Shape(message.text.strip(), ()),
        tuple(button for row in message.keyboard for button in row),
        message.media,
        language,
        user_name,
    )
    return replace(message, subject=email.subject, email=email)


@cache
def _plain_forms() -> EmailForms:
    return EmailForms(Layouts({}, {}))
