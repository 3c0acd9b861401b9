"""From a draft to the document that is checked, shown and saved."""

from collections.abc import Mapping
from typing import Any

from dripline.content.check_documents import Checked, check_scenario
from dripline.content.compile import Making, compile_scenario, scopes
from dripline.content.conditions import types_of
from dripline.content.diff import Documents, retired
from dripline.content.document import DEMO, Message, Scenario
from dripline.content.edit import State
from dripline.content.finish import finished as finished
from dripline.content.finish import finished_broadcast as finished_broadcast
from dripline.content.rendered import Button, Rendered
from dripline.content.variables import fallbacks


def checked(documents: Documents, scenario_id: str, body: Mapping[str, Any]) -> Checked:
    """Check a draft by the rules of `content check`."""
    return check_scenario(documents, scenario_id, finished(body, scenario_id))


def compiled(state: State, body: Mapping[str, Any], before: Mapping[str, Any] | None) -> Scenario:
    """Return a document as the engine would have it."""
    edited = {**body, "retired": retired(before, body["order"])}
    return compile_scenario(
        edited,
        revision=0,
        button_sets=_shared(state.documents, "buttons", "button_sets"),
        variables=_shared(state.documents, "globals", "variables"),
        paused=False,
        attributes=attribute_defaults(state.documents),
    )


def message_of(documents: Documents, config: Mapping[str, Any], spec: Mapping[str, Any]) -> Message:
    """Return one message as the engine would have it."""
    making = Making(
        _shared(documents, "buttons", "button_sets"),
        scopes(config, _shared(documents, "globals", "variables")),
        fallbacks(attribute_defaults(documents)),
    )
    return making.message("preview", spec)


def attribute_defaults(documents: Documents) -> dict[str, Any]:
    """Return the declared attributes with their defaults."""
    declared = _shared(documents, "attributes", "attributes")
    return {
        name: spec.get("default", "") if isinstance(spec, dict) else ""
        for name, spec in declared.items()
    }


def _shared(documents: Documents, kind: str, key: str) -> Mapping[str, Any]:
    found = documents.get((kind, kind), {}).get(key)
    return found if isinstance(found, Mapping) else {}


def global_names(documents: Documents) -> list[str]:
    """Return the names of the variables of the whole bot."""
    return sorted(_shared(documents, "globals", "variables"))


def button_sets(documents: Documents) -> list[str]:
    """Return the names of the shared button sets."""
    return sorted(_shared(documents, "buttons", "button_sets"))


def broadcast_ids(state: State) -> list[str]:
    """Return the ids of the content's broadcasts."""
    document = state.documents.get(("broadcasts", "broadcasts"), {})
    return [str(one.get("id")) for one in document.get("broadcasts") or ()]


def taken_ids(state: State, *, broadcast: bool) -> set[str]:
    """Return the ids that a new scenario, or broadcast, cannot have: of deleted scenarios too."""
    if broadcast:
        return set(broadcast_ids(state))
    return {key for kind, key in state.heads if kind == "scenario"}


def broadcast_entry(documents: Documents, broadcast_id: str) -> dict[str, Any] | None:
    """Return a broadcast as content lists it, or None."""
    return entry_of(documents.get(("broadcasts", "broadcasts"), {}), broadcast_id)


def entry_of(document: Mapping[str, Any], broadcast_id: str) -> dict[str, Any] | None:
    """Return a broadcast as the document of all of them lists it, or None."""
    for one in document.get("broadcasts") or ():
        if one.get("id") == broadcast_id:
            return dict(one)
    return None


def broadcast_names(state: State) -> dict[str, str]:
    """Return what the content's broadcasts are called, by id."""
    document = state.documents.get(("broadcasts", "broadcasts"), {})
    entries = document.get("broadcasts") or ()
    return {str(one.get("id")): str(one.get("name") or one.get("id")) for one in entries}


def attribute_kinds(documents: Documents) -> Mapping[str, str]:
    """Return the types of the declared attributes."""
    return types_of(dict(_shared(documents, "attributes", "attributes")))


def preview(message: Message, user: Mapping[str, Any], language: str) -> Rendered:
    """Return a message as this contact would get it; its buttons move nobody.

    What a trigger brings along is shown by its name. Raises PermanentFailure when its template
    fails.
    """
    return harmless(message.render(_scopes(message, user), language))


def left_out(message: Message, user: Mapping[str, Any], language: str) -> list[str]:
    """Return what is written on the buttons that this contact would not get."""
    scopes = _scopes(message, user)
    return [
        button.demonstrate(language).text
        for row in message.keyboard
        for button in row
        if button.render(scopes, language) is None
    ]


def _scopes(message: Message, user: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    names = [one.split(".")[1] for one in message.variables if one.startswith("context.")]
    return {"user": dict(user), "context": {name: f"__context.{name}__" for name in names}}


def harmless(rendered: Rendered) -> Rendered:
    """Return a message whose buttons only show what they look like; links still lead somewhere."""
    rows = tuple(
        tuple(
            Button("callback", button.text, DEMO) if button.kind == "callback" else button
            for button in row
        )
        for row in rendered.keyboard
    )
    return Rendered(rendered.text, rendered.media, rows)
