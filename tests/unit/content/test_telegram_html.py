"""Lengths as Telegram counts them, and long texts in valid parts."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dripline.content.telegram_html import (
    escape,
    measured_length,
    plain_text,
    split_text,
    utf16_length,
)


@pytest.mark.parametrize(
    ("html", "length"),
    [
        ("", 0),
        ("Hello", 5),
        ("<b>Hello</b>", 5),  # tags don't count
        ("&lt;&amp;&gt;&quot;&#33;&#x21;", 6),  # an entity is one character
        ("Привет", 6),  # letters of two bytes are one unit
        ("👍", 2),  # above U+FFFF: two units
        ("a\n\nb", 4),  # line breaks count, unlike in a browser
        ('<a href="https://example.com/?a=1&amp;b=2">x</a>', 1),  # an address doesn't count
        ('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>', 2),
        ("1 < 2 & 3", 9),  # what is no tag is text
    ],
)
def test_length(html: str, length: int) -> None:
    assert measured_length(html) == length


@given(st.text())
def test_an_escaped_value_reads_as_itself(value: str) -> None:
    assert plain_text(escape(value)) == value
    assert measured_length(escape(value)) == utf16_length(value)


def test_cuts_at_paragraphs_first() -> None:
    assert split_text("aaaa aaaa\n\nbbbb bbbb\ncc", 14) == ["aaaa aaaa", "bbbb bbbb\ncc"]


def test_then_at_lines() -> None:
    assert split_text("aaaa aaaa\nbbbb. bbbb", 14) == ["aaaa aaaa", "bbbb. bbbb"]


def test_then_at_sentences() -> None:
    assert split_text("One two. Three four five.", 15) == ["One two.", "Three four", "five."]


def test_then_at_words() -> None:
    assert split_text("one two three", 9) == ["one two", "three"]


def test_then_anywhere_but_never_inside_a_character() -> None:
    assert split_text("👍👍👍", 3) == ["👍", "👍", "👍"]
    assert split_text("x👩‍👩‍👧y", 4)[0] == "x"


def test_open_tags_are_closed_and_opened_again() -> None:
    text = '<b>one <a href="https://example.com">two three</a></b>'
    assert split_text(text, 7) == [
        '<b>one <a href="https://example.com">two</a></b>',
        '<b><a href="https://example.com">three</a></b>',
    ]


def test_an_entity_is_never_cut() -> None:
    assert split_text("&amp;&amp;&amp;", 2) == ["&amp;&amp;", "&amp;"]


def test_a_limit_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="two units"):
        split_text("x", 1)


_PIECES = st.lists(
    st.sampled_from(
        ["<b>", "</b>", "<i>", "</i>", "<blockquote expandable>", "</blockquote>", "&lt;", "&amp;",
         "👍", "слово", "word. ", " ", "\n", "\n\n", "é", "a\u0301"]
    ),
    max_size=80,
).map("".join)  # fmt: skip


@given(_PIECES, st.integers(2, 40))
@example("<b> </b>x", 2)
def test_parts_fit_are_balanced_and_lose_nothing(html: str, limit: int) -> None:
    parts = split_text(html, limit)
    assert all(measured_length(part) <= limit for part in parts)
    assert all(_balanced(part) for part in parts)
    together = "".join(plain_text(part) for part in parts)
    assert re.sub(r"\s", "", together) == re.sub(r"\s", "", plain_text(html))


@given(st.text(max_size=300), st.integers(2, 50))
def test_any_text_can_be_split(text: str, limit: int) -> None:
    assert all(measured_length(part) <= limit for part in split_text(text, limit))


def _balanced(html: str) -> bool:
    stack: list[str] = []
    for closing, name in re.findall(r"<(/?)([a-z]+)[^>]*>", html):
        if not closing:
            stack.append(name)
        elif not stack or stack.pop() != name:
            return False
    return not stack
