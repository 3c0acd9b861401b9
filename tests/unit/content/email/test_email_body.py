"""What becomes of a text's tags, lines and links in an email, and in its plain text."""

import pytest

from dripline.content.email import plain
from dripline.content.email.body import escaped, to_body, web_link
from dripline.content.email.dialect import EMAIL
from dripline.content.liquid import Template
from dripline.content.slots import SLOT
from dripline.errors import Invalid


def shown(html: str) -> str:
    """Return the body of a text, its link slots named L."""
    return SLOT.sub(lambda match: f"L{match[1]}", to_body(html).html)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One", "<p>One</p>"),
        ("One\nTwo", "<p>One<br>Two</p>"),
        ("One\n\nTwo", "<p>One</p><p>Two</p>"),
        ("One\n\n\n\n  Two", "<p>One</p><p>  Two</p>"),
        ("a <b>b</b> c", "<p>a <b>b</b> c</p>"),
        ("<b>a</b> <i>b</i>", "<p><b>a</b> <i>b</i></p>"),
        ("<b>One\n\nTwo</b>", "<p><b>One</b></p><p><b>Two</b></p>"),
        ("<b>a\n</b>b", "<p><b>a</b><br>b</p>"),
        ("a\n<b>b</b>", "<p>a<br><b>b</b></p>"),
        ("a\n\n<blockquote>b\nc</blockquote>\n\nd",
         "<p>a</p><blockquote><p>b<br>c</p></blockquote><p>d</p>"),
        ("<pre>a\n\n  b</pre>\nc", "<pre>a\n\n  b</pre><p>c</p>"),
        ('<pre><code class="language-py">x &lt; 1</code></pre>', "<pre>x &lt; 1</pre>"),
        ("<strike>a</strike><tg-spoiler>b</tg-spoiler>",
         '<p><s>a</s><span class="spoiler">b</span></p>'),
        ('<tg-emoji emoji-id="1">👍</tg-emoji>', "<p>👍</p>"),
        ('<a href="https://a.b/?x=1&amp;y=2">c</a>', '<p><a href="Ll0" target="_blank">c</a></p>'),
        ('<a href="tg://settings">c</a>', "<p>c</p>"),
        ("<h2>A</h2>\n\nb", "<h2>A</h2><p>b</p>"),
        ("<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", "<ul><li>a<ul><li>b</li></ul></li></ul>"),
        ("a<br>b<hr>c", "<p>a<br>b</p><hr><p>c</p>"),
        ("", ""),
    ],
)  # fmt: skip
def test_lines_and_tags(text: str, html: str) -> None:
    assert shown(text) == html


def test_links_keep_their_address_and_words() -> None:
    body = to_body('See <a href="https://a.b/?x=1&amp;y=2">our <b>best</b> offer</a>.')
    assert [(one.url, one.label) for one in body.links] == [
        ("https://a.b/?x=1&y=2", "our best offer")
    ]
    assert 'href="' not in to_body('<a href="https://a.b">c</a>', (0,)).html


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("https://a.b/c", "https://a.b/c"),
        ("mailto:a@b.c", "mailto:a@b.c"),
        ("tg://resolve?domain=seeing_bot&start=x", "https://t.me/seeing_bot?start=x"),
        ("tg://settings", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_only_links_that_a_mail_program_follows(link: str, found: str | None) -> None:
    assert web_link(link) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One\nTwo\n\n<b>Three</b> &amp; four", "One\nTwo\n\nThree & four"),
        ("<blockquote>a\nb</blockquote>c", "> a\n> b\n\nc"),
        ("<ol><li>a</li><li>b</li></ol>c", "1. a\n2. b\n\nc"),
        ("<ul><li>a</li><li>b</li></ul>", "• a\n• b"),
        ('<img src="https://a.b/c.png" alt="A cat">', "[A cat]"),
        ("<pre>a\n  b &lt;</pre>", "a\n  b <"),
        ("a<hr>b", "a\n\n———\n\nb"),
        ("&lt;b&gt; is bold", "<b> is bold"),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert plain.of_body(to_body(text).html) == expected


def test_a_value_stays_text() -> None:
    assert escaped('<b>"a"\r\nb & c') == "&lt;b&gt;&quot;a&quot;<br>b &amp; c"


def own(source: str, *, form: str = "html") -> str:
    """Return an email's own template as its body."""
    template = Template(source, html=True, form=form, dialect=EMAIL)
    return shown(template.render({}))


def test_an_own_template_has_headings_lists_and_pictures() -> None:
    source = '# A\n\nb **c**\n\n- d\n- e\n\n![f](https://g.h/i.png "j")\n\n> k'
    assert own(source, form="markdown") == (
        "<h1>A</h1><p>b <b>c</b></p><ul><li>d</li><li>e</li></ul>"
        '<p><img src="https://g.h/i.png" alt="f"></p><blockquote><p>k</p></blockquote>'
    )


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>", "<style>p{}</style>", "<table><tr><td>a</td></tr></table>",
        '<img src="javascript:alert(1)">', '<img src="cid:x">', "<p>a", "<ul><li>a</ul>",
        '<a href="javascript:x">a</a>', "<iframe></iframe>", "<h1>a</h2>",
    ],
)  # fmt: skip
def test_an_own_template_is_made_safe(source: str) -> None:
    with pytest.raises(Invalid):
        own(source)


def test_attributes_that_run_or_style_are_dropped() -> None:
    assert own('<p onclick="x()" style="a">b</p><img src="https://c.d/e" onerror="f()">') == (
        '<p>b</p><p><img src="https://c.d/e" alt=""></p>'
    )
