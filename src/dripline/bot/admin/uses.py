"""Where a scenario is used, so that nobody deletes what others lead to."""

from collections.abc import Iterator, Mapping
from typing import Any

from dripline.bot.admin.catalog import name_of
from dripline.bot.admin.desk import shown
from dripline.content.edit import State
from dripline.texts import gettext as _


def uses_of(state: State, scenario_id: str, language: str | None) -> list[str]:
    """Return the places that lead to a scenario, in words (HTML)."""
    found: list[str] = []
    for (kind, key), body in state.documents.items():
        if kind == "scenario" and key != scenario_id:
            name = shown(name_of(state, key))
            for number, spec in _numbered(body):
                if _leads(spec, scenario_id):
                    found.append(_in_scenario(number, name, language))
        elif kind == "buttons":
            sets = body.get("button_sets", {})
            found += [
                _("the shared buttons “{name}”", language, name=shown(str(name)))
                for name, one in sets.items()
                if _leads(one, scenario_id)
            ]
        elif kind not in {"scenario", "registry"} and _leads(body, scenario_id):
            found.append(_in_room(kind, language))
    return found


def _numbered(body: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    for number, key in enumerate(body.get("order", ()), 1):
        yield number, body["messages"][key]
    if body.get("summary"):
        yield 0, body["summary"]


def _in_scenario(number: int, name: str, language: str | None) -> str:
    if not number:
        return _("the summary of “{name}”", language, name=name)
    return _("message {n} of “{name}”", language, n=number, name=name)


def _in_room(kind: str, language: str | None) -> str:
    match kind:
        case "broadcasts":
            return _("a broadcast", language)
        case "lifecycle":
            return _("the rules of states and programs", language)
        case _:
            return kind


def _leads(value: Any, scenario_id: str) -> bool:
    """Whether a value names a scenario: by its id alone, or in a link that starts it."""
    if isinstance(value, Mapping):
        return any(_leads(one, scenario_id) for one in value.values())
    if isinstance(value, list):
        return any(_leads(one, scenario_id) for one in value)
    if not isinstance(value, str):
        return False
    if value == scenario_id:
        return True
    _, link, rest = value.partition(f"start={scenario_id}")
    return bool(link) and not (rest[:1].isalnum() or rest[:1] in {"-", "_"})
