"""Liquid, compiled once and bounded: no code is run, no loop goes on for ever, nothing explodes."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from liquid import Environment, FalsyStrictUndefined
from liquid.exceptions import LiquidError, LiquidSyntaxError

from dripline.errors import TEMPLATE_RENDER_FAILED, Invalid, PermanentFailure

LONGEST_OUTPUT = 64 * 1024  # characters: sixteen messages of Telegram's longest
_LONGEST_VALUE = 64 * 1024
_MARKS = ("{{", "{%")


class BoundedEnvironment(Environment):
    """Liquid with limits on loops, nesting, output and what filters may make."""

    loop_iteration_limit = 1_000
    context_depth_limit = 20
    block_nesting_limit = 20
    local_namespace_limit = 64 * 1024
    output_stream_limit = LONGEST_OUTPUT


def _bounded(filter_function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a filter's result that is unreasonably long; chained filters multiply."""

    @wraps(filter_function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        result = filter_function(*args, **kwargs)
        if isinstance(result, str | list) and len(result) > _LONGEST_VALUE:
            raise LiquidError("a filter's result is too long", token=None)
        return result

    return bounded


def _environment(*, autoescape: bool) -> Environment:
    environment = BoundedEnvironment(undefined=FalsyStrictUndefined, autoescape=autoescape)
    for tag in ("include", "render", "echo", "liquid"):
        environment.tags.pop(tag, None)
    for name, function in list(environment.filters.items()):
        if not getattr(function, "with_environment", False) and not getattr(
            function, "with_context", False
        ):
            environment.filters[name] = _bounded(function)
    return environment


_HTML = _environment(autoescape=True)
_PLAIN = _environment(autoescape=False)


class Template:
    """A compiled text. Rendering one without any Liquid costs nothing."""

    __slots__ = ("_fixed", "_template", "source", "variables")

    def __init__(self, source: str, *, html: bool) -> None:
        """Compile `source`; with `html`, values are escaped.

        Raises Invalid (TEMPLATE_RENDER_FAILED) when it is no Liquid.
        """
        self.source = source
        self.variables: frozenset[str] = frozenset()
        self._fixed = source if not any(mark in source for mark in _MARKS) else None
        self._template = None
        if self._fixed is None:
            try:
                self._template = (_HTML if html else _PLAIN).from_string(source)
            except LiquidSyntaxError as error:
                raise Invalid(str(error), code=TEMPLATE_RENDER_FAILED) from None
            self.variables = _variables(self._template)

    def render(self, context: Mapping[str, Any]) -> str:
        """Return the text with values filled in; raises PermanentFailure (code `template`)."""
        if self._fixed is not None:
            return self._fixed
        assert self._template is not None  # noqa: S101 - one of the two is always there
        try:
            return self._template.render(**context)
        except (LiquidError, RecursionError) as error:
            raise PermanentFailure(f"the template failed: {error}", code="template") from None


def _variables(template: Any) -> frozenset[str]:
    found = template.analyze(include_partials=False).globals
    return frozenset(
        ".".join(str(segment) for segment in variable.segments)
        for variables in found.values()
        for variable in variables
    )
