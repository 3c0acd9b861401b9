"""Lint emails: subjects, templates of their own, and layouts."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from dripline.content import variables
from dripline.content.compile import scopes
from dripline.content.email import mjml
from dripline.content.email.dialect import EMAIL
from dripline.content.email.form import SUBJECT_CHARACTERS
from dripline.content.email.layout import OF_PAGES, SHIPPED, VARIABLES, compile_layout, liquid_of
from dripline.content.liquid import HTML
from dripline.content.parse import LAYOUTS
from dripline.content.shape import Node
from dripline.errors import Invalid

if TYPE_CHECKING:
    from dripline.content.check_templates import Linter

_LONG_SUBJECT: Final = 78  # phones show about half of it
_BREAK: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_NEEDED: Final = "unsubscribe_url"
_LATE: Final = frozenset(
    name for name, slot in VARIABLES.items() if slot is not None and name not in OF_PAGES
)
_CONDITION: Final = re.compile(
    r"\{%-?\s*(?:if|elsif|unless|case|for|assign)\b(.*?)-?%\}", re.DOTALL
)
_REMOTE: Final = re.compile(r"<mj-font\b|<link\b|@import\b")


def check_email(
    linter: "Linter", node: Node, spec: Mapping[str, Any], config: Mapping[str, Any]
) -> None:
    """Lint what a message says of its email; `node` is the message's `email`."""
    constants = scopes(config, linter.globals)
    for language, text in (spec.get("texts") or {}).items():
        place = spec["places"][language]
        linter.template(
            place,
            text.replace("\r\n", "\n"),
            0,
            constants,
            html=True,
            form=spec.get("format") or HTML,
            dialect=EMAIL,
        )
    for name in ("subject", "preheader"):
        by_language = node.at(f"{name}s")
        for one in (node.at(name), *(inner for _, inner in by_language.members())):
            if isinstance(one.value, str):
                _check_line(linter, one, name, constants)
    check_layout_name(linter, node)


def check_layout_name(linter: "Linter", node: Node) -> None:
    """Say when a layout is named that nobody has."""
    name = node.value.get("layout") if isinstance(node.value, dict) else None
    known = [*linter.layouts, *SHIPPED]
    if not isinstance(name, str) or name in known:
        return
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(set(known)))}."
    node.at("layout").report("unknown-layout", f"There is no layout {name}{hint}")


def _check_line(linter: "Linter", node: Node, name: str, constants: Mapping[str, Any]) -> None:
    if _BREAK.search(node.value):
        node.report(
            "header", f"A {name} is one line; delete the line break or control character in it."
        )
    template = linter.plain(node, constants)
    length = len(template.demonstrate())
    if length > SUBJECT_CHARACTERS:
        node.report(
            "long-subject",
            f"A {name} has at most {SUBJECT_CHARACTERS} characters; this one has about {length}.",
        )
    elif name == "subject" and length > _LONG_SUBJECT:
        node.report(
            "long-subject",
            f"About {length} characters: mail programs cut a subject after {_LONG_SUBJECT}.",
            "warning",
        )


def check_layouts(linter: "Linter") -> None:
    """Lint every layout of the folder."""
    for name, by_language in linter.layouts.items():
        for language, source in by_language.items():
            place = f"{LAYOUTS}/{name}{'.' if language else ''}{language}.mjml"
            _check_layout(linter, place, source, language)


def _check_layout(linter: "Linter", place: str, source: str, language: str) -> None:
    def report(offset: int, severity: Any, code: str, message: str) -> None:
        linter.folder.report(place, offset, severity, code, message)

    broken = list(mjml.problems(source))
    for at, message in broken:
        report(at, "error", "mjml", message)
    try:
        names = liquid_of(source)
    except Invalid as error:
        report(int(str(error.details["offset"])), "error", "liquid", error.message)
        return
    for name, at, guarded in names:
        _check_use(linter, name, at, report, guarded=guarded)
    found = {name for name, _at, _guarded in names}
    if _NEEDED not in found:
        report(
            0,
            "error",
            "no-unsubscribe",
            "A layout has {{ unsubscribe_url }}: whoever gets emails can leave them.",
        )
    if "tracking_url" not in found:
        report(
            0,
            "warning",
            "no-pixel",
            'Opens go unnoticed without <img src="{{ tracking_url }}" width="1" height="1">.',
        )
    for match in _CONDITION.finditer(source):
        for word in re.findall(r"[a-z_]+", match[1]):
            if word in _LATE:
                report(
                    match.start(),
                    "error",
                    "late-variable",
                    f"{word} is only known when an email goes out; a layout cannot ask here.",
                )
    for match in _REMOTE.finditer(source):
        report(
            match.start(),
            "warning",
            "remote",
            "This is loaded from elsewhere when an email is read; most mail programs refuse.",
        )
    if not broken and "bot" not in linter.unread:
        _compile(linter, source, language, report)


def _compile(linter: "Linter", source: str, language: str, report: Any) -> None:
    try:
        compile_layout(
            source,
            scopes({"id": "", "name": ""}, linter.globals),
            language=language,
            dashboard_url="https://example.com",
        )
    except Invalid as error:
        code = "liquid" if error.message.startswith("Liquid:") else "mjml"
        report(error.details.get("offset", 0), "error", code, error.message)


def _check_use(linter: "Linter", name: str, at: int, report: Any, *, guarded: bool) -> None:
    scope, dot, inner = name.partition(".")
    known = {"bot": set(linter.globals), "scenario": set(variables.known("scenario"))}
    if (not dot and scope in VARIABLES) or inner in known.get(scope, ()) or scope in linter.unread:
        return
    if scope == "bot" and inner and guarded:
        return  # such as a brand's colour, which not everybody defines
    near = get_close_matches(name, VARIABLES, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    report(
        at,
        "error",
        "unknown-variable",
        f"A layout has no {name}, but {', '.join(VARIABLES)}, bot.… and scenario.….{hint}",
    )
