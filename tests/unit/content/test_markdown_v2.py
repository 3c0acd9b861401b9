"""Telegram's MarkdownV2: what its own parser takes reads the same here, and nothing breaks."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dripline.content.liquid import MARKDOWN_V2, Template
from dripline.content.markdown_v2 import to_html
from dripline.sandbox.formatting.entities import FormattingError
from dripline.sandbox.formatting.html import parse_html
from dripline.sandbox.formatting.markdown_v2 import parse_markdown_v2

RESERVED = "_*[]()~`>#+-=|{}.!\\"


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("*bold* _italic_ __under__ ~gone~ ||secret||",
         "<b>bold</b> <i>italic</i> <u>under</u> <s>gone</s> <tg-spoiler>secret</tg-spoiler>"),
        ("*bold _italic bold ~all three~ italic bold_ bold*",
         "<b>bold <i>italic bold <s>all three</s> italic bold</i> bold</b>"),
        ("[a *link*](https://example.com/a\\)b?x=1&y=2)",
         '<a href="https://example.com/a)b?x=1&amp;y=2">a <b>link</b></a>'),
        ("`a < b` ```python\nprint(1 < 2)\n```",
         '<code>a &lt; b</code> <pre><code class="language-python">print(1 &lt; 2)</code></pre>'),
        (">one\n>two\nthree", "<blockquote>one\ntwo</blockquote>\nthree"),
        (">long||", "<blockquote expandable>long</blockquote>"),
        ("![👍](tg://emoji?id=5368324170671202286)",
         '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>'),
        ("Only 5.99! (now) a-b = c #tag", "Only 5.99! (now) a-b = c #tag"),
        ("Only 5\\.99\\! \\*not bold\\*", "Only 5.99! *not bold*"),
        ("2 * 3 and snake_case", "2 * 3 and snake_case"),
        ("* alone", "* alone"),
        ("<b>no tag</b> & co", "&lt;b&gt;no tag&lt;/b&gt; &amp; co"),
        ("[no link] (here)", "[no link] (here)"),
        ("**", "**"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_it_becomes(source: str, html: str) -> None:
    assert to_html(source).html == html


def escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in RESERVED else char for char in text)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_an_escaped_text_reads_as_it_is(text: str) -> None:
    found, entities = parse_html(to_html(escaped(text)).html)
    assert (found, entities) == (text.strip("\n"), [])


WORDS = st.text(st.sampled_from("ab .!-\n"), min_size=1).filter(str.strip)
PIECES = st.one_of(
    WORDS.map(escaped),
    st.tuples(st.sampled_from(["*", "_", "__", "~", "||"]), WORDS.map(escaped)).map(
        lambda one: f"{one[0]}{one[1]}{one[0]}"
    ),
    WORDS.map(lambda text: f"[{escaped(text)}](https://example.com/)"),
    st.just("`code`"),
)


@given(st.lists(PIECES, max_size=6).map(" ".join))
@example("*a* _b_ __c__ ~d~ ||e||")
def test_what_telegram_takes_means_the_same_here(source: str) -> None:
    try:
        words, entities = parse_markdown_v2(source)
    except FormattingError:
        return
    found, same = parse_html(to_html(source).html)
    if words == words.strip("\n"):
        assert (found, same) == (words, entities)


@given(st.text(st.sampled_from("_*[]()~`>|!\\ab\n"), max_size=60))
def test_nothing_breaks_it_and_telegram_takes_what_comes_out(source: str) -> None:
    parse_html(Template(source, html=True, form=MARKDOWN_V2).render({}))


def test_a_long_text_of_nothing_but_marks_takes_no_time() -> None:
    for mark in ("*", "_", "[", "`", "||", ">", "~"):
        to_html(mark * 20_000)


def test_values_are_escaped_and_cannot_open_anything() -> None:
    template = Template("Hi, *{{ user.name }}*\\!", html=True, form=MARKDOWN_V2)
    assert template.render({"user": {"name": "_x_ <b>*"}}) == "Hi, <b>_x_ &lt;b&gt;*</b>!"
