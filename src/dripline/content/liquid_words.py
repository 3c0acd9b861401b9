"""What the parser of Liquid says is wrong, in words for somebody who writes texts."""

import re
from typing import Final

from liquid.exceptions import LiquidError

_LONGEST: Final = 300
# What the parser says, and what that means. `{name}`s are the expression's groups.
_EXAMPLE: Final = "write for example {{{{ user.first_name }}}}"
_PLAIN: Final = (
    (r"expected '(?P<end>}}|%})', found end .*", "a mark is never closed: write {end} after it"),
    (r"expected tag (?P<end>end\w+), .*", "a block is never closed: write {{% {end} %}} after it"),
    (r"unexpected tag '(?P<end>end\w+)'", "there is nothing that this {end} could close"),
    (r"unexpected tag '(?P<tag>\w+)'", "there is no tag {tag}"),
    (
        r"(?:missing expression|expected a primitive expression, .*)",
        f"something is missing between the marks; {_EXAMPLE}",
    ),
    (r"expected word, found end of expression", "the name of a filter is missing after |"),
    (r"expected end of expression, found '='", "to compare, write == and not ="),
    (
        r"expected end of expression, .*",
        f"there is more than one thing between the marks; {_EXAMPLE}",
    ),
    (r"""unexpected ["']\\?["']["']""", "a quotation mark is never closed"),
)


def words_of(error: LiquidError) -> str:
    """Return what is wrong, without a full stop."""
    said = str(error.args[0] if error.args else type(error).__name__).rstrip(".")
    for pattern, plain in _PLAIN:
        if found := re.fullmatch(pattern, said, re.DOTALL):
            return plain.format(**found.groupdict())
    return said[:_LONGEST]
