"""MarkdownV2 and the old Markdown, with the real server's words for what is wrong."""

import pytest

from dripline.sandbox.formatting.entities import FormattingError
from dripline.sandbox.formatting.parse import formatted


def read(text: str, mode: str) -> tuple[str, list[tuple[str, int, int]]]:
    words, found = formatted(text, mode)
    return words, [(e["type"], e["offset"], e["length"]) for e in found]


@pytest.mark.parametrize(
    ("source", "words", "found"),
    [
        (
            "*b* _i_ __u__ ~s~",
            "b i u s",
            [("bold", 0, 1), ("italic", 2, 1), ("underline", 4, 1), ("strikethrough", 6, 1)],
        ),
        ("||x||", "x", [("spoiler", 0, 1)]),
        ("`a*b`", "a*b", [("code", 0, 3)]),
        ("```\nx\n```", "x\n".rstrip(), [("pre", 0, 1)]),
        ("1\\. done\\!", "1. done!", []),
        ("[x](http://a\\.b/c\\)d)", "x", [("text_link", 0, 1)]),
        (">one\n>two\nthree", "one\ntwo\nthree", [("blockquote", 0, 8)]),
        (">one\n>two||\nthree", "one\ntwo\nthree", [("expandable_blockquote", 0, 8)]),
        (">end", "end", [("blockquote", 0, 3)]),
        ("![x](tg://emoji?id=5)", "x", [("custom_emoji", 0, 1)]),
        ("_a_\r__b__", "ab", [("italic", 0, 1), ("underline", 1, 1)]),
    ],
)
def test_markdown_v2(source: str, words: str, found: list[tuple[str, int, int]]) -> None:
    assert read(source, "MarkdownV2") == (words, found)


def test_markdown_v2_code_keeps_its_language() -> None:
    assert formatted("```py\nx```", "MarkdownV2")[1][0]["language"] == "py"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("1 - 2", "Character '-' is reserved and must be escaped with the preceding '\\'"),
        ("a>b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
        ("a|b", "Character '|' is reserved and must be escaped with the preceding '\\'"),
        ("hi!", "Character '!' is reserved and must be escaped with the preceding '\\'"),
        ("(x)", "Character '(' is reserved and must be escaped with the preceding '\\'"),
        ("*b", "Can't find end of Bold entity at byte offset 0"),
        ("я _i", "Can't find end of Italic entity at byte offset 3"),
        ("__u_", "Can't find end of Italic entity at byte offset 3"),
        ("||s", "Can't find end of Spoiler entity at byte offset 0"),
        ("`c", "Can't find end of Code entity at byte offset 0"),
        ("```x", "Can't find end of Pre entity at byte offset 0"),
        ("[x", "Can't find end of TextUrl entity at byte offset 0"),
        ("[x](http://a", "Can't find end of a URL at byte offset 4"),
        ("![x]", "The entity must contain a tg://emoji or tg://time URL"),
        ("![x](http://a)", "Invalid tg://emoji or tg://time URL specified"),
        (">*b\nx", "Can't find end of Bold entity at byte offset 1"),
    ],
)
def test_markdown_v2_refuses(source: str, problem: str) -> None:
    with pytest.raises(FormattingError) as caught:
        formatted(source, "MarkdownV2")
    assert str(caught.value) == f"can't parse entities: {problem}"


@pytest.mark.parametrize(
    ("source", "words", "found"),
    [
        ("*b* _i_ `c`", "b i c", [("bold", 0, 1), ("italic", 2, 1), ("code", 4, 1)]),
        ("\\*not\\_", "*not_", []),
        ("[x](example.com)", "x", [("text_link", 0, 1)]),
        ("[x](no link)", "x", []),
        ("```py\nx```", "x", [("pre", 0, 1)]),
        ("a.b (c) - d!", "a.b (c) - d!", []),
    ],
)
def test_old_markdown(source: str, words: str, found: list[tuple[str, int, int]]) -> None:
    assert read(source, "Markdown") == (words, found)


def test_old_markdown_refuses_an_open_entity() -> None:
    with pytest.raises(FormattingError) as caught:
        formatted("я *x", "Markdown")
    problem = "Can't find end of the entity starting at byte offset 3"
    assert str(caught.value) == f"can't parse entities: {problem}"


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(FormattingError, match="unsupported parse_mode"):
        formatted("x", "bbcode")
