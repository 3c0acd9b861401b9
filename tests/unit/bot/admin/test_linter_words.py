"""What the linter says reaches an operator in Russian: real mistakes, made in memory."""

import pytest

from dripline.bot.admin.checking import told
from dripline.bot.admin.linter_words import SENTENCES, in_language
from dripline.contacts import segments
from dripline.contacts.segments import Names, SegmentError
from dripline.content.check_documents import check_scenario
from dripline.texts import gettext
from dripline.wiring.models import import_models

import_models()
WORDS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"


def said(text: str, **spec: object) -> str:
    message = {
        "texts": {"": text}, "template_file": "m.md", "media": [],
        "places": {"": "scenarios/s/messages/m.md"}, **spec,
    }  # fmt: skip
    body = {
        "config": {"id": "s", "name": "s"}, "entry": {"id": "s", "name": "s"}, "order": ["m"],
        "messages": {"m": message}, "summary": None, "messages_extra": {}, "unlisted": {},
    }  # fmt: skip
    errors = check_scenario({}, "s", body).errors
    assert errors
    return told(errors, "ru")


@pytest.mark.parametrize(
    "text",
    [
        "<b>never closed", "<blink>x</blink>", "<b><i>x</b></i>", "</b>", "\x01",
        '<a href="javascript:x">x</a>', '<a href="https://example.com>x</a>',
        "<span>x</span>", "<tg-emoji>x</tg-emoji>", "<a href='https://a.b'><a href='https://a.b'>",
        "{% if user.first_name %}<b>{% endif %}x", "{{ user.first_name | nofilter }}",
        "{{ 'x' | split: ", "Hi {{ user.first_name", "{% if user.first_name %}x", "{% endif %}",
        "{% foo %}", "{{ user.first_name | }}", "{{ }}", "{{ user first }}", "{{ 'a }}",
        "{% if user.first_name = 'x' %}a{% endif %}", "{{ context.x }}{{ nobody.x }}",
        "x" * 70_000, "{{ user.first_name }}" * 501,
    ],
)  # fmt: skip
def test_a_mistake_in_a_text(text: str) -> None:
    assert any(letter in said(text) for letter in WORDS)


@pytest.mark.parametrize(
    "keyboard",
    [
        {"rows": [{"buttons": [{"type": "callback", "text": "x", "callback_data": "go:x"}]}]},
        {"rows": [{"buttons": [{"type": "payment", "text": "x"}] * 9}]},
        {"rows": [{"buttons": [{"type": "payment", "text": "x"}]}] * 101},
        {"rows": [{"buttons": [{"type": "url", "text": "x", "url": "ftp://x"}]}]},
        {"rows": [{"buttons": [{"type": "callback", "text": "x" * 501, "callback_data": "x"}]}]},
        {"button_set_ref": "nowhere"},
    ],
)
def test_a_mistake_in_buttons(keyboard: object) -> None:
    assert any(letter in said("text", inline_keyboard=keyboard) for letter in WORDS)


@pytest.mark.parametrize(
    "segment",
    [
        "has_payed", "zzz", "tag", {"tag": 5}, {"tag": []}, {"tag": ["x"] * 201},
        {"tag": "x" * 300},
        {"scenario": "cours"}, {"scenario": "zzz"}, {"created": {}}, {"referrals": {}}, 5,
        {"created": {"within": {"days": -1}}}, {"created": {"after": "soon"}},
        {"referrals": 1e20}, {"attribute": {"name": "age"}}, {"attribute": {}},
        {"no_active_scenario": 1}, [["has_paid"] * 101], {"attribute": {"name": "nothing"}},
    ],
)  # fmt: skip
def test_a_mistake_in_conditions(segment: object) -> None:
    with pytest.raises(SegmentError) as caught:
        segments.parse(segment, Names({"age": "number"}, ["course"], []))
    assert any(letter in in_language(caught.value.plain, "ru") for letter in WORDS)


def test_every_sentence_is_found_and_translated() -> None:
    for sentence in SENTENCES:
        assert in_language(sentence, "ru") == gettext(sentence, "ru")
