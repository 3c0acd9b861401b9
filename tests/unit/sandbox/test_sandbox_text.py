"""Cleaning, detection and explicit entities; what must hold for every text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.sandbox.formatting.detect import detect
from dripline.sandbox.formatting.entities import FormattingError, utf16_length
from dripline.sandbox.formatting.links import BadUrl, checked_link, linked_user
from dripline.sandbox.formatting.parse import formatted

MIDDLE = "in a middle of a UTF-16 symbol at byte offset 5"
STYLES = ["b", "i", "u", "s", "tg-spoiler", "code", "blockquote"]
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="<&\0"), min_size=1, max_size=12
)
markup = st.recursive(
    words,
    lambda inner: st.tuples(st.sampled_from(STYLES), st.lists(inner, max_size=3)).map(
        lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0]}>"
    ),
    max_leaves=12,
)


@given(st.lists(markup, min_size=1, max_size=5).map("".join))
def test_entities_lie_within_the_text_and_nest(source: str) -> None:
    text, found = formatted(source, "HTML", allow_empty=True)
    total = utf16_length(text)
    spans = [(e["offset"], e["offset"] + e["length"], e["type"]) for e in found]
    assert all(0 <= begin < end <= total for begin, end, _ in spans)
    for begin, end, kind in spans:
        for other_begin, other_end, other_kind in spans:
            crossing = begin < other_begin < end < other_end
            assert not crossing
            inside_code = kind == "code" and begin <= other_begin and other_end <= end
            assert not (inside_code and other_kind in ("bold", "italic"))


@given(st.text(max_size=200))
def test_no_text_breaks_the_parsers(source: str) -> None:
    for mode in ("HTML", "Markdown", "MarkdownV2", ""):
        try:
            text, _ = formatted(source, mode)
        except FormattingError:
            continue
        assert text
        assert not text.endswith((" ", "\n"))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_is_escaped_comes_back_as_it_was(text: str) -> None:
    special = set("_*[]()~`>#+-=|{}.!\\")
    source = "".join(f"\\{char}" if char in special else char for char in text)
    try:
        plain = formatted(text)[0]
    except FormattingError:
        return
    assert formatted(source, "MarkdownV2")[0] == plain


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_explicit_entities_are_taken_or_refused_but_never_misplaced(
    text: str, offset: int, length: int
) -> None:
    given_entity = {"type": "bold", "offset": offset, "length": length}
    try:
        clean, found = formatted(text, "", [given_entity])
    except FormattingError:
        return
    assert all(e["offset"] + e["length"] <= utf16_length(clean) for e in found)


@pytest.mark.parametrize(
    ("entity", "problem"),
    [
        (
            {"type": "bold", "offset": 9, "length": 1},
            "entity begins after the end of the text at UTF-16 offset 9",
        ),
        (
            {"type": "bold", "offset": 0, "length": 9},
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 9",
        ),
        (
            {"type": "bold", "offset": 2, "length": 1},
            f"entity begins {MIDDLE}",
        ),
        (
            {"type": "bold", "offset": 0, "length": 2},
            f"entity beginning at UTF-16 offset 0 ends {MIDDLE}",
        ),
        ({"type": "bold", "offset": -1, "length": 2}, "receive an entity with incorrect offset -1"),
        ({"type": "bold", "offset": 0}, "can't parse MessageEntity: Can't find field \"length\""),
        (
            {"type": "blink", "offset": 0, "length": 1},
            "can't parse MessageEntity: Unsupported type specified",
        ),
        ("bold", "can't parse MessageEntity: expected an Object"),
    ],
)
def test_explicit_entities_are_checked(entity: object, problem: str) -> None:
    with pytest.raises(FormattingError) as caught:
        formatted("a😀bc", "", [entity])
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start now", [("bot_command", "/start")]),
        ("use /help@my_bot.", [("bot_command", "/help@my_bot")]),
        ("and/or a/b", []),
        ("see https://example.com/a(b)?c=d, ok", [("url", "https://example.com/a(b)?c=d")]),
        ("(example.com)", [("url", "example.com")]),
        ("version 1.2.3 e.g. this", []),
        ("write to anna@example.com", [("email", "anna@example.com")]),
        ("hi @anna_p and @abc", [("mention", "@anna_p")]),
        ("#sale #1 #день", [("hashtag", "#sale"), ("hashtag", "#день")]),
        ("buy $TON now", [("cashtag", "$TON")]),
        ("tg://resolve?domain=x", [("url", "tg://resolve?domain=x")]),
    ],
)
def test_what_is_found_in_the_words(text: str, found: list[tuple[str, str]]) -> None:
    spans = [(e["type"], text[e["offset"] : e["offset"] + e["length"]]) for e in detect(text)]
    assert spans == found


def test_control_characters_go_and_entities_move_along() -> None:
    text, found = formatted("a\r\tb\u202ec", "", [{"type": "bold", "offset": 3, "length": 3}])
    assert text == "a bc"
    assert found == [{"offset": 2, "length": 2, "type": "bold"}]


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("example.com", "http://example.com/"),
        ("HTTPS://Example.COM/Path?q#f", "https://example.com/Path?q#f"),
        ("https://user:pw@a.b:8443/x y", "https://user:pw@a.b:8443/x%20y"),
        ("tg:resolve?domain=x", "tg://resolve?domain=x"),
        ("tg://resolve?domain=x", "tg://resolve?domain=x"),
        ("https://[::1]/x", "https://[::1]/x"),
        ("https://пример.рф", "https://пример.рф/"),
    ],
)
def test_links_in_canonical_form(url: str, canonical: str) -> None:
    assert checked_link(url) == canonical


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("localhost:8000", "Wrong HTTP URL"),
        ("http://", "URL host is empty"),
        ("ftp://a.b", "Unsupported URL protocol"),
        ("http://a.b:99999", "Wrong port number specified in the URL"),
        ("http://a b.c", "Disallowed character in URL host"),
        ("http://a%zz.c", "Wrong percent-encoded symbol in URL host"),
        ("https://[::zz]/", "Wrong IPv6 address specified in the URL"),
        ("tg://a:80", "Wrong tg URL"),
    ],
)
def test_links_refused(url: str, problem: str) -> None:
    with pytest.raises(BadUrl) as caught:
        checked_link(url)
    assert str(caught.value) == problem


def test_links_to_people() -> None:
    assert linked_user("tg://user?id=5") == 5
    assert linked_user("https://t.me/user?id=5") == 0
