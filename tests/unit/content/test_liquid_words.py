"""Mistakes in a template, said to whoever wrote it."""

import pytest

from dripline.content.liquid import Template

EXAMPLE = "write for example {{ user.first_name }}"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("Hi {{ user.first_name", "a mark is never closed: write }} after it"),
        ("Hi {{ user.first_name }", "a mark is never closed: write }} after it"),
        ("{% if user.first_name %}x", "a block is never closed: write {% endif %} after it"),
        ("{% endif %}", "there is nothing that this endif could close"),
        ("{% foo %}", "there is no tag foo"),
        ("{{ user.first_name | upcasex }}", "there is no filter upcasex"),
        ("{{ user.first_name | }}", "the name of a filter is missing after |"),
        ("{{ }}", f"something is missing between the marks; {EXAMPLE}"),
        ("{% if user.first_name = 'x' %}a{% endif %}", "to compare, write == and not ="),
        ("{{ user first }}", f"there is more than one thing between the marks; {EXAMPLE}"),
        ("{{ 'a }}", "a quotation mark is never closed"),
        ('{{ "a }}', "a quotation mark is never closed"),
    ],
)
def test_a_mistake_is_told_in_plain_words(source: str, sentence: str) -> None:
    found: list[str] = []
    Template(source, html=True, report=lambda _at, _severity, _code, said: found.append(said))
    assert found == [f"Liquid: {sentence}."]
