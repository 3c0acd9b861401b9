"""Templates, compiled once and rendered a million times.

1. Markdown becomes Telegram's HTML; Liquid passes through.
2. Liquid is parsed, its own text made safe for Telegram in every branch.
3. A text without Liquid is a string. One of plain `{{ scope.name }}` (with a default, if need be)
   and plain conditions is a list of strings, look-ups and choices of ours (`choices.py`). Anything
   else is rendered by python-liquid, bounded.

What the installation's globals and the scenario itself fill is filled in at step 3 already.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Final, cast

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError
from liquid.stringify import to_liquid_string

from dripline.content import limits, markdown, markdown_v2
from dripline.content.branches import (
    Use,
    analysed,
    make_safe,
    simple_parts,
    unknown_filters,
    uses_of,
)
from dripline.content.choices import Choice, Part, Scopes, Value, chosen, folded, looked_up
from dripline.content.environment import begin_rendering, environment, mark_values
from dripline.content.links import safe_link
from dripline.content.liquid_words import words_of
from dripline.content.markup import Markup, Report
from dripline.content.slots import slot
from dripline.content.telegram_html import escape
from dripline.errors import TEMPLATE_RENDER_FAILED, Invalid, PermanentFailure

_HTML: Final = environment(html=True)
_PLAIN: Final = environment(html=False)
_LINK: Final = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
_TAG: Final = re.compile(r"\{%-?\s*(\w+)")
_ENDS: Final = frozenset(
    f"end{name}"
    for name in ("if", "unless", "case", "for", "tablerow", "capture", "comment", "raw")
)
_MANY_LINES: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which tags a text may have, and what Markdown becomes in it."""

    markup: type[Markup] = Markup
    blocks: markdown.Blocks | None = None


_TELEGRAM: Final = Dialect()
HTML, MARKDOWN, MARKDOWN_V2 = "html", "markdown", "markdownv2"
FORMS: Final = (HTML, MARKDOWN, MARKDOWN_V2)


@dataclass(frozen=True, slots=True)
class Shape:
    """A text with slots `v0`, `v1`, … for its values, as they are before they are escaped."""

    text: str
    values: Sequence[str]


class Template:
    """A compiled text."""

    __slots__ = ("_bases", "_dialect", "_failure", "_has_choices", "_html", "_links", "_liquid",
                 "_parts", "_shown", "_text", "source", "uses", "variables")  # fmt: skip

    def __init__(
        self,
        source: str,
        *,
        html: bool,
        form: str = HTML,
        constants: Scopes | None = None,
        fallbacks: Scopes | None = None,
        report: Report | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        """Compile `source`, by default in Telegram's HTML; `form` is one of `FORMS`.

        `constants` are scopes that are known now, `fallbacks` stand for what nobody fills.
        What is wrong goes to `report`; without one the first error is raised as Invalid
        (TEMPLATE_RENDER_FAILED).
        """
        self.source = source
        self._dialect = dialect or _TELEGRAM
        self.uses: tuple[Use, ...] = ()
        self.variables: frozenset[str] = frozenset()
        self._html = html
        self._links = False
        self._liquid: BoundTemplate | None = None
        self._failure: str | None = None
        self._bases: dict[str, dict[str, Any]] = {}
        self._parts: list[Part] = []  # empty where it takes Liquid itself
        self._has_choices = False
        self._shown: list[str | Value] = []  # as parts, with nothing filled in
        self._text: str | None = None
        self._compile(constants or {}, fallbacks or {}, report or _raise, form)

    @classmethod
    def failing(cls, source: str, reason: str) -> "Template":
        """Return a template whose every rendering fails, for a text that cannot be compiled."""
        template = cls("", html=False)
        template.source, template._text, template._failure = source, None, reason
        return template

    @property
    def is_fixed(self) -> bool:
        """Whether everybody gets the same text."""
        return self._text is not None

    def render(self, context: Scopes) -> str:
        """Return the text with values filled in; raises PermanentFailure (code `template`)."""
        if self._text is not None:
            return self._text
        if self._failure is not None:
            raise PermanentFailure(self._failure, code="template")
        text = self._by_parts(context) if self._parts else self._by_liquid(context)
        if self._links:
            text = _LINK.sub(_checked_link, text)
        if len(text) > limits.RENDERED_CHARACTERS:
            raise PermanentFailure("the text is too long when rendered", code="template")
        return text

    def shape(self, context: Scopes) -> Shape:
        """Return the text and its values apart; raises PermanentFailure (code `template`).

        Contacts of whom the same conditions are true have the same text.
        """
        if self._text is not None:
            return Shape(self._text, ())
        if self._failure is not None:
            raise PermanentFailure(self._failure, code="template")
        values: list[str] = []
        if self._parts:
            text = self._shape_of_parts(context, values)
        else:
            mark_values(values)
            try:
                text = self._by_liquid(context)
            finally:
                mark_values(None)
        if len(text) + sum(map(len, values)) > limits.RENDERED_CHARACTERS:
            raise PermanentFailure("the text is too long when rendered", code="template")
        return Shape(text, values)

    def demonstrate(self) -> str:
        """Return the text with variables shown by name, such as `__scenario.product_name__`."""
        if self._failure is not None:
            return self._failure
        if self._liquid is None:
            return "".join(
                part if isinstance(part, str) else self._out(f"__{part.scope}.{part.name}__")
                for part in self._shown
            )
        names = {use.name.partition(".")[0] for use in self.uses}
        shown = {name: _Shown(name) for name in names}
        try:
            return self._by_liquid(shown, bases=False)
        except PermanentFailure:
            return self._out(self.source)

    def _by_parts(self, context: Scopes) -> str:
        parts = self._chosen(context)
        text = "".join(
            [
                part if isinstance(part, str) else self._out(looked_up(part, context))
                for part in parts
            ]
        )
        return _tidy(text) if self._has_choices else text

    def _shape_of_parts(self, context: Scopes, values: list[str]) -> str:
        out: list[str] = []
        for part in self._chosen(context):
            if isinstance(part, str):
                out.append(part)
                continue
            out.append(slot(f"v{len(values)}"))
            value = looked_up(part, context)
            values.append(value if isinstance(value, str) else to_liquid_string(value, False))  # noqa: FBT003
        text = "".join(out)
        return _tidy(text) if self._has_choices else text

    def _chosen(self, context: Scopes) -> Sequence[str | Value]:
        """Return the parts of the ways that a contact takes."""
        return (
            chosen(self._parts, context)
            if self._has_choices
            else cast("list[str | Value]", self._parts)
        )

    def _out(self, value: Any) -> str:
        text = value if isinstance(value, str) else to_liquid_string(value, False)  # noqa: FBT003
        return escape(text) if self._html else text

    def _by_liquid(self, context: Scopes, *, bases: bool = True) -> str:
        assert self._liquid is not None  # noqa: S101 - the caller has looked
        begin_rendering()
        scopes: dict[str, Any] = {**self._bases} if bases else {}
        for name, values in context.items():
            base = scopes.get(name)
            scopes[name] = {**base, **values} if base else values
        try:
            text = self._liquid.render(**scopes)
        except LiquidError as error:
            raise PermanentFailure(
                f"the template failed: {words_of(error)}", code="template"
            ) from None
        except Exception as error:
            # Filters do arithmetic on whatever a contact has brought; no failure of theirs may
            # harm more than this one message.
            reason = f"the template failed: {type(error).__name__}: {error}"
            raise PermanentFailure(reason[:500], code="template") from error
        return _tidy(text)

    def _compile(self, constants: Scopes, fallbacks: Scopes, report: Report, form: str) -> None:
        if len(self.source) > limits.TEMPLATE_CHARACTERS:
            most = limits.TEMPLATE_CHARACTERS
            report(0, "error", "template-too-big", f"A template has at most {most:,} characters.")
            return
        marks = self.source.count("{{") + self.source.count("{%")
        if marks > limits.TEMPLATE_MARKS:
            most = limits.TEMPLATE_MARKS
            report(0, "error", "template-too-big", f"A template has at most {most} Liquid marks.")
            return
        source = self.source.replace("\r\n", "\n") if "\r" in self.source else self.source
        where: Callable[[int], int] = int
        if form != HTML and self._html:
            if marks and not _parsed(source, self._environment, report, where):
                return
            if form == MARKDOWN_V2:
                converted = markdown_v2.to_html(source)
            else:
                converted = markdown.to_html(source, self._dialect.blocks)
            source, where = converted.html, converted.source_offset

        def tell(offset: int, severity: str, code: str, message: str) -> None:
            report(where(offset), severity, code, message)

        if not marks:
            self._fixed(self._dialect.markup(tell), source)
            return
        template = _parsed(source, self._environment, report, where)
        if template is not None:
            self._from_liquid(template, source, tell, constants, fallbacks, where)

    @property
    def _environment(self) -> Environment:
        return _HTML if self._html else _PLAIN

    def _fixed(self, markup: Markup, source: str) -> None:
        if self._html:
            source = markup.text(source.strip(), len(source) - len(source.lstrip()))
            markup.end(len(source))
        self._text = source.strip()
        self._shown = [self._text]

    def _from_liquid(
        self,
        template: BoundTemplate,
        source: str,
        tell: Report,
        constants: Scopes,
        fallbacks: Scopes,
        where: Callable[[int], int],
    ) -> None:
        if self._html:
            markup = self._dialect.markup(tell)
            make_safe(template.nodes, markup)
            markup.end(len(source))
            self._links = markup.has_open_links
        mentioned = analysed(template)
        for name, offset in unknown_filters(template, mentioned):
            tell(offset, "error", "liquid", f"Liquid: there is no filter {name}.")
        self.uses = uses_of(template, mentioned, where)
        self.variables = frozenset(use.name for use in self.uses)
        simple = simple_parts(template.nodes, fallbacks)
        self._has_choices = simple is not None and any(isinstance(one, Choice) for one in simple)
        if simple is None or self._has_choices:
            self._liquid = template
            self._bases = _bases(self.variables, constants, fallbacks)
        else:
            self._shown = cast("list[str | Value]", simple)
        self._fold(simple, constants)

    def _fold(self, simple: Sequence[Part] | None, constants: Scopes) -> None:
        """Fill in what is known now."""
        self._parts = folded(simple or (), constants, self._out)
        if simple is not None and all(isinstance(part, str) for part in self._parts):
            text = "".join(str(part) for part in self._parts)
            self._text = _LINK.sub(_checked_link, text) if self._links else text


class _Shown(dict[str, str]):
    """A scope that answers every name with the name itself."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    def __missing__(self, name: str) -> str:
        return f"__{self._scope}.{name}__"


def _tidy(text: str) -> str:
    """Return a text without the empty lines that branches leave."""
    return (_MANY_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def _bases(variables: frozenset[str], constants: Scopes, fallbacks: Scopes) -> dict[str, Any]:
    """Return the scopes to begin a rendering with, no bigger than what is asked for."""
    bases: dict[str, dict[str, Any]] = {name: dict(values) for name, values in constants.items()}
    for variable in variables:
        scope, _, name = variable.partition(".")
        if name in fallbacks.get(scope, ()):
            bases.setdefault(scope, {}).setdefault(name, fallbacks[scope][name])
    return bases


def _parsed(
    source: str, liquid: Environment, report: Report, where: Callable[[int], int]
) -> BoundTemplate | None:
    try:
        return liquid.from_string(source)
    except LiquidError as error:
        report(
            where(place_of(error, source, liquid)), "error", "liquid", f"Liquid: {words_of(error)}."
        )
    except RecursionError:
        report(0, "error", "liquid", "Liquid: this expression is nested too deeply.")
    return None


def place_of(error: LiquidError, source: str, liquid: Environment) -> int:
    """Return where a mistake is; the parser does not always know, so we look at each mark."""
    token = error.token
    if token is not None and token.start_index >= 0 and token.source == source:
        return token.start_index
    unclosed = _unclosed(source)
    if unclosed is not None:
        return unclosed
    for mark in markdown.LIQUID.finditer(source):
        if not mark[0].startswith("{{"):
            continue
        try:
            liquid.from_string(mark[0])
        except (LiquidError, RecursionError):
            return mark.start()
    first = markdown.LIQUID.search(source)
    return first.start() if first else 0


def _unclosed(source: str) -> int | None:
    """Return where a tag begins that is never ended; the parser only knows of the end."""
    opened: list[tuple[str, int]] = []
    for mark in _TAG.finditer(source):
        name = mark[1]
        if f"end{name}" in _ENDS:
            opened.append((name, mark.start()))
        elif name in _ENDS and opened and opened[-1][0] == name.removeprefix("end"):
            opened.pop()
    return opened[-1][1] if opened else None


def _checked_link(match: re.Match[str]) -> str:
    """Return a link that a value has completed, or only its text when it may not be sent."""
    link = safe_link(unescape(match[1]))
    return match[2] if link is None else f'<a href="{escape(link)}">{match[2]}</a>'


def _raise(offset: int, severity: str, code: str, message: str) -> None:
    if severity == "error":
        raise Invalid(message, code=TEMPLATE_RENDER_FAILED, offset=offset, problem=code)
