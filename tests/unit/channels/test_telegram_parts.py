"""Which requests a message takes: a line of explanation per row."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.channels.telegram_parts import Request, fits, parts, requests_for
from dripline.content.rendered import Button, Media, MediaKind, Rendered
from dripline.errors import PermanentFailure

URL = Button("url", "Go", "https://example.com")
MARKUP = {"inline_keyboard": [[{"text": "Go", "url": "https://example.com"}]]}


def media(kinds: str) -> tuple[Media, ...]:
    """`pvdoag`: photo, video, document, voice (o), audio, animation (g)."""
    names: dict[str, MediaKind] = {
        "p": "photo",
        "v": "video",
        "d": "document",
        "o": "voice",
        "a": "audio",
        "g": "animation",
    }
    return tuple(Media(f"{n}{k}", names[k], f"{n}.{k}") for n, k in enumerate(kinds))


def shape(request: Request) -> str:
    """A request in short: method, number of files, text, buttons."""
    fields = request.fields
    album: list[dict[str, Any]] = fields.get("media", [])
    captions = [item["caption"] for item in [fields, *album] if "caption" in item]
    said = fields.get("text") or (captions[0] if captions else "")
    assert len(captions) <= 1
    files = f"×{len(request.media)}" if request.media else ""
    buttons = " +buttons" if "reply_markup" in fields else ""
    return f"{request.method}{files} {len(said)}{buttons}"


TABLE = [
    # text, files, buttons, requests, why
    (5, "", False, ["sendMessage 5"], "a text"),
    (5, "", True, ["sendMessage 5 +buttons"], "a text with buttons"),
    (4096, "", False, ["sendMessage 4096"], "just fits"),
    (4097, "", True, ["sendMessage 4096", "sendMessage 1 +buttons"], "buttons on the last part"),
    (5, "p", False, ["sendPhoto×1 5"], "a caption"),
    (5, "p", True, ["sendPhoto×1 5 +buttons"], "one file carries buttons"),
    (0, "p", True, ["sendPhoto×1 0 +buttons"], "a file needs no text"),
    (0, "p", False, ["sendPhoto×1 0"], "a file alone"),
    (1024, "v", True, ["sendVideo×1 1024 +buttons"], "the longest caption"),
    (1025, "v", True, ["sendVideo×1 0", "sendMessage 1025 +buttons"], "the text follows"),
    (5000, "p", False, ["sendPhoto×1 0", "sendMessage 4096", "sendMessage 904"], "in parts"),
    (5, "d", False, ["sendDocument×1 5"], "a document"),
    (5, "o", False, ["sendVoice×1 5"], "a voice message"),
    (5, "a", False, ["sendAudio×1 5"], "a piece of music"),
    (5, "g", False, ["sendAnimation×1 5"], "an animation"),
    (5, "pp", False, ["sendMediaGroup×2 5"], "an album's caption is on its first file"),
    (5, "pp", True, ["sendMediaGroup×2 0", "sendMessage 5 +buttons"], "albums take no buttons"),
    (0, "pp", True, ["sendMediaGroup×2 0", "sendMessage 1 +buttons"], "buttons need a text"),
    (0, "pp", False, ["sendMediaGroup×2 0"], "an album alone"),
    (1025, "pp", False, ["sendMediaGroup×2 0", "sendMessage 1025"], "too long for a caption"),
    (5, "pvp", False, ["sendMediaGroup×3 5"], "photos and videos mix"),
    (5, "pd", False, ["sendPhoto×1 5", "sendDocument×1 0"], "documents don't"),
    (5, "ddaa", False, ["sendMediaGroup×2 5", "sendMediaGroup×2 0"], "each with its kind"),
    (5, "oo", False, ["sendVoice×1 5", "sendVoice×1 0"], "voices go one by one"),
    (5, "pd", True, ["sendPhoto×1 0", "sendDocument×1 0", "sendMessage 5 +buttons"], "of several"),
    (5, "p" * 10, False, ["sendMediaGroup×10 5"], "the largest album"),
    (5, "p" * 12, False, ["sendMediaGroup×10 5", "sendMediaGroup×2 0"], "two albums"),
    (5, "p" * 11, False, ["sendMediaGroup×10 5", "sendPhoto×1 0"], "no album of one"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("length", "files", "buttons", "requests", "why"), TABLE, ids=[row[4] for row in TABLE]
)
def test_requests(length: int, files: str, buttons: bool, requests: list[str], why: str) -> None:
    message = Rendered("x" * length, media(files), ((URL,),) if buttons else ())
    assert [shape(request) for request in parts(message)] == requests
    assert requests_for(message) == len(requests)
    assert "".join(one.sha256 for request in parts(message) for one in request.media) == "".join(
        one.sha256 for one in message.media
    )


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_nothing_at_all_is_refused(text: str) -> None:
    with pytest.raises(PermanentFailure, match="neither text nor files"):
        parts(Rendered(text))
    assert requests_for(Rendered(text)) == 1


def test_lengths_are_counted_in_utf16_without_tags() -> None:
    assert fits("😀" * 2048, 4096)  # two units each
    assert not fits("😀" * 2049, 4096)
    assert fits("<b>" + "x" * 4096 + "</b>", 4096)
    assert fits("&amp;" * 4096, 4096)
    assert not fits("&amp;" * 4097, 4096)
    assert fits('<a href="https://example.com/' + "y" * 900 + '">' + "x" * 1000 + "</a>", 1024)


def test_fields_of_a_text() -> None:
    request = parts(Rendered("<b>hi</b>", keyboard=((URL,),)))[0]
    assert request.fields == {"text": "<b>hi</b>", "parse_mode": "HTML", "reply_markup": MARKUP}


def test_fields_of_an_album() -> None:
    request = parts(Rendered("hi", media("pv")))[0]
    assert request.fields == {
        "media": [
            {"type": "photo", "caption": "hi", "parse_mode": "HTML"},
            {"type": "video"},
        ]
    }


def test_buttons_of_each_kind_in_rows() -> None:
    keyboard = (
        (URL, Button("callback", "Done", "DONE")),
        (),
        (Button("web_app", "App", "https://app.example"),),
    )
    assert parts(Rendered("x", keyboard=keyboard))[0].fields["reply_markup"] == {
        "inline_keyboard": [
            [
                {"text": "Go", "url": "https://example.com"},
                {"text": "Done", "callback_data": "DONE"},
            ],
            [{"text": "App", "web_app": {"url": "https://app.example"}}],
        ]
    }
    assert "reply_markup" not in parts(Rendered("x", keyboard=((), ())))[0].fields


def test_an_action_is_counted_in_bytes() -> None:
    def action(data: str) -> Rendered:
        return Rendered("x", keyboard=((Button("callback", "Yes", data),),))

    assert parts(action("я" * 32))
    with pytest.raises(PermanentFailure, match=r"“Yes” is longer than 64 bytes"):
        parts(action("я" * 33))


@given(st.integers(0, 9000), st.text("pvdoag", max_size=25), st.booleans())
def test_every_message_keeps_telegrams_rules(length: int, files: str, buttons: bool) -> None:
    message = Rendered("w" * length, media(files), ((URL,),) if buttons else ())
    if not length and not files:
        return
    requests = parts(message)
    assert [one for request in requests for one in request.media] == list(message.media)
    said = ""
    for request in requests:
        fields = request.fields
        captions = [item.get("caption", "") for item in [fields, *fields.get("media", [])]]
        assert max(map(len, captions)) <= 1024
        assert len(fields.get("text", "x")) in range(1, 4097)
        assert len(request.media) <= 10
        assert (request.method == "sendMediaGroup") == (len(request.media) > 1)
        assert not ("reply_markup" in fields and len(request.media) > 1)
        said += "".join(captions) + fields.get("text", "")
    assert said.strip("👇") == message.text
    assert sum("reply_markup" in request.fields for request in requests) == buttons
