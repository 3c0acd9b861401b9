"""From a folder's files to content: the documents of revisions, and every problem on the way.

The files are SPEC's and FORMATS' layout. What we do not know in them is kept, so that a pull gives
back what a push took.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dripline.content import limits, room_files
from dripline.content.email.layout import SHIPPED
from dripline.content.folder import Folder, MediaSource
from dripline.content.parse_message import (
    CHANNELS,
    LANGUAGE,
    check_weekdays,
    parse_email,
    parse_keyboard,
    parse_message,
    parse_summary,
)
from dripline.content.problems import Problem
from dripline.content.shape import Node

REGISTRY: Final = "scenarios/registry.json"
_NO_CONTENT: Final = (
    "There is no such file, so this folder holds no scenarios yet. `dripline content pull` writes "
    "those of the database into it, `dripline content add programs` ready-made ones."
)
BUTTON_SETS: Final = "buttons/registry.json"
GLOBALS: Final = "templates/bot_globals.json"
ATTRIBUTES: Final = "templates/attributes.json"
BROADCASTS: Final = "broadcasts/registry.json"
LAYOUTS: Final = "layouts"

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ATTRIBUTE_TYPES: Final = {"text": str, "number": (int, float), "boolean": bool, "date": str}

Key = tuple[str, str]


@dataclass(slots=True)
class Content:
    """What a folder says: documents by (kind, key), and the files messages send by hash."""

    documents: dict[Key, dict[str, Any]] = field(default_factory=dict)
    media: dict[str, MediaSource] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    folder: Folder | None = None

    @property
    def has_errors(self) -> bool:
        """Whether this content cannot be pushed."""
        return any(problem.severity == "error" for problem in self.problems)

    def scenario(self, scenario_id: str) -> dict[str, Any] | None:
        """Return a scenario's document, or None."""
        return self.documents.get(("scenario", scenario_id))

    @property
    def scenario_ids(self) -> list[str]:
        """The ids of all scenarios, in the registry's order."""
        return [key for kind, key in self.documents if kind == "scenario"]

    @property
    def named_scenarios(self) -> list[str]:
        """The ids of all scenarios there are, also of those whose files cannot be read."""
        registry = self.documents.get(("registry", "registry"))
        if registry is not None:
            return list(registry["order"])
        return self.folder.folders("scenarios") if self.folder is not None else []


def parse_folder(root: Path) -> Content:
    """Return what a folder says, with the problems of its form.

    `check.examine` adds what only shows when the parts are seen together.
    """
    folder = Folder(root)
    if root.is_dir():
        return parse_files(folder)
    folder.report(str(root), 0, "error", "missing-file", "There is no such folder.")
    return Content(problems=folder.problems.sorted(), folder=folder)


def parse_files(folder: Folder) -> Content:
    """Return what the files of a folder say, wherever they lie."""
    content = Content(folder=folder)
    _parse_all(folder, content)
    content.problems = folder.problems.sorted()
    content.media = {source.sha256: source for source in folder.media.values()}
    return content


def _parse_all(folder: Folder, content: Content) -> None:
    buttons = _optional(folder, BUTTON_SETS)
    if buttons is not None:
        _check_button_sets(buttons)
        content.documents["buttons", "buttons"] = buttons.value
    attributes = _optional(folder, ATTRIBUTES)
    if attributes is not None:
        _check_attributes(attributes)
        content.documents["attributes", "attributes"] = attributes.value
    variables = _optional(folder, GLOBALS)
    if variables is not None:
        _check_globals(variables)
        content.documents["globals", "globals"] = variables.value
    layouts = _layouts(folder)
    if layouts:
        content.documents["layouts", "layouts"] = {"layouts": layouts}
    registry = Node.of_file(folder, REGISTRY) if folder.exists(REGISTRY) else None
    if not folder.exists(REGISTRY):
        folder.report(REGISTRY, 0, "error", "missing-file", _NO_CONTENT)
    if registry is not None:
        _parse_registry(registry, content)
    _parse_broadcasts(folder, content)
    for room_file in room_files.registered():
        document = room_files.parse(folder, room_file)
        if document is not None:
            content.documents[room_file.kind, room_file.kind] = document


def _optional(folder: Folder, file: str) -> Node | None:
    return Node.of_file(folder, file) if folder.exists(file) else None


def _layouts(folder: Folder) -> dict[str, dict[str, str]]:
    """Return `layouts/NAME.mjml` and `layouts/NAME.ru.mjml`, by name and language."""
    found: dict[str, dict[str, str]] = {}
    for file in folder.names(LAYOUTS, "*.mjml"):
        place = f"{LAYOUTS}/{file}"
        name, _, language = file.removesuffix(".mjml").partition(".")
        text = folder.text(place, limits.TEMPLATE_CHARACTERS * 4)
        if text is None:
            continue
        if (
            not ID.fullmatch(name)
            or len(name) > 64
            or (language and not LANGUAGE.fullmatch(language))
        ):
            folder.report(
                place,
                0,
                "error",
                "id",
                "A layout is called NAME.mjml or NAME.ru.mjml: "
                "a name has letters, digits, - and _, a language is in small letters.",
            )
            continue
        found.setdefault(name, {})[language] = text
    for name, by_language in found.items():
        if "" not in by_language and name not in SHIPPED:
            language = next(iter(by_language))
            folder.report(
                f"{LAYOUTS}/{name}.{language}.mjml",
                0,
                "error",
                "missing-file",
                f"There is no {LAYOUTS}/{name}.mjml for people of other languages.",
            )
    return found


def _parse_registry(registry: Node, content: Content) -> None:
    order: list[str] = []
    registry.need("scenarios")
    for entry in registry.items("scenarios"):
        if not entry.expect(dict):
            continue
        scenario_id = parse_id(entry, "id")
        if not scenario_id:
            continue
        if scenario_id in order:
            entry.at("id").report("duplicate", f"There is a scenario {scenario_id} already.")
            continue
        order.append(scenario_id)
        if entry.has("is_active"):
            entry.at("is_active").expect(bool)
        body = parse_scenario(registry.folder, scenario_id, entry)
        if body is not None:
            content.documents["scenario", scenario_id] = body
    _check_default(registry, order)
    extra = {key: value for key, value in registry.value.items() if key != "scenarios"}
    content.documents["registry", "registry"] = {**extra, "order": order}


def _check_default(registry: Node, order: list[str]) -> None:
    default = registry.text("default_scenario_id", needed=bool(order))
    if default and default not in order:
        registry.at("default_scenario_id").report(
            "unknown-scenario",
            f"There is no scenario {default}; name one of the list as the default.",
        )


def parse_id(node: Node, key: str) -> str:
    """Return an id: letters, digits, - and _; empty after saying what is wrong."""
    found = node.text(key, needed=True, most=10_000)
    if not found:
        return ""
    if not ID.fullmatch(found) or len(found) > limits.ID_CHARACTERS:
        node.at(key).report(
            "id",
            f"An id has letters, digits, - and _, at most {limits.ID_CHARACTERS} of them: "
            "it stands in links such as t.me/bot?start=id.",
        )
        return ""
    return found


def parse_scenario(folder: Folder, scenario_id: str, entry: Node) -> dict[str, Any] | None:
    """Return a scenario's document out of its folder, or None when it cannot be read at all."""
    base = f"scenarios/{scenario_id}"
    config = Node.of_file(folder, f"{base}/config.json")
    messages = Node.of_file(folder, f"{base}/messages.json")
    if config is None or messages is None:
        return None
    _check_config(config, scenario_id)
    own = _with_emails(config, base)
    summary = _optional(folder, f"{base}/summary.json")
    order = _order(messages)
    given = messages.object("messages")
    bodies = {}
    for message_id in order:
        spec = given.object(message_id) if given is not None else None
        if spec is not None:
            bodies[message_id] = parse_message(spec, base)
    _check_strays(messages, given, order, bodies)
    extra = {k: v for k, v in messages.value.items() if k not in {"messages_list", "messages"}}
    return {
        "config": {"name": scenario_id, **own, "id": scenario_id},
        "entry": entry.value,
        "order": [message_id for message_id in order if message_id in bodies],
        "messages": bodies,
        "messages_extra": extra,
        "unlisted": {
            key: node.value
            for key, node in (given.members() if given is not None else ())
            if key not in order
        },
        "summary": parse_summary(summary, base) if summary is not None else None,
    }


def _with_emails(config: Node, base: str) -> dict[str, Any]:
    """Return a scenario's configuration, with the email that paid content goes out as."""
    own = dict(config.value)
    if config.has("email") and config.at("email").expect(dict):
        config.at("email").text("layout", most=64)
    product = config.object("prodamus")
    if product is not None and product.has("paid_content_email"):
        email = parse_email(product.at("paid_content_email"), base)
        own["prodamus"] = {**product.value, "paid_content_email": email}
    return own


def _check_config(config: Node, scenario_id: str) -> None:
    if config.text("id", scenario_id, needed=True) != scenario_id:
        config.at("id").report("id", f"The id must be {scenario_id}, as the folder is called.")
    config.text("name", needed=True, most=200)
    config.text("lane", most=40)
    config.number("priority", 0, -1_000_000, 1_000_000)
    _check_channels(config)
    check_weekdays(config)
    product = config.object("prodamus")
    if product is not None:
        for key in ("product_name", "product_price", "paid_content", "private_group_id"):
            if product.has(key) and not isinstance(product.value[key], str | int | float):
                product.at(key).report("type", f"“{key}” must be a text.")


def _check_channels(config: Node) -> None:
    named = config.items("channels")
    for channel in named:
        if channel.value not in CHANNELS:
            channel.report("channel", "A scenario's channels are telegram and email.")
    if config.has("channels") and isinstance(config.value["channels"], list) and not named:
        config.at("channels").report("channel", "Name a channel, or leave “channels” out for all.")


def _order(messages: Node) -> list[str]:
    order: list[str] = []
    messages.need("messages_list", "messages")
    for item in messages.items("messages_list"):
        if not item.expect(str):
            continue
        if not ID.fullmatch(item.value) or len(item.value) > 64:
            item.report("id", "A message's id has letters, digits, - and _, at most 64 of them.")
        elif item.value in order:
            item.report("duplicate", f"{item.value} stands in the list twice.")
        else:
            order.append(item.value)
    if len(order) > limits.SCENARIO_MESSAGES:
        most = limits.SCENARIO_MESSAGES
        messages.at("messages_list").report("too-many", f"A scenario has at most {most} messages.")
    return order


def _check_strays(
    messages: Node, given: Node | None, order: list[str], bodies: dict[str, Any]
) -> None:
    members = given.members() if given is not None else ()
    known = {key for key, node in members if node.value is not None}
    for message_id in order:
        if message_id not in known:
            messages.at("messages_list").report(
                "missing-message", f"{message_id} is listed, but “messages” does not describe it."
            )
    for key, node in given.members() if given is not None else ():
        if key not in order:
            node.report(
                "unlisted-message",
                f"{key} is not in messages_list, so nobody will get it; list it or delete it.",
                "warning",
            )
    if not bodies:
        messages.report("empty", "This scenario has no messages.", "warning")


def _check_button_sets(node: Node) -> None:
    sets = node.object("button_sets")
    for name, button_set in sets.members() if sets is not None else ():
        if button_set.expect(dict):
            if not name or len(name) > 64:
                button_set.report("id", "A button set's name has 1 to 64 characters.")
            parse_keyboard(button_set)


def _check_globals(node: Node) -> None:
    variables = node.object("variables")
    for name, value in variables.members() if variables is not None else ():
        if not NAME.fullmatch(name):
            value.report("variable-name", "A variable's name has letters, digits and _.")
        if not isinstance(value.value, str | int | float | bool):
            value.report("type", f"“{name}” must be a text or a number.")


def _check_attributes(node: Node) -> None:
    declared = node.object("attributes")
    for name, spec in declared.members() if declared is not None else ():
        if not NAME.fullmatch(name):
            spec.report("variable-name", "An attribute's name has letters, digits and _.")
        if not spec.expect(dict):
            continue
        kind = spec.text("type", "text")
        if kind not in _ATTRIBUTE_TYPES:
            spec.at("type").report("type", f"“type” is one of {', '.join(_ATTRIBUTE_TYPES)}.")
        elif spec.has("default") and not isinstance(
            spec.value["default"],
            _ATTRIBUTE_TYPES[kind],  # type: ignore[arg-type]
        ):
            spec.at("default").report("type", f"“default” must be a {kind}.")


def _parse_broadcasts(folder: Folder, content: Content) -> None:
    registry = _optional(folder, BROADCASTS)
    if registry is None:
        return
    bodies: list[dict[str, Any]] = []
    seen: set[str] = set()
    registry.need("broadcasts")
    for node in registry.items("broadcasts"):
        if not node.expect(dict):
            continue
        broadcast_id = parse_id(node, "id")
        if broadcast_id in seen:
            node.at("id").report("duplicate", f"There is a broadcast {broadcast_id} already.")
        seen.add(broadcast_id)
        node.text("name", needed=True, most=200)
        bodies.append(parse_summary(node, "broadcasts"))
    extra = {key: value for key, value in registry.value.items() if key != "broadcasts"}
    content.documents["broadcasts", "broadcasts"] = {"extra": extra, "broadcasts": bodies}
