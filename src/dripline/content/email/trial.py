"""An email that shows whether emails arrive, and what a layout makes of a text."""

from typing import Final

from dripline.content.email.layout import Layouts
from dripline.content.email.letter import as_letter
from dripline.content.rendered import Rendered
from dripline.content.telegram_html import escape
from dripline.errors import NotFound
from dripline.texts import gettext as _

LAYOUT_NOT_FOUND: Final = "LAYOUT_NOT_FOUND"


def trial_letter(layouts: Layouts, layout: str, user_name: str, language: str) -> Rendered:
    """Return a test email in a layout. Raises NotFound (LAYOUT_NOT_FOUND)."""
    if layout not in layouts.names:
        raise NotFound(
            f"There is no layout {layout}; there are {', '.join(sorted(layouts.names))}.",
            code=LAYOUT_NOT_FOUND,
        )
    hello = (
        _("Hello, {name}!", language, name=escape(user_name))
        if user_name
        else _("Hello!", language)
    )
    text = "\n\n".join(
        (
            "<b>" + _("Emails arrive", language) + "</b>",
            hello,
            _(
                "This is a test of dripline. If you read it, your settings are right: the mail "
                "server took it, and nobody put it aside on the way.",
                language,
            ),
            _("Look at these as well:", language)
            + "\n• "
            + "\n• ".join(
                (
                    _("Did it come into the inbox, and not among spam?", language),
                    _("Is the sender’s name the one you want?", language),
                    _("Does it look right on a phone, and in dark mode?", language),
                )
            ),
            "<blockquote>"
            + _("A quotation looks like this, and <code>code</code> like that.", language)
            + "</blockquote>",
        )
    )
    return as_letter(
        Rendered(text),
        language,
        subject=_("A test email from dripline", language),
        layouts=layouts,
        layout=layout,
        user_name=user_name,
    )
