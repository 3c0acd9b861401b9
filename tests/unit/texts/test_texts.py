"""Texts: every one has a Russian translation, and what is compiled is what was translated."""

import ast
import io
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import dripline
from dripline.texts import DOMAIN, LOCALES, gettext, languages, marked, ngettext

SOURCE = Path(dripline.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2)}
TRANSLATED = sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def used() -> set[str | tuple[str, ...]]:
    """Return the messages of the source."""
    found = extract_from_dir(str(SOURCE), keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found if message}


def translations(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream, locale=file.parent.parent.name, domain=DOMAIN)


def test_russian_is_there() -> None:
    assert languages() == ("en", "ru")


@pytest.mark.parametrize("file", TRANSLATED, ids=lambda file: file.parent.parent.name)
def test_every_text_is_translated(file: Path) -> None:
    catalog = translations(file)
    missing = [text for text in used() if not _is_translated(catalog.get(_key(text)))]
    assert not missing, "run `make texts`, then translate what is empty"


def test_every_text_is_collected() -> None:
    """What stands within an f-string (Python 3.11), or within another text's values, is not."""
    collected = {_key(text) for text in used()}
    missing = {
        f"{file.name}: {text}"
        for file in SOURCE.rglob("*.py")
        for text in _asked_for(file)
        if text not in collected
    }
    assert not missing, "take these out of what they stand in"


def _asked_for(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if node.func.id in KEYWORDS and isinstance(first, ast.Constant):
                yield str(first.value)


def _key(text: str | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else text[0]


def _is_translated(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


@pytest.mark.parametrize("file", TRANSLATED, ids=lambda file: file.parent.parent.name)
def test_a_translation_names_what_its_text_names(file: Path) -> None:
    for message in translations(file):
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        known = {name for text in originals for name in _names(text)}
        assert {name for form in forms for name in _names(form)} <= known, message.id


def _names(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


@pytest.mark.parametrize("file", TRANSLATED, ids=lambda file: file.parent.parent.name)
def test_the_compiled_file_is_up_to_date(file: Path) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, translations(file))
    assert file.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run `make texts`"


FAREWELL = "This part is not available any more."


@pytest.mark.parametrize(
    ("language", "is_russian"),
    [
        ("ru", True),
        ("ru-RU", True),
        ("RU", True),
        ("ru_RU", True),
        ("en", False),
        ("de", False),
        ("", False),
        (None, False),
        ("../../../etc", False),
    ],
)
def test_the_language_is_asked_for_by_name(language: str | None, is_russian: bool) -> None:
    assert (gettext(FAREWELL, language) != FAREWELL) == is_russian


def test_values_are_filled_in_and_a_brace_in_one_is_no_matter() -> None:
    assert gettext("Hello, {name}!", "en", name="{curly}") == "Hello, {curly}!"
    assert gettext("50 % {off}", "en") == "50 % {off}"


@pytest.mark.parametrize(("n", "text"), [(1, "1 day"), (2, "2 days"), (5, "5 days")])
def test_english_has_two_plurals(n: int, text: str) -> None:
    assert ngettext("{n} day", "{n} days", n, "en") == text


def test_russian_has_three_plurals() -> None:
    assert translations(LOCALES / "ru" / "LC_MESSAGES" / f"{DOMAIN}.po").num_plurals == 3


def test_a_marked_text_stays_as_it_is() -> None:
    assert marked("Waits") == "Waits"
