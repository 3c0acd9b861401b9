"""An id out of a name: Latin letters, digits and dashes, whatever script the name is in."""

import re
import unicodedata
from collections.abc import Container
from typing import Final

_LONGEST: Final = 40
_LETTERS: Final = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ"
_LATIN: Final = (
    "a b v g d e e zh z i y k l m n o p r s t u f h ts ch sh sch _ y _ e yu ya i yi ye g"
)
_CYRILLIC: Final = dict(zip(_LETTERS, _LATIN.split(" "), strict=True))


def suggested(name: str, taken: Container[str]) -> str:
    """Return a free id that resembles the name; `scenario` where nothing of it is left."""
    letters = (_CYRILLIC.get(one, one).replace("_", "") for one in name.lower())
    plain = unicodedata.normalize("NFKD", "".join(letters)).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or "scenario"
    free, number = found, 2
    while free in taken:
        free, number = f"{found}-{number}", number + 1
    return free
