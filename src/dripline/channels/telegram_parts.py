"""Which requests a message takes on Telegram: the rules of lengths, captions, albums and buttons.

A pure function of the message, so that a retry counts the same parts as the attempt before it.
"""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from dripline.content.rendered import Button, Media, Rendered
from dripline.content.telegram_html import measured_length, split_text, utf16_length
from dripline.errors import PermanentFailure

TEXT_LIMIT: Final = 4096  # UTF-16 units after entities are parsed (Bot API, sendMessage)
CAPTION_LIMIT: Final = 1024  # likewise (sendPhoto and its neighbours)
ALBUM_LIMIT: Final = 10  # files (sendMediaGroup)
CALLBACK_LIMIT: Final = 64  # bytes (InlineKeyboardButton)

# What may stand in one album: photos and videos together, documents and audio with their own kind,
# voices and animations never.
_ALBUM_OF = {"photo": "visual", "video": "visual", "document": "document", "audio": "audio"}
_METHOD_OF = {
    "photo": "sendPhoto",
    "video": "sendVideo",
    "document": "sendDocument",
    "voice": "sendVoice",
    "audio": "sendAudio",
    "animation": "sendAnimation",
}
_ONLY_BUTTONS = "👇"  # Telegram takes no message without text, and an album takes no buttons


@dataclass(slots=True)
class Request:
    """One request: a method and its fields, but for the chat and the files themselves."""

    method: str
    fields: dict[str, Any]
    media: tuple[Media, ...] = field(default=())


def parts(message: Rendered) -> list[Request]:
    """Return the requests that send a message, in order.

    Raises PermanentFailure for a message of nothing, and for a button Telegram would refuse.
    """
    text = message.text if message.text.strip() else ""
    markup = _reply_markup(message) if message.keyboard else None
    if not message.media:
        if not text:
            raise PermanentFailure("the message has neither text nor files", code="empty")
        return _texts(text, markup)
    return _with_media(message.media, text, markup)


def requests_for(message: Rendered) -> int:
    """Return how many requests a message takes; 1 for one that cannot be sent.

    Asked of every message, so what is surely short is not taken apart: a character counts twice at
    most.
    """
    limit = CAPTION_LIMIT if message.media else TEXT_LIMIT
    if len(message.media) < 2 and 2 * len(message.text) <= limit:
        return 1
    try:
        return len(parts(message))
    except PermanentFailure:
        return 1


def fits(text: str, limit: int) -> bool:
    """Whether Telegram counts at most `limit` units; parsing is only paid for when it is close."""
    if utf16_length(text) <= limit:  # tags and entities only shrink
        return True
    return measured_length(text) <= limit


def _with_media(
    media: tuple[Media, ...], text: str, markup: dict[str, Any] | None
) -> list[Request]:
    alone = len(media) == 1  # only a single file can carry buttons
    captioned = bool(text) and (alone or markup is None) and fits(text, CAPTION_LIMIT)
    on_file = markup if alone and (captioned or not text) else None
    caption = {"caption": text, "parse_mode": "HTML"} if captioned else {}
    requests = [
        _files(group, caption if index == 0 else {}, on_file)
        for index, group in enumerate(_groups(media))
    ]
    if text and not captioned:
        requests += _texts(text, markup)
    elif markup is not None and on_file is None:
        requests += _texts(text or _ONLY_BUTTONS, markup)
    return requests


def _files(
    media: tuple[Media, ...], caption: dict[str, Any], markup: dict[str, Any] | None
) -> Request:
    if len(media) == 1:
        fields = dict(caption) if markup is None else {**caption, "reply_markup": markup}
        return Request(_METHOD_OF[media[0].kind], fields, media)
    album = [
        {"type": one.kind, **(caption if index == 0 else {})} for index, one in enumerate(media)
    ]
    return Request("sendMediaGroup", {"media": album}, media)


def _texts(text: str, markup: dict[str, Any] | None) -> list[Request]:
    pieces = [text] if fits(text, TEXT_LIMIT) else split_text(text, TEXT_LIMIT)
    requests = [Request("sendMessage", {"text": piece, "parse_mode": "HTML"}) for piece in pieces]
    if markup is not None:
        requests[-1].fields["reply_markup"] = markup
    return requests


def _groups(media: tuple[Media, ...]) -> list[tuple[Media, ...]]:
    """Return files as they may travel together, their order kept."""
    groups: list[tuple[Media, ...]] = []
    for album, run in groupby(media, key=lambda one: _ALBUM_OF.get(one.kind)):
        together = list(run)
        size = ALBUM_LIMIT if album else 1
        groups += (tuple(together[at : at + size]) for at in range(0, len(together), size))
    return groups


def _reply_markup(message: Rendered) -> dict[str, Any] | None:
    full = [row for row in message.keyboard if row]
    if message.reply and full:
        texts = [[{"text": button.text} for button in row] for row in full]
        return {"keyboard": texts, "resize_keyboard": True, "is_persistent": True}
    rows = [[_button(button) for button in row] for row in full]
    return {"inline_keyboard": rows} if rows else None


def _button(button: Button) -> dict[str, Any]:
    match button.kind:
        case "url":
            return {"text": button.text, "url": button.value}
        case "web_app":
            return {"text": button.text, "web_app": {"url": button.value}}
        case "callback":
            if len(button.value.encode()) > CALLBACK_LIMIT:
                raise PermanentFailure(
                    f"the action of button “{button.text}” is longer than {CALLBACK_LIMIT} bytes",
                    code="button",
                )
            return {"text": button.text, "callback_data": button.value}
