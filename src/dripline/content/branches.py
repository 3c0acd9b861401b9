"""Walk through a parsed template: what it asks for, whether it is simple, and its branches.

Every branch of a condition, and every turn of a loop, must leave the tags as it found them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from liquid import BoundTemplate
from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import (
    BooleanExpression,
    FilteredExpression,
    Path,
    PositionalArgument,
    StringLiteral,
)
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import IntegerLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.case_tag import CaseNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.static_analysis import TemplateAnalysis

from dripline.content.choices import MISSING, Choice, Part, Scopes, Test, Value
from dripline.content.markup import Markup


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that a template asks for, and where."""

    name: str  # such as `user.first_name`; an unscoped one has no dot
    offset: int
    guarded: bool  # stands with a default, in a condition or behind it, so it may be missing


def make_safe(nodes: Sequence[Node], markup: Markup) -> None:
    """Make the template's own text safe for Telegram, in place."""
    _walk(nodes, markup, None)


def _walk(nodes: Sequence[Node], markup: Markup, loop: object) -> None:
    for node in nodes:
        match node:
            case ContentNode():
                node.text = markup.text(node.text, node.token.start_index)
            case OutputNode():
                markup.value()
            case BreakNode() | ContinueNode() if markup.state() != loop:
                _unbalanced(markup, node, "here, where the loop is left,")
            case IfNode() | UnlessNode() | CaseNode() | ForNode():
                turns = markup.state() if isinstance(node, ForNode) else loop
                for block in _blocks(node):
                    _branch(block, markup, turns)


def _branch(block: Node, markup: Markup, loop: object) -> None:
    before, stack, quote = markup.state(), list(markup.stack), markup.quote
    _walk(_children(block), markup, loop)
    if markup.state() != before:
        _unbalanced(markup, block, "between these two marks")
    markup.stack, markup.quote = stack, quote


def _unbalanced(markup: Markup, node: Node, where: str) -> None:
    markup.report(
        max(node.token.start_index, 0),
        "error",
        "unbalanced-html",
        f"A tag is opened or closed {where} and not both: whichever branch is taken, "
        "the text must be whole.",
    )


def _blocks(node: Any) -> Iterator[Node]:
    match node:
        case IfNode() | UnlessNode():
            yield node.consequence
            for alternative in node.alternatives:
                yield alternative.block
        case CaseNode():
            for block in node.blocks:
                yield getattr(block, "block", block)
            return
        case ForNode():
            yield node.block
    if node.default:
        yield node.default


def _children(block: Node) -> Sequence[Node]:
    return block.nodes if isinstance(block, BlockNode) else [block]


def analysed(template: BoundTemplate) -> TemplateAnalysis:
    """Return what a template mentions, with its places."""
    return template.analyze(include_partials=False)


def uses_of(
    template: BoundTemplate, mentioned: TemplateAnalysis, where: Callable[[int], int]
) -> tuple[Use, ...]:
    """Return the variables a template asks for, local ones left out."""
    guarded = set(_guarded(template.nodes))
    found = mentioned.globals
    return tuple(
        Use(
            ".".join(str(segment) for segment in variable.segments[:2]),
            where(variable.span.index),
            variable.span.index in guarded,
        )
        for variables in found.values()
        for variable in variables
    )


def unknown_filters(
    template: BoundTemplate, mentioned: TemplateAnalysis
) -> Iterator[tuple[str, int]]:
    """Return filters that do not exist, with their places, in branches nobody takes too."""
    for name, spans in mentioned.filters.items():
        if name not in template.env.filters:
            yield from ((name, span.index) for span in spans)


def _guarded(nodes: Sequence[Node], asked: frozenset[str] = frozenset()) -> Iterator[int]:
    """Return where a variable may be missing; `asked` are those the branch has asked for."""
    for node in nodes:
        for expression in node.expressions():
            paths = _with_default(expression)
            yield from (path.token.start_index for path in paths)
            named = (path for path in _paths(expression) if str(path) in asked)
            yield from (path.token.start_index for path in named)
        if isinstance(node, IfNode | UnlessNode | CaseNode | ForNode):
            for block in _blocks(node):
                condition = _condition(node, block)
                names = {str(path) for path in _paths(condition)} if condition else ()
                yield from _guarded(_children(block), asked.union(names))
        if isinstance(node, IfNode | UnlessNode):
            for alternative in node.alternatives:
                yield from (path.token.start_index for path in _paths(alternative.expression))


def _with_default(expression: Any) -> Iterator[Path]:
    """Return what a default stands for; in a condition all, for it asks whether they are there."""
    if not isinstance(expression, FilteredExpression):
        yield from _paths(expression)
        return
    filters = expression.filters or ()
    defaults = [at for at, one in enumerate(filters) if one.name == "default"]
    if defaults:
        yield from _paths(expression.left)
        for one in filters[: defaults[-1]]:
            for argument in one.children():
                yield from _paths(argument)


def _condition(node: Any, block: Node) -> Any:
    """Return what must be so for a branch to be taken, where it says what is there."""
    if isinstance(node, IfNode) and block is node.consequence:
        return node.condition
    alternatives = node.alternatives if isinstance(node, IfNode | UnlessNode) else ()
    return next((one.expression for one in alternatives if one.block is block), None)


def _paths(expression: Any) -> Iterator[Path]:
    if isinstance(expression, Path):
        yield expression
    for child in expression.children():
        yield from _paths(child)


def simple_parts(nodes: Sequence[Node], fallbacks: Scopes) -> list[Part] | None:
    """Return a template as strings, look-ups and choices, or None when it takes more than that."""
    parts = _parts(nodes, fallbacks)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return parts


def _parts(nodes: Sequence[Node], fallbacks: Scopes) -> list[Part] | None:
    parts: list[Part] = []
    for node in nodes:
        part = _part(node, fallbacks)
        if part is None:
            return None
        parts.append(part)
    return parts


def _part(node: Node, fallbacks: Scopes) -> Part | None:
    if isinstance(node, ContentNode):
        return node.text
    if isinstance(node, IfNode | UnlessNode):
        return _choice(node, fallbacks)
    if not isinstance(node, OutputNode) or not isinstance(node.expression, FilteredExpression):
        return None
    left, filters = node.expression.left, node.expression.filters or []
    if not filters:
        return _value(left, None, fallbacks)
    only = filters[0]
    if len(filters) > 1 or only.name != "default" or len(only.args) != 1:
        return None
    argument = only.args[0]
    if not isinstance(argument, PositionalArgument) or not isinstance(
        argument.value, StringLiteral
    ):
        return None
    return _value(left, str(argument.value.value), fallbacks)


def _value(path: Any, default: str | None, fallbacks: Scopes) -> Value | None:
    if not isinstance(path, Path) or len(path.path) != 2:
        return None
    scope, name = path.path
    if not isinstance(scope, str) or not isinstance(name, str) or name in _SPECIAL:
        return None
    return Value(scope, name, default, fallbacks.get(scope, {}).get(name, MISSING))


def _choice(node: IfNode | UnlessNode, fallbacks: Scopes) -> Choice | None:
    blocks: list[tuple[Any, Node]] = [(node.condition, node.consequence)]
    blocks += [(one.expression, one.block) for one in node.alternatives]
    ways: list[tuple[Test | None, tuple[Part, ...]]] = []
    for condition, block in blocks:
        test = _test(condition, fallbacks)
        parts = _block(block, fallbacks)
        if test is None or parts is None:
            return None
        ways.append((test, parts))
    if isinstance(node, UnlessNode) and (first := ways[0][0]) is not None:
        ways[0] = (replace(first, negated=not first.negated), ways[0][1])
    if node.default:
        otherwise = _block(node.default, fallbacks)
        if otherwise is None:
            return None
        ways.append((None, otherwise))
    return Choice(tuple(ways))


def _block(block: Node, fallbacks: Scopes) -> tuple[Part, ...] | None:
    """Return a branch; one of blanks alone leaves nothing, as in Liquid."""
    if block.blank or not isinstance(block, BlockNode):
        return None
    parts = _parts(block.nodes, fallbacks)
    return None if parts is None else tuple(parts)


def _test(condition: Any, fallbacks: Scopes) -> Test | None:
    asked = condition.expression if isinstance(condition, BooleanExpression) else condition
    if isinstance(asked, Path):
        value = _value(asked, None, fallbacks)
        return Test(value, None) if value else None
    if not isinstance(asked, EqExpression | NeExpression):
        return None
    value = _value(asked.left, None, fallbacks)
    if value is None or not isinstance(asked.right, StringLiteral | IntegerLiteral):
        return None
    return Test(value, asked.right.value, isinstance(asked, NeExpression))


_SPECIAL: Final = frozenset({"size", "first", "last"})  # Liquid answers these for any list
