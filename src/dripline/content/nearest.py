"""What somebody may have meant who wrote a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_ALIKE: Final = 0.7
_LONG_ENOUGH: Final = 4


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like this one, or None when none is like it.

    A slip of the keys is like it, and so is a part: `price` of `product_price`.
    """
    by_folded = {one.casefold(): one for one in known}
    wanted = name.casefold()
    alike = get_close_matches(wanted, by_folded, 1, _ALIKE)
    if not alike and len(wanted) >= _LONG_ENOUGH:
        parts = (o for o in by_folded if wanted in o or (len(o) >= _LONG_ENOUGH and o in wanted))
        alike = sorted(parts, key=lambda one: (abs(len(one) - len(wanted)), one))[:1]
    return by_folded[alike[0]] if alike else None
