"""Layouts: MJML with variables, compiled once to the HTML around a message.

1. Liquid fills in what is known now (`bot.…`, `scenario.…`, `language`); what only a delivery
   knows becomes a slot.
2. mrml makes HTML of the MJML. It loads no fonts, and reads no other files.
3. Styles marked `inline="inline"` are kept, to be inlined together with a message's text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.undefined import is_undefined

from dripline.content.branches import analysed, uses_of
from dripline.content.choices import Scopes
from dripline.content.email import mjml, plain
from dripline.content.environment import begin_rendering, environment
from dripline.content.liquid import place_of
from dripline.content.liquid_words import words_of
from dripline.content.slots import SLOT, slot
from dripline.errors import TEMPLATE_RENDER_FAILED, Invalid

DEFAULT_LAYOUT: Final = "nurture_sequence"
SHIPPED: Final = ("nurture_sequence", "welcome_email")
# What a layout may ask for, and the slot it becomes; None: it is known when it is compiled.
VARIABLES: Final[Mapping[str, str | None]] = {
    "user_name": "username",
    "message_content": "body",
    "subject": "subject",
    "preheader": "preheader",
    "dashboard_url": None,
    "unsubscribe_url": "unsubscribe",
    "preferences_url": "preferences",
    "tracking_url": "pixel",
    "language": None,
}
# Those that an installation without an address of its own has none of; a layout may ask.
OF_PAGES: Final = ("unsubscribe_url", "preferences_url")
Sources = Mapping[str, Mapping[str, str]]  # by name, then by language; "" is any other

_INLINE_STYLE: Final = re.compile(
    r"<mj-style\b[^>]*\binline\s*=\s*[\"']inline[\"'][^>]*>(.*?)</mj-style\s*>", re.DOTALL
)
_PIXEL: Final = re.compile(rf"<img\b[^<>]*{slot('pixel')}[^<>]*>")
_KEPT: Final = 128


@dataclass(frozen=True, slots=True)
class Layout:
    """A compiled layout: HTML and plain text with slots, and the styles that are to be inlined.

    `defaults` stand for a user name that is missing, by the slot that asks for it.
    """

    html: str
    css: str
    plain: str
    defaults: Mapping[str, str] = field(default_factory=dict)


class Slotted(str):
    """A value that only a delivery knows; `default` gives it something to stand for it."""

    __slots__ = ("defaults", "name")

    name: str
    defaults: dict[str, str]


def compile_layout(
    source: str, scopes: Scopes, *, language: str, dashboard_url: str, has_pages: bool = True
) -> Layout:
    """Return a layout compiled; without pages there is no address to unsubscribe at.

    Raises Invalid (TEMPLATE_RENDER_FAILED, `offset`).
    """
    for at, message in mjml.problems(source):
        raise Invalid(message, code=TEMPLATE_RENDER_FAILED, offset=at)
    defaults: dict[str, str] = {}
    try:
        begin_rendering()
        text = _LIQUID.from_string(source).render(
            **{name: _given(values) for name, values in scopes.items()},
            **_given(
                _values(defaults, language=language, dashboard_url=dashboard_url)
                | ({} if has_pages else dict.fromkeys(OF_PAGES, ""))
            ),
        )
    except LiquidError as error:
        at = place_of(error, source, _LIQUID)
        raise Invalid(
            f"Liquid: {words_of(error)}.", code=TEMPLATE_RENDER_FAILED, offset=at
        ) from None
    css = "\n".join(_INLINE_STYLE.findall(text))
    html = _PIXEL.sub(slot("pixel"), to_html(_INLINE_STYLE.sub("", text)))
    if html.count(slot("body")) != 1:
        raise Invalid(
            "A layout says {{ message_content }} once: there the message stands.",
            code=TEMPLATE_RENDER_FAILED,
            offset=0,
        )
    return Layout(html, css, plain.of_layout(html.replace(slot("pixel"), "")), defaults)


def liquid_of(source: str) -> list[tuple[str, int, bool]]:
    """Return the variables of a layout: name, place, whether it may be missing.

    Raises Invalid (TEMPLATE_RENDER_FAILED, `offset`).
    """
    try:
        template = _LIQUID.from_string(source)
    except LiquidError as error:
        at = place_of(error, source, _LIQUID)
        raise Invalid(
            f"Liquid: {words_of(error)}.", code=TEMPLATE_RENDER_FAILED, offset=at
        ) from None
    uses = uses_of(template, analysed(template), int)
    return [(use.name, use.offset, use.guarded) for use in uses]


def to_html(source: str) -> str:
    """Return MJML as HTML. Raises Invalid (TEMPLATE_RENDER_FAILED)."""
    import mrml  # here, so that who sends no emails does not hold it in memory

    # Once more, for loops can nest what the source does not; too deep would end the process.
    for _at, message in mjml.problems(source):
        raise Invalid(f"MJML: {message}", code=TEMPLATE_RENDER_FAILED, offset=0)
    try:
        made = mrml.to_html(source, render_options=mrml.RenderOptions(fonts={}))
    except OSError as error:
        raise Invalid(f"MJML: {error}.", code=TEMPLATE_RENDER_FAILED, offset=0) from None
    return str(made.content)


def _values(defaults: dict[str, str], *, language: str, dashboard_url: str) -> dict[str, str]:
    known = {"language": language or "en", "dashboard_url": dashboard_url}
    values: dict[str, str] = dict(known)
    for name, slot_name in VARIABLES.items():
        if slot_name is not None:
            value = Slotted(slot(slot_name))
            value.name, value.defaults = slot_name, defaults
            values[name] = value
    return values


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values so that an empty one is none: in Liquid, an empty text is true."""
    return {name: None if value == "" else value for name, value in values.items()}


def _default(value: Any, other: Any = "", **_options: Any) -> Any:
    if isinstance(value, Slotted):
        name = f"{value.name}{len(value.defaults)}"
        value.defaults[name] = str(other)
        return slot(name)
    return other if is_undefined(value) or value in (None, False, "", [], {}) else value


def _environment() -> Environment:
    made = environment(html=True)
    made.filters["default"] = _default
    return made


_LIQUID: Final = _environment()


@cache
def shipped() -> Sources:
    """Return the layouts that ship."""
    folder = files("dripline.content.email") / "layouts"
    return {name: {"": (folder / f"{name}.mjml").read_text("utf-8")} for name in SHIPPED}


class Layouts:
    """The layouts of one content, compiled when they are first asked for."""

    def __init__(self, own: Sources, constants: Scopes) -> None:
        self._sources = {**shipped()}
        for name, by_language in own.items():
            self._sources[name] = {**self._sources.get(name, {}), **by_language}
        self._constants = constants
        self._compiled: dict[tuple[str, str, str, bool], Layout] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all layouts."""
        return tuple(self._sources)

    def compiled(
        self, name: str, language: str, bot_url: str | None, *, has_pages: bool = True
    ) -> Layout:
        """Return a layout in a language. Raises Invalid for one that is unknown or broken.

        `bot_url` is where the dashboard is, where the globals name none.
        """
        language = language.lower().replace("_", "-")
        dashboard = str(self._constants.get("bot", {}).get("dashboard_url") or bot_url or "")
        key = (name, language, dashboard, has_pages)
        if key not in self._compiled:
            if len(self._compiled) >= _KEPT:
                self._compiled.clear()
            self._compiled[key] = compile_layout(
                self._source(name, language),
                self._constants,
                language=language.partition("-")[0],
                dashboard_url=dashboard,
                has_pages=has_pages,
            )
        return self._compiled[key]

    def _source(self, name: str, language: str) -> str:
        by_language = self._sources.get(name)
        if by_language is None:
            raise Invalid(f"There is no layout {name}.", code=TEMPLATE_RENDER_FAILED, offset=0)
        found = by_language.get(language) or by_language.get(language.partition("-")[0])
        return found or by_language.get("") or next(iter(by_language.values()))


def slots_of(layout: Layout) -> frozenset[str]:
    """Return what a layout leaves to be filled."""
    return frozenset(match[1] for match in SLOT.finditer(layout.html))
