"""Texts for people, in their language: English in the source, others in `locales/`.

    from dripline.texts import gettext as _
    _("Hello, {name}!", language, name=contact.first_name)

Messages are literals, so that `make texts` finds them; a test fails when one has no translation.
"""

from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path

DOMAIN = "dripline"
LOCALES = Path(__file__).parent / "locales"
SOURCE_LANGUAGE = "en"


def gettext(message: str, language: str | None, /, **values: object) -> str:
    """Return `message` in a language (`ru`, `pt-BR`; English when unknown), `{name}`s filled in."""
    return _filled(_catalog(language or SOURCE_LANGUAGE).gettext(message), values)


def ngettext(
    singular: str, plural: str, number: int, language: str | None, /, **values: object
) -> str:
    """Return the form of a message that goes with `number`, which it may name as `{n}`."""
    text = _catalog(language or SOURCE_LANGUAGE).ngettext(singular, plural, number)
    return _filled(text, {"n": number, **values})


def marked(message: str, /) -> str:
    """Return `message` as it is: a constant, to be translated where it is shown."""
    return message


def languages() -> tuple[str, ...]:
    """Return the languages texts exist in, English first."""
    translated = sorted(file.parent.parent.name for file in LOCALES.glob(f"*/*/{DOMAIN}.mo"))
    return (SOURCE_LANGUAGE, *translated)


def _filled(text: str, values: dict[str, object]) -> str:
    return text.format_map(values) if values else text


def _catalog(language: str) -> NullTranslations:
    # Telegram says `ru` or `pt-br`; a region we don't have falls back to its language. Only names
    # of our own folders reach the file system: a contact may claim any language.
    wanted = language.replace("-", "_").lower()
    for name in (wanted, wanted.partition("_")[0]):
        if name in _names():
            return _loaded(_names()[name])
    return NullTranslations()


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in languages()[1:]}


@cache
def _loaded(name: str) -> NullTranslations:
    return translation(DOMAIN, LOCALES, languages=[name])
