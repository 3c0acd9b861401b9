"""Parameters of the address that an endpoint does not know are refused: they would be ignored."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant

from dripline.errors import Invalid


def known(dependant: Dependant) -> frozenset[str]:
    """Return the query parameters of an endpoint, those of what it depends on among them."""
    return frozenset(_names(dependant))


def check(request: Request, names: frozenset[str]) -> None:
    """Raise Invalid for a parameter that is none of these."""
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in names]
    if not unknown:
        return
    known_ones = sorted(names)
    there_are = f"it knows {', '.join(known_ones)}" if known_ones else "it takes none"
    raise Invalid(
        f"There is no parameter “{unknown[0][:60]}” here; {there_are}.",
        fields=[{"where": f"query.{name[:60]}", "problem": "Unknown"} for name in unknown[:20]],
        known=known_ones,
    )


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)
