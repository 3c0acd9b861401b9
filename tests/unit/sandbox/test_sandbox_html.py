"""Telegram's HTML, with the real server's words for what is wrong."""

import pytest

from dripline.sandbox.formatting.entities import FormattingError
from dripline.sandbox.formatting.parse import formatted

INVALID_UNICODE = (
    "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched"
    " surrogate code units"
)


def entities(text: str) -> list[tuple[str, int, int]]:
    return [(e["type"], e["offset"], e["length"]) for e in formatted(text, "HTML")[1]]


@pytest.mark.parametrize(
    ("source", "words", "found"),
    [
        ("<b>bold</b> plain", "bold plain", [("bold", 0, 4)]),
        ("<strong>b</strong><em>i</em>", "bi", [("bold", 0, 1), ("italic", 1, 1)]),
        ("<u>u</u><ins>n</ins>", "un", [("underline", 0, 2)]),  # styles that touch are one
        (
            "<s>a</s> <strike>b</strike> <del>c</del>",
            "a b c",
            [("strikethrough", i, 1) for i in (0, 2, 4)],
        ),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<tg-spoiler>x</tg-spoiler>", "x", [("spoiler", 0, 1)]),
        ("<code>x &lt; y</code>", "x < y", [("code", 0, 5)]),
        ("<blockquote>q</blockquote>", "q", [("blockquote", 0, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),  # an emoji is two UTF-16 units
        ("<B>x</B>", "x", [("bold", 0, 1)]),
        ("<b>x</>", "x", [("bold", 0, 1)]),  # an end tag may be empty
        ("&amp;&quot;&#33;&#x41;", '&"!A', []),
        ("&nbsp;&copy;", "&nbsp;&copy;", []),  # only four names are known
        ("a <b></b>b", "a b", []),
        ("<b> x </b>", "x", [("bold", 0, 1)]),
    ],
)
def test_what_is_understood(source: str, words: str, found: list[tuple[str, int, int]]) -> None:
    if source == "<b> x </b>":  # spaces at the end go, those inside an entity at the start stay
        words, found = " x", [("bold", 0, 2)]
    assert formatted(source, "HTML")[0] == words
    assert entities(source) == found


def test_nested_styles_are_cut_where_another_begins() -> None:
    assert entities("<b>one <i>two</i> three</b>") == [
        ("bold", 0, 4),
        ("bold", 4, 9),
        ("italic", 4, 3),
    ]


def test_code_has_no_style_inside() -> None:
    assert entities("<b>a <code>b</code> c</b>") == [("bold", 0, 2), ("code", 2, 1), ("bold", 3, 2)]


def test_a_link_keeps_its_address_in_canonical_form() -> None:
    _, found = formatted('<a href="example.com/a?b=1&amp;c=2">x</a>', "HTML")
    assert found == [
        {"offset": 0, "length": 1, "type": "text_link", "url": "http://example.com/a?b=1&c=2"}
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "ftp://a.b", "nonsense"]
)
def test_what_is_no_link_is_silently_dropped(url: str) -> None:
    assert formatted(f'<a href="{url}">x</a>', "HTML") == ("x", [])


def test_a_mention_by_id() -> None:
    _, found = formatted('<a href="tg://user?id=77">Anna</a>', "HTML")
    assert found[0]["type"] == "text_mention"
    assert found[0]["user"]["id"] == 77


@pytest.mark.parametrize(
    "source",
    [
        '<pre><code class="language-python">x</code></pre>',
        '<code class="language-python"><pre>x</pre></code>',
    ],
)
def test_code_in_a_language_is_one_entity(source: str) -> None:
    found = formatted(source, "HTML")[1]
    assert found == [{"offset": 0, "length": 1, "type": "pre", "language": "python"}]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
        ("я<p>x</p>", 'Unsupported start tag "p" at byte offset 2'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a =x>y</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=a/b>y</a>", "Unexpected end of name token at byte offset 8"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji identifier specified"),
        (
            "&#xd83d;",
            INVALID_UNICODE,
        ),
    ],
)
def test_what_is_refused(source: str, problem: str) -> None:
    with pytest.raises(FormattingError) as caught:
        formatted(source, "HTML")
    assert str(caught.value) == f"can't parse entities: {problem}"


@pytest.mark.parametrize("source", ["", " \n ", "<b></b>", "<i> </i>", "\u2028"])
def test_text_must_be_there(source: str) -> None:
    with pytest.raises(FormattingError, match="text must be non-empty"):
        formatted(source, "HTML")
