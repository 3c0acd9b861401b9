"""Lint how messages hang together: waits nobody can end, buttons nobody hears, lost scenarios."""

from collections.abc import Iterator, Mapping
from typing import Any

from dripline.content.compile import wait
from dripline.content.parse import REGISTRY, Content
from dripline.content.shape import Node

Spec = Mapping[str, Any]


def check(content: Content) -> None:
    """Note what only shows when all messages are seen together."""
    folder = content.folder
    registry = Node.of_file(folder, REGISTRY) if folder is not None else None
    if folder is None or registry is None:
        return
    buttons = [button for spec in _all_specs(content) for button in _buttons(content, spec)]
    pressed = {str(b.get("callback_data")) for b in buttons if b.get("type") == "callback"}
    awaited: set[str] = set()
    for scenario_id in content.scenario_ids:
        awaited |= _check_waits(content, scenario_id, pressed)
    _check_dead_buttons(content, awaited)
    _check_ways_in(content, registry, buttons)


def _check_waits(content: Content, scenario_id: str, pressed: set[str]) -> set[str]:
    """Note waits that no button ends; return the callbacks that are awaited."""
    assert content.folder is not None  # noqa: S101 - the caller has looked
    node = Node.of_file(content.folder, f"scenarios/{scenario_id}/messages.json")
    body = content.documents["scenario", scenario_id]
    awaited: set[str] = set()
    for number, message_id in enumerate(body["order"]):
        try:
            asked = wait(body["messages"][message_id])
        except (AttributeError, TypeError, ValueError):
            continue  # noted already, where its form is wrong
        if asked is None or asked.kind != "callback" or node is None:
            continue
        awaited.add(asked.name)
        if asked.name in pressed:
            continue
        place = node.at("messages").at(message_id)
        place = place.at("wait" if place.has("wait") else "wait_for")
        behind = len(body["order"]) - number - 1
        if asked.timeout is not None:
            place.report(
                "dead-wait", f"No button carries {asked.name}: this always times out.", "warning"
            )
        else:
            place.report(
                "unreachable",
                f"No button carries {asked.name}, so nobody gets past this message; {behind} more "
                "cannot be reached. Add such a button, or a timeout.",
            )
    return awaited


def _check_dead_buttons(content: Content, awaited: set[str]) -> None:
    for node in _button_nodes(content):
        data = node.value.get("callback_data")
        if node.value.get("type") == "callback" and isinstance(data, str) and data not in awaited:
            node.at("callback_data").report(
                "dead-button",
                f"No message waits for callback:{data}, so pressing this moves nobody on.",
                "warning",
            )


def _check_ways_in(content: Content, registry: Node, buttons: list[Spec]) -> None:
    led_to = {str(b.get("scenario_id")) for b in buttons if b.get("type") == "start_scenario"}
    led_to.add(str(registry.value.get("default_scenario_id")))
    texts = [text for spec in _all_specs(content) for text in spec["texts"].values()]
    links = [str(button.get("url", "")) for button in buttons]
    for entry in registry.items("scenarios"):
        scenario_id = entry.value.get("id") if isinstance(entry.value, dict) else None
        body = content.scenario(str(scenario_id))
        if body is None:
            continue
        _check_entry(entry, body, registry)
        mentioned = any(f"start={scenario_id}" in text for text in (*texts, *links))
        if scenario_id not in led_to and not mentioned and body["config"].get("lane") is None:
            entry.at("id").report(
                "unreachable-scenario",
                f"No button starts {scenario_id} and it is not the default: only a deep link or "
                "the API leads here.",
                "warning",
            )


def _check_entry(entry: Node, body: Spec, registry: Node) -> None:
    name = body["config"].get("name")
    if entry.has("name") and entry.value["name"] != name:
        entry.at("name").report(
            "name", f"config.json calls this scenario {name}; that name is used.", "warning"
        )
    is_default = entry.value.get("id") == registry.value.get("default_scenario_id")
    if is_default and entry.value.get("is_active") is False:
        entry.at("is_active").report(
            "inactive-default", "The default scenario is switched off: /start does nothing.",
            "warning",
        )  # fmt: skip


def _all_specs(content: Content) -> Iterator[Spec]:
    for (kind, _), body in content.documents.items():
        if kind == "scenario":
            yield from body["messages"].values()
            if body["summary"] is not None:
                yield body["summary"]
        elif kind == "broadcasts":
            yield from body["broadcasts"]


def _buttons(content: Content, spec: Spec) -> Iterator[Spec]:
    keyboard = spec.get("inline_keyboard")
    if not isinstance(keyboard, dict):
        return
    if ref := keyboard.get("button_set_ref"):
        sets = content.documents.get(("buttons", "buttons"), {}).get("button_sets")
        keyboard = sets.get(str(ref)) if isinstance(sets, dict) else None
    rows = keyboard.get("rows") if isinstance(keyboard, dict) else None
    for row in rows if isinstance(rows, list) else ():
        inner = row.get("buttons") if isinstance(row, dict) else None
        yield from (b for b in inner or () if isinstance(b, dict))


def _button_nodes(content: Content) -> Iterator[Node]:
    assert content.folder is not None  # noqa: S101 - the caller has looked
    keyboards: list[Node | None] = []
    for scenario_id in content.scenario_ids:
        base = f"scenarios/{scenario_id}"
        messages = Node.of_file(content.folder, f"{base}/messages.json")
        given = messages.at("messages") if messages is not None else None
        for _, node in given.members() if given is not None else ():
            keyboards.append(node.object("inline_keyboard") if _is_object(node) else None)
        if content.documents["scenario", scenario_id]["summary"] is not None:
            summary = Node.of_file(content.folder, f"{base}/summary.json")
            keyboards.append(summary.object("inline_keyboard") if summary else None)
    if ("buttons", "buttons") in content.documents:
        registry = Node.of_file(content.folder, "buttons/registry.json")
        sets = registry.object("button_sets") if registry is not None else None
        keyboards += [node for _, node in sets.members()] if sets is not None else []
    for keyboard in keyboards:
        for row in keyboard.items("rows") if keyboard is not None and _is_object(keyboard) else ():
            yield from (b for b in row.items("buttons") if _is_object(b))


def _is_object(node: Node) -> bool:
    return isinstance(node.value, dict)
