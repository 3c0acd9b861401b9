"""Codes of posts: short, whole for us, nothing for everybody else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.engagement.codes import LENGTH, Codes, PostCode, deep_link

CODES = Codes(b"a key")


@given(st.integers(1, 2**32 - 1), st.integers(0, 255))
def test_what_was_made_is_read_as_it_was(post: int, button: int) -> None:
    code = CODES.code(post, button)
    assert re.fullmatch(r"p_[A-Za-z0-9_-]{18}", code)
    assert CODES.read(code) == PostCode(post, button)


def test_every_change_of_a_single_character_is_noticed() -> None:
    code = CODES.code(7, 1)
    for at, right in enumerate(code):
        for wrong in "AQgw-_9B":
            if wrong != right:
                assert CODES.read(code[:at] + wrong + code[at + 1 :]) is None


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert CODES.read(text) is None
    assert CODES.read(("p_" + text)[:LENGTH]) is None


def test_another_key_reads_nothing() -> None:
    assert Codes(b"another key").read(CODES.code(7)) is None


@pytest.mark.parametrize(("post", "button"), [(0, 0), (2**32, 0), (1, 256), (-1, 0), (1, -1)])
def test_numbers_that_no_code_holds(post: int, button: int) -> None:
    with pytest.raises(ValueError, match="no code"):
        CODES.code(post, button)


def test_a_deep_link_opens_the_bot() -> None:
    assert deep_link("course_bot", "p_x") == "https://t.me/course_bot?start=p_x"
