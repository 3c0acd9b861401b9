"""The Liquid that templates are written in: no files, no clock, no end without a bound.

python-liquid has limits of its own; what slips past them is bounded here: chained filters that
multiply, ranges that are laid out before they are counted, formats that pad without end. All text
a value brings is escaped at the output and nowhere else, so no filter can smuggle a tag in.
"""

import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, Final, TextIO

from liquid import Environment, FalsyStrictUndefined, RenderContext, Token, TokenStream
from liquid.ast import Node
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.exceptions import FilterArgumentError, LoopIterationLimitError
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.token import TOKEN_CONTENT, TOKEN_ILLEGAL, TOKEN_OUTPUT
from liquid.undefined import is_undefined

from dripline.content import limits
from dripline.content.slots import slot
from dripline.content.telegram_html import escape

_TAGS: Final = frozenset(
    {"if", "unless", "case", "for", "break", "continue", "assign", "comment", "#"}
    | {TOKEN_CONTENT, TOKEN_OUTPUT, TOKEN_ILLEGAL}
)
# Files, markup and programs have no place in a message.
_NO_FILTERS: Final = ("safe", "escapejs")
# Output is escaped already; twice would show the entities.
_UNCHANGED: Final = ("escape", "escape_once", "newline_to_br")
_FORMAT: Final = re.compile(r"(?:[^%]|%[-^#]?[a-zA-Z%])*")


class BoundedEnvironment(Environment):
    """Liquid with limits on loops, nesting, local variables and output."""

    loop_iteration_limit = limits.LOOP_ITERATIONS
    context_depth_limit = limits.BLOCK_DEPTH + 4
    block_nesting_limit = limits.BLOCK_DEPTH
    local_namespace_limit = limits.LOCAL_BYTES
    output_stream_limit = limits.RENDERED_CHARACTERS * 4  # bytes


class _Work(threading.local):
    """How much one rendering has spent, and whether its values are to be set apart."""

    spent: int = 0
    marked: list[str] | None = None


_work = _Work()


def begin_rendering() -> None:
    """Give the next rendering in this thread its own budget."""
    _work.spent = 0


def mark_values(values: list[str] | None) -> None:
    """Let renderings in this thread write a slot for each value, and put the value here.

    What they write then depends on values only where a condition or a loop does. None ends it.
    """
    _work.marked = values


def environment(*, html: bool) -> Environment:
    """Return the environment of texts, whose values are escaped, or of plain strings."""
    made = BoundedEnvironment(undefined=FalsyStrictUndefined)
    for name in set(made.tags) - _TAGS:
        del made.tags[name]
    made.add_tag(_BoundedFor)
    if html:
        made.add_tag(_Escaped)
    for name in _NO_FILTERS:
        made.filters.pop(name, None)
    made.filters["date"] = _date
    if html:
        made.filters |= dict.fromkeys(_UNCHANGED, _text)
    for name, function in list(made.filters.items()):
        made.filters[name] = _bounded(name, function)
    return made


class _EscapedNode(OutputNode):
    """`{{ … }}` in Telegram's HTML."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value so that it reads as itself, or a slot for it."""
        value = to_liquid_string(self.expression.evaluate(context), False)  # noqa: FBT003
        if _work.marked is None:
            return buffer.write(escape(value))
        _work.marked.append(value)
        return buffer.write(slot(f"v{len(_work.marked) - 1}"))


class _Escaped(Output):
    node_class = _EscapedNode


class _BoundedIterable(Expression):
    """What a loop goes over, refused before it is laid out."""

    __slots__ = ("inner",)

    def __init__(self, token: Token, inner: Expression) -> None:
        super().__init__(token)
        self.inner = inner

    def __str__(self) -> str:
        return str(self.inner)

    def evaluate(self, context: RenderContext) -> object:
        """Return the list or range; raises LoopIterationLimitError when it is too long."""
        value = self.inner.evaluate(context)
        if not is_undefined(value) and _size(value) > limits.LOOP_ITERATIONS:
            raise LoopIterationLimitError(
                f"a loop of more than {limits.LOOP_ITERATIONS} turns", token=self.token
            )
        return value

    def children(self) -> list[Expression]:
        """Return what the linter looks into."""
        return [self.inner]


class _BoundedFor(ForTag):
    def parse(self, stream: TokenStream) -> Node:
        """Return the loop, its list behind a guard."""
        node = super().parse(stream)
        if isinstance(node, ForNode):
            node.expression.iterable = _BoundedIterable(node.token, node.expression.iterable)
        return node


def _size(value: object) -> int:
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    if isinstance(value, range):
        return max(0, (value.stop - value.start) // value.step)
    return 1


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that refuses to make, or to be given, more than a message could hold."""

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        _look(args)
        _foresee(name, args)
        result = function(*args, **kwargs)
        _look((result,))
        return result

    return bounded


def _look(values: tuple[Any, ...]) -> None:
    for value in values:
        if is_undefined(value):
            continue
        _work.spent += 50 + _size(value)
        if isinstance(value, str) and len(value) > limits.RENDERED_CHARACTERS:
            raise FilterArgumentError("a text grew too long", token=None)
        if isinstance(value, list | tuple | range) and _size(value) > limits.LIST_ITEMS:
            raise FilterArgumentError("a list grew too long", token=None)
        if isinstance(value, int) and abs(value) >= 10**limits.NUMBER_DIGITS:
            raise FilterArgumentError("a number grew too big", token=None)
    if _work.spent > limits.RENDER_WORK:
        raise FilterArgumentError("too much work for one message", token=None)


def _foresee(name: str, args: tuple[Any, ...]) -> None:
    """Refuse the filters whose result is a product, before it is made."""
    match name, args:
        case "replace", (str() as text, str() as old, str() as new):
            size = len(text) + text.count(old) * len(new)
        case "join", (list() as items, str() as glue):
            size = len(items) * len(glue) + sum(len(str(item)) for item in items)
        case _:
            return
    if size > limits.RENDERED_CHARACTERS:
        raise FilterArgumentError("a text grew too long", token=None)


def _text(value: object) -> str:
    return to_liquid_string(value, False)  # noqa: FBT003


def _date(value: object, layout: str = "%Y-%m-%d") -> str:
    """Return a moment in a layout of strftime, in UTC; what is no moment stays as it is."""
    if is_undefined(value) or value is None:
        return ""
    moment = _moment(value)
    if moment is None:
        return str(value)
    if len(layout) > 100 or not _FORMAT.fullmatch(layout):
        raise FilterArgumentError("this date layout is not allowed", token=None)
    return moment.strftime(layout)


def _moment(value: object) -> date | None:
    if value in ("now", "today"):
        raise FilterArgumentError("a template does not know the present moment", token=None)
    try:
        match value:
            case date():
                return value
            case str() if len(value) <= 40:
                return datetime.fromisoformat(value)
            case int():
                return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
