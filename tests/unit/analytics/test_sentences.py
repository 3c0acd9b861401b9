"""Reasons in words: people never read a code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import dripline
from dripline.analytics.sentences import reason_words
from dripline.clients.smtp_errors import MAILBOX_FULL


def codes_of_failures() -> Iterator[str]:
    """Return every code with which a message fails for good, as the source writes it."""
    for file in Path(dripline.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or "PermanentFailure" not in ast.unparse(node.func):
                continue
            given = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "code")]
            yield from (str(one.value) for one in given if isinstance(one, ast.Constant))


def test_every_failure_has_words_in_both_languages() -> None:
    codes = {*codes_of_failures(), MAILBOX_FULL, "rejected", "bad_file", "migrated", "unreachable"}
    assert len(codes) > 8
    assert [code for code in codes if reason_words(code, "en") == code] == []
    assert [code for code in codes if reason_words(code, "ru") == reason_words(code, "en")] == []
