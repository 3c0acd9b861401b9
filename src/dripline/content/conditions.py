"""Lint segments: the conditions of messages, and whom broadcasts are for."""

from dripline.contacts.segments import Names, SegmentError, parse
from dripline.content.parse import ATTRIBUTES, BROADCASTS, Content
from dripline.content.shape import Node


def check(content: Content) -> None:
    """Note every segment that cannot be read, where the mistake stands."""
    folder = content.folder
    if folder is None or folder.unreadable(ATTRIBUTES) or folder.unreadable(BROADCASTS):
        return  # what segments ask for may well be there
    names = names_of(content)
    for scenario_id in content.scenario_ids:
        messages = Node.of_file(folder, f"scenarios/{scenario_id}/messages.json")
        given = messages.object("messages") if messages is not None else None
        for _, node in given.members() if given is not None else ():
            if isinstance(node.value, dict) and node.has("condition"):
                _check(node.at("condition"), "condition", names)
    if ("broadcasts", "broadcasts") in content.documents:
        registry = Node.of_file(folder, BROADCASTS)
        for node in registry.items("broadcasts") if registry is not None else ():
            if isinstance(node.value, dict):
                _check_broadcast(node, names)


def names_of(content: Content) -> Names:
    """Return the names that segments of this content may use."""
    declared = content.documents.get(("attributes", "attributes"), {}).get("attributes")
    broadcasts = content.documents.get(("broadcasts", "broadcasts"), {}).get("broadcasts", ())
    return Names(
        types_of(declared if isinstance(declared, dict) else {}),
        tuple(content.named_scenarios),
        tuple(str(body.get("id")) for body in broadcasts),
    )


def types_of(declared: dict[str, object]) -> dict[str, str]:
    """Return the declared attributes with their types; a text where nothing else is said."""
    return {
        name: str(spec.get("type") or "text")
        for name, spec in declared.items()
        if isinstance(spec, dict)
    }


def _check_broadcast(node: Node, names: Names) -> None:
    targeting = node.object("targeting")
    if targeting is not None and targeting.has("conditions"):
        conditions = targeting.at("conditions")
        if conditions.expect(list):
            _check(conditions, "targeting", names)
    if node.has("audience") and node.value["audience"] not in ("frozen", "live"):
        node.at("audience").report("audience", "“audience” is frozen or live.")
    node.text("bot", most=40)


def _check(node: Node, code: str, names: Names) -> None:
    try:
        parse(node.value, names)
    except SegmentError as error:
        place = node
        for step in error.path:
            place = place.at(step)
        place.report(code, error.plain)
