"""Templates: what they show, what they never let through, and where they end."""

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dripline.content import limits
from dripline.content.liquid import Template
from dripline.content.slots import filled
from dripline.content.telegram_html import escape, plain_text
from dripline.errors import Invalid, PermanentFailure

CONSTANTS = {"bot": {"bot_name": "B & Co"}, "scenario": {"name": "Course", "product_price": 1500}}
FALLBACKS = {"user": {"payment_link": "", "referral_count": 0}}


def template(source: str, **more: Any) -> Template:
    """Compile a text of a message."""
    return Template(source, html=True, constants=CONSTANTS, fallbacks=FALLBACKS, **more)


def render(source: str, user: Mapping[str, Any] | None = None, **more: Any) -> str:
    """Compile and render a text."""
    return template(source, **more).render({"user": user or {}})


def problems(source: str, **more: Any) -> list[tuple[int, str]]:
    """Return what a text's compiler has to say: offsets and codes."""
    found: list[tuple[int, str]] = []
    template(source, report=lambda at, _severity, code, _text: found.append((at, code)), **more)
    return found


@pytest.mark.parametrize(
    ("source", "user", "shown"),
    [
        ("Hello", {}, "Hello"),
        ("{{ user.first_name }}", {"first_name": "Al"}, "Al"),
        ("{{user.first_name}}", {"first_name": "Al"}, "Al"),  # spaces are optional
        ("{{ user.first_name | default: 'you' }}", {"first_name": ""}, "you"),
        ('{{ user.first_name | default: "you" }}', {}, "you"),  # a missing one too
        ("{{ user.n | default: 'x' }}", {"n": 0}, "0"),  # nought is a value
        ("{{ user.payment_link }}", {}, ""),  # known, but nobody fills it
        ("{{ scenario.product_price }} €", {}, "1500 €"),
        ("{{ bot.bot_name }}", {}, "B &amp; Co"),
        ("{{ user.first_name | upcase }}", {"first_name": "al"}, "AL"),
        ("{% if user.vip %}Dear{% else %}Hi{% endif %}", {"vip": True}, "Dear"),
        ("{% if user.nobody == 'x' %}a{% else %}b{% endif %}", {}, "b"),
        ("{% case user.s %}{% when 'a' %}A{% else %}?{% endcase %}", {"s": "a"}, "A"),
        ("{% for i in (1..3) %}{{ i }}{% endfor %}", {}, "123"),
        ("{% assign x = user.n | plus: 1 %}{{ x }}", {"n": 1}, "2"),
        ("{{ user.reg_date | date: '%d.%m.%Y' }}", {"reg_date": "2026-01-31"}, "31.01.2026"),
        ("a{% comment %}<b>{% endcomment %}b", {}, "ab"),
        ("{% raw %}{{ x }}{% endraw %}", {}, "{{ x }}"),
        ("a\n{% if user.x %}{% endif %}\n\n\nb", {}, "a\n\nb"),  # a mark leaves no gap
    ],
)
def test_shows(source: str, user: dict[str, Any], shown: str) -> None:
    assert render(source, user) == shown


@pytest.mark.parametrize(
    "source",
    [
        "{{ user.first_name }}",
        "{{ user.first_name | upcase | append: '<i>' }}",
        "{{ user.first_name | escape }}",  # not twice
        "{{ user.first_name | newline_to_br }}",
        "{% assign x = user.first_name %}{{ x }}",
        "{% if true %}{{ user.first_name }}{% endif %}",
        "{{ user.nothing | default: '<b>' }}",  # an author's text is a value too
    ],
)
def test_a_value_brings_no_tag(source: str) -> None:
    shown = render(source, {"first_name": '<b onclick="x">&'})
    assert "<" not in shown
    assert "&amp;lt;" not in shown


@given(st.text())
def test_a_value_reads_as_itself(value: str) -> None:
    for source in ("{{ user.first_name }}!", "{% if true %}{{ user.first_name }}!{% endif %}"):
        shown = plain_text(render(source, {"first_name": value}))
        breaks = re.compile(r"[\r\n]")  # a line break is a line break, whichever it was
        assert breaks.sub("", shown).strip() == breaks.sub("", f"{value}!").strip()


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://example.com/?a=1&b=2", '<a href="https://example.com/?a=1&amp;b=2">x</a>'),
        ("tg://user?id=1", '<a href="tg://user?id=1">x</a>'),
        ("example.com", '<a href="https://example.com">x</a>'),
        ("", "x"),  # a link without an address is only its words
        ("javascript:alert(1)", "x"),
        (" JaVaScRiPt:alert(1)", "x"),
        ("java\nscript:alert(1)", "x"),
        ("data:text/html,x", "x"),
        ('https://x.y/"onmouseover="z', "x"),
        ("https://", "x"),
    ],
)
def test_a_link_out_of_a_value_is_looked_at(link: str, shown: str) -> None:
    assert render('<a href="{{ user.link }}">x</a>', {"link": link}) == shown


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<b>x", [(0, "unbalanced-html")]),
        ("x</b>", [(1, "unbalanced-html")]),
        ("<b><i>x</b></i>", [(7, "unbalanced-html"), (0, "unbalanced-html")]),
        ("a <br> b", [(2, "unknown-tag")]),
        ("<span class='x'>a</span>", [(0, "unknown-tag")]),
        ("5 < 6", [(2, "stray-less-than")]),
        ("Q&A", [(1, "stray-ampersand")]),
        ("&copy2;", [(0, "stray-ampersand")]),
        ("<a href='javascript:x'>a</a>", [(0, "link")]),
        ("<a href='https://x.y/{{ user.a }}' >a</a>", []),
        ("<a href='{{ user.a }}", [(0, "unbalanced-html"), (0, "unbalanced-html")]),
        ("<blockquote><blockquote>x</blockquote></blockquote>", [(12, "nested-tag")]),
        ("{% if user.a %}<b>{% else %}<b>{% endif %}x</b>", "unbalanced-html"),
        ("{% if user.a %}<b>{% endif %}x{% if user.a %}</b>{% endif %}", "unbalanced-html"),
        ("{% for i in (1..2) %}<b>{% endfor %}", "unbalanced-html"),
        ("{% for i in (1..2) %}<b>{% break %}</b>{% endfor %}", "unbalanced-html"),
        ("<b>{% if user.a %}x{% endif %}</b>", []),
        ("<tg-spoiler>x</tg-spoiler><pre><code class='language-py'>y</code></pre>", []),
        ("<blockquote expandable>x</blockquote>", []),
        ('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>', []),
        ("a\x07b", [(1, "control-character")]),
        ("{{ user.x | }}{{ user.a", [(14, "liquid")]),
        ("text {{ user..x }}", [(5, "liquid")]),
        ("{% include 'etc/passwd' %}", [(3, "liquid")]),
        ("{% capture x %}<b>{% endcapture %}", [(3, "liquid")]),
        ("{% if user.x %}{{ 'x' | nofilter }}{% endif %}", [(24, "liquid")]),
    ],
)
def test_finds(source: str, found: Any) -> None:
    said = problems(source)
    if isinstance(found, str):
        assert found in [code for _, code in said]
    elif source.startswith("text"):
        assert [code for _, code in said] == ["liquid"]
    else:
        assert said == found


def test_without_a_report_an_error_is_raised() -> None:
    with pytest.raises(Invalid, match="never closed"):
        template("<b>x")
    assert template("5 < 6 & 7").render({}) == "5 &lt; 6 &amp; 7"  # a warning is not


BOMBS = [
    "{% for i in (1..1000000000) %}x{% endfor %}",
    "{% for i in (1..1000000000) reversed %}x{% endfor %}",
    "{% for i in (1..400) %}{% for j in (1..400) %}x{% endfor %}{% endfor %}",
    "{{ (1..1000000000) | join: 'x' }}",
    "{{ (1..1000000000) | size | times: 99999999999999999999999999999 | times: 999999999 }}",
    "{% assign a = 'aaaaaaaaaa' %}" + "{% assign a = a | append: a %}" * 40 + "{{ a }}",
    "{% assign a = 'aaaa' %}" + "{% assign a = a | replace: 'a', 'aaaaaaaa' %}" * 20,
    "{% assign a = user.long | replace: '', user.long %}",
    "{{ user.long | split: '' | join: user.long }}",
    "{{ '2026-01-01' | date: '%999999999d' }}",
    "{{ 'now' | date: '%Y' }}",
    "{% for i in (1..400) %}{{ user.long }}{% endfor %}",
    "{% for i in (1..400) %}" + "{{ user.long | upcase | downcase | size }}" * 40 + "{% endfor %}",
    "{{ 1 | divided_by: 0 }}",
    "{{ user.unheard_of }}",
    "{{ context.missing }}",
]


@pytest.mark.parametrize("source", BOMBS)
def test_a_hostile_template_fails_soon_and_alone(source: str) -> None:
    compiled = template(source)
    began = time.monotonic()
    with pytest.raises(PermanentFailure) as caught:
        compiled.render({"user": {"long": "x" * 30_000}})
    assert caught.value.code == "template"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "source",
    [
        "x" * (limits.TEMPLATE_CHARACTERS + 1),
        "{{ user.a }}" * (limits.TEMPLATE_MARKS + 1),
        "{{" * 30_000,
        "{% if true %}" * 40 + "{% endif %}" * 40,
        "{{ a" + "[b" * 5_000,
        "{% if " + " and ".join(["user.a"] * 5_000) + " %}x{% endif %}",
        "<a " * 20_000 + "{{ user.a }}",
        "<b>" * 20_000,
    ],
)
def test_a_huge_template_is_refused_soon(source: str) -> None:
    began = time.monotonic()
    with pytest.raises((Invalid, PermanentFailure)):
        template(source).render({"user": {"a": "x"}})
    assert time.monotonic() - began < 5


@given(st.text(alphabet="<>&\"'{}%|ab/=. \n-:ihref", max_size=60))
@settings(max_examples=300)
def test_any_text_compiles_or_is_refused_and_renders_whole(source: str) -> None:
    try:
        compiled = template(source)
        shown = compiled.render({"user": {}})
    except (Invalid, PermanentFailure):
        return
    assert shown.count("<b>") == shown.count("</b>")
    assert shown.count("<a ") == shown.count("</a>")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("**a** _b_ ~~c~~ `d`", "<b>a</b> <i>b</i> <s>c</s> <code>d</code>"),
        ("# Head\n\ntext", "<b>Head</b>\n\ntext"),
        ("- a\n- b\n  - c\n\nd", "• a\n• b\n\u2003◦ c\n\nd"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("> a\n> b", "<blockquote>a\nb</blockquote>"),
        ("```py\na < b\n```", '<pre><code class="language-py">a &lt; b</code></pre>'),
        ("a < b & c", "a &lt; b &amp; c"),
        ("<u>x</u>", "<u>x</u>"),  # Telegram's own, where Markdown has no sign
        ("[x](https://x.y/?a=1&b=2)", '<a href="https://x.y/?a=1&amp;b=2">x</a>'),
        ("[x]({{ user.link }})", '<a href="https://e.x/">x</a>'),
        ("**{{ user.name }}**", "<b>*a*</b>"),  # a value's stars are stars
        ("{% if user.name %}**yes**{% endif %}", "<b>yes</b>"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        ("![sky](https://x.y/z.png)", '<a href="https://x.y/z.png">sky</a>'),
    ],
)
def test_markdown(source: str, shown: str) -> None:
    user = {"link": "https://e.x/", "name": "*a*"}
    assert render(source, user, form="markdown") == shown


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("# Hi\n\n1. x\n2. y & <script>z", (18, "unknown-tag")),
        ("**a** <b>b</b> {{ user.a }}\n\nc <br>", (31, "unknown-tag")),
        ("{{ user.a }} <i>a</i>\n\n**b** [c](ftp://x)", (33, "link")),
        ("*a*\n\n<i>b", (5, "unbalanced-html")),
    ],
)
def test_a_mistake_in_markdown_is_found_where_it_stands(
    source: str, found: tuple[int, str]
) -> None:
    assert problems(source, form="markdown") == [found]


def test_markdown_across_a_branch_is_found_where_its_liquid_stands() -> None:
    source = "Hello\n\n**bold {% if user.a %}** x{% endif %}"
    assert ("unbalanced-html" in [code for _, code in problems(source, form="markdown")]) or (
        "**" in render(source, {"a": 1}, form="markdown")
    )


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Hi {{ user.first_name | default: 'you' }}", "Hi __user.first_name__"),
        ("{{ scenario.name }}", "__scenario.name__"),
        ("{% if user.vip %}{{ user.level | upcase }}{% endif %}", "__USER.LEVEL__"),
        ("{{ 1 | divided_by: 0 }}", "{{ 1 | divided_by: 0 }}"),  # better its source than nothing
    ],
)
def test_demonstrates(source: str, shown: str) -> None:
    assert template(source).demonstrate() == shown


def test_variables_are_known_without_rendering() -> None:
    compiled = template("{% for x in user.items %}{{ x.y }} {{ bot.bot_name }}{% endfor %}")
    assert compiled.variables == {"user.items", "bot.bot_name"}


def test_what_is_known_when_compiled_is_filled_in_then() -> None:
    assert template("{{ scenario.name }}: {{ bot.bot_name }}").is_fixed
    assert not template("{{ scenario.name }}: {{ user.first_name }}").is_fixed


def test_speed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    simple = template(
        "Hello <b>{{ user.first_name | default: 'x' }}</b>, this is {{ bot.bot_name }}"
    )
    began = time.perf_counter()
    for _ in range(2_000):
        simple.render({"user": {"first_name": "Anna"}})
    with capsys.disabled():
        print(f"\n  a simple message: {(time.perf_counter() - began) / 2_000 * 1e6:.1f} µs")


_VALUES = st.sampled_from(
    ["VIP", "", "a", "<b>&", "two\n\nlines", 0, 1, 3, True, False, None, _ABSENT := object()]
)
_CHOICES = (
    'Hi {% if user.a == "VIP" %}<b>{{ user.b | default: "x" }}</b>{% endif %} there',
    "{% if user.a %}yes{% else %}no{% endif %}",
    "{% unless user.a %}not{% elsif user.b == 3 %}three{% else %}rest{% endunless %}",
    '{% if user.a != "a" %}one\n\n{% elsif user.b == 1 %}\n\ntwo{% endif %}\n\nend',
    "{% if bot.known == 1 %}{{ bot.name }}{% endif %}{% if bot.none %}{{ user.a }}{% endif %}",
    '{% if user.a == "" %}{% if user.b %}in{% else %}out{% endif %}{% endif %}.',
    '{% if user.f == "back" %}{{ user.f }}{% endif %}!',
)


@pytest.mark.parametrize("source", _CHOICES)
@given(a=_VALUES, b=_VALUES, f=_VALUES)
def test_plain_conditions_say_what_liquid_says(source: str, a: Any, b: Any, f: Any) -> None:
    constants, fallbacks = {"bot": {"known": 1, "name": "Bo"}}, {"user": {"f": "back"}}
    quick = Template(source, html=True, constants=constants, fallbacks=fallbacks)
    usual = Template(source, html=True, constants=constants, fallbacks=fallbacks)
    assert quick._parts
    usual._parts, usual._has_choices = [], False
    given_ = {"a": a, "b": b, "f": f}
    context = {"user": {name: value for name, value in given_.items() if value is not _ABSENT}}
    assert _said(quick.render, context) == _said(usual.render, context)
    for template_ in (quick, usual):  # its values put in, a shape is what is rendered
        assert _said(partial(_whole, template_), context) == _said(usual.render, context)
    assert quick.demonstrate() == usual.demonstrate()


def _whole(template_: Template, context: Any) -> str:
    shape = template_.shape(context)
    return filled(shape.text, {f"v{n}": escape(value) for n, value in enumerate(shape.values)})


def _said(render: Callable[[Any], Any], context: Any) -> Any:
    try:
        return render(context)
    except PermanentFailure as failure:
        return failure.code
