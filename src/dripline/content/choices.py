"""Templates that are plain: strings, look-ups, and choices between such lists.

What they say is what Liquid would say, in a tenth of the time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dripline.errors import PermanentFailure

Scopes = Mapping[str, Mapping[str, Any]]
MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Value:
    """`{{ scope.name | default: "…" }}`, and what stands for it when nobody fills it."""

    scope: str
    name: str
    default: str | None
    fallback: Any = MISSING


@dataclass(frozen=True, slots=True)
class Test:
    """`scope.name == "…"`, with `!=`, or whether there is anything."""

    value: Value
    equals: str | int | None  # None: whether there is anything
    negated: bool = False

    def holds(self, context: Scopes) -> bool:
        """Whether it is true, as Liquid sees it: only false and nothing are false."""
        scope = context.get(self.value.scope)
        fallback = self.value.fallback
        found = scope.get(self.value.name, fallback) if scope is not None else fallback
        if self.equals is None:
            true = found is not MISSING and found is not None and found is not False
        else:
            true = not isinstance(found, bool) and found == self.equals
        return true is not self.negated


@dataclass(frozen=True, slots=True)
class Choice:
    """`{% if … %}…{% elsif … %}…{% else %}…{% endif %}`: the first way whose test holds."""

    ways: tuple[tuple[Test | None, tuple["Part", ...]], ...]

    def parts(self, context: Scopes) -> tuple["Part", ...]:
        """Return what stands there for a contact."""
        for test, parts in self.ways:
            if test is None or test.holds(context):
                return parts
        return ()


Part = str | Value | Choice


def chosen(parts: Sequence[Part], context: Scopes) -> list[str | Value]:
    """Return what is left of parts when every choice is made."""
    found: list[str | Value] = []
    for part in parts:
        if isinstance(part, Choice):
            found += chosen(part.parts(context), context)
        else:
            found.append(part)
    return found


def folded(parts: Sequence[Part], constants: Scopes, shown: Callable[[Any], str]) -> list[Part]:
    """Return parts with what is known now filled in."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Choice):
            found.append(_folded_choice(part, constants, shown))
            continue
        known = MISSING if isinstance(part, str) else _known(part, constants)
        found.append(part if known is MISSING else shown(known))
    return found


def _folded_choice(choice: Choice, constants: Scopes, shown: Callable[[Any], str]) -> Choice:
    return Choice(
        tuple(
            (test and _folded_test(test, constants), tuple(folded(way, constants, shown)))
            for test, way in choice.ways
        )
    )


def _folded_test(test: Test, constants: Scopes) -> Test:
    """Return a test that knows what is known now; what a contact brings goes before."""
    known = constants.get(test.value.scope, {}).get(test.value.name, MISSING)
    return test if known is MISSING else replace(test, value=replace(test.value, fallback=known))


def looked_up(part: Value, context: Scopes) -> Any:
    """Return what stands there for a contact; raises PermanentFailure (code `template`)."""
    scope = context.get(part.scope)
    value = scope.get(part.name, part.fallback) if scope is not None else part.fallback
    if part.default is not None and (value is MISSING or _is_nothing(value)):
        return part.default
    if value is MISSING:
        raise PermanentFailure(
            f"the template failed: {part.scope}.{part.name} is unknown", code="template"
        )
    return value


def _known(part: Value, constants: Scopes) -> Any:
    if part.scope not in constants:
        return MISSING
    value = constants[part.scope].get(part.name, MISSING)
    if part.default is not None and (value is MISSING or _is_nothing(value)):
        return part.default
    return value


def _is_nothing(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})
