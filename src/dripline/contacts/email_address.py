"""What an email address is: looked over without asking the network."""

import re
from functools import lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email

from dripline.errors import Invalid
from dripline.texts import marked

EMAIL_INVALID: Final = "EMAIL_INVALID"
LONGEST: Final = 254
_LONGEST_LOCAL: Final = 64

EMPTY = marked("Write an email address, such as anna@example.com.")
TOO_LONG = marked("This is too long for an email address.")
SEVERAL = marked("Write one email address only.")
WITH_NAME = marked("Write only the address, without a name: anna@example.com.")
WITH_SPACES = marked("An email address has no spaces or line breaks in it.")
NO_AT = marked("An email address has an @ in the middle: anna@example.com.")
QUOTED = marked("Addresses in quotation marks are not supported. Use another address, please.")
NOT_LATIN = marked("The part before the @ has letters that many mail servers refuse. "
                   "Use an address in Latin letters, please.")  # fmt: skip
NO_DOMAIN = marked("What stands after the @ is not a domain that gets email, such as example.com.")
WRONG = marked("This does not look like an email address. Look it over, please.")

# What nearly every address looks like: nothing about it depends on more than its domain.
_USUAL: Final = re.compile(
    r"(?P<local>[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*)@(?P<domain>[a-z0-9-]+(?:\.[a-z0-9-]+)+)"
)


def normalise(raw: object) -> str:
    """Return an address as we keep it: lower case, its domain in ASCII.

    Raises Invalid (EMAIL_INVALID) with a sentence for the person. Asks no DNS.
    """
    if not isinstance(raw, str) or not raw.strip():
        raise Invalid(EMPTY, code=EMAIL_INVALID)
    text = raw.strip()
    return _if_usual(text) or _looked_over(text)


def _if_usual(text: str) -> str | None:
    """Return an address as we keep it if that needs no long look: a tenth of the time."""
    found = _USUAL.fullmatch(text.lower()) if len(text) <= LONGEST and text.isascii() else None
    if found is None or len(found["local"]) > _LONGEST_LOCAL or not _gets_email(found["domain"]):
        return None
    return found.group()


@lru_cache(maxsize=4096)
def _gets_email(domain: str) -> bool:
    """Whether a domain is one that addresses may have, and stands as it is kept."""
    try:
        return _looked_over(f"a@{domain}") == f"a@{domain}"
    except Invalid:
        return False


def _looked_over(text: str) -> str:
    if len(text) > 2 * LONGEST:
        raise Invalid(TOO_LONG, code=EMAIL_INVALID)
    if text[:7].casefold() == "mailto:":
        text = text[7:]
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError as error:
        raise Invalid(_sentence(text), code=EMAIL_INVALID) from error
    if found.ascii_email is None:
        raise Invalid(NOT_LATIN, code=EMAIL_INVALID)
    value = found.ascii_email.lower()
    if len(value) > LONGEST or len(value.rpartition("@")[0]) > _LONGEST_LOCAL:
        raise Invalid(TOO_LONG, code=EMAIL_INVALID)
    return value


def _sentence(text: str) -> str:
    """Return what is wrong with an address, for a person."""
    local, at, domain = text.rpartition("@")
    if "<" in text or ">" in text:
        return WITH_NAME
    if text.startswith(('"', "'")):
        return QUOTED
    if text.count("@") > 1 and any(mark in text for mark in ",; \n"):
        return SEVERAL if "\r" not in text and "\n" not in text.strip() else WITH_SPACES
    if any(mark.isspace() for mark in text):
        return WITH_SPACES
    if not at or not local:
        return NO_AT
    if len(text) > LONGEST or len(local) > _LONGEST_LOCAL:
        return TOO_LONG
    return NO_DOMAIN if "." not in domain.strip(".") or domain.startswith("[") else WRONG
