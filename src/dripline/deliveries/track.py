"""Put tracked links into a personal message: its url buttons, and the links of its text."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Final

from dripline.content.links import button_link
from dripline.content.rendered import Rendered
from dripline.content.telegram_html import escape, plain_text
from dripline.deliveries.protocols import LinkTracker

# As compiled messages write links; what looks different is left as it is.
_LINK: Final = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_TELEGRAM: Final = re.compile(r"(tg:|https?://(www\.)?(t\.me|telegram\.(me|dog))/)", re.IGNORECASE)


def tracked(
    message: Rendered, tracker: LinkTracker, delivery_id: uuid.UUID, contact_id: uuid.UUID
) -> Rendered:
    """Return a Telegram message with its links tracked, or itself where there are none.

    Links within Telegram open there; by way of a browser they would not, so they stay. So do all
    of them where the server has an address that Telegram takes no link to, such as localhost.
    """
    if not message.track:
        return message

    def link(url: str, label: str) -> str:
        if _TELEGRAM.match(url):
            return url
        found = tracker.link(delivery_id, contact_id, url, label)
        return found if found == url or button_link(found) else url

    text = _in_text(message.text, link) if '<a href="' in message.text else message.text
    rows = tuple(
        tuple(
            replace(one, value=link(one.value, one.text)) if one.kind == "url" else one
            for one in row
        )
        for row in message.keyboard
    )
    return replace(message, text=text, keyboard=rows)


def has_links(message: Rendered) -> bool:
    """Whether there may be something to track; most messages have nothing, and cost nothing."""
    return '<a href="' in message.text or any(
        button.kind == "url" for row in message.keyboard for button in row
    )


def _in_text(text: str, link: Callable[[str, str], str]) -> str:
    def replaced(match: re.Match[str]) -> str:
        url = unescape(match[1])
        found = link(url, plain_text(match[2])) if url else url
        return match[0] if found == url else f'<a href="{escape(found)}">{match[2]}</a>'

    return _LINK.sub(replaced, text)
