"""Lint the templates of messages and buttons: variables, markup, lengths, links."""

from collections.abc import Mapping
from typing import Any

from dripline.content import limits, variables
from dripline.content.check_emails import check_email
from dripline.content.compile import button_value, scopes
from dripline.content.folder import Folder
from dripline.content.links import APP_SCHEMES, BUTTON_SCHEMES, button_link, safe_link
from dripline.content.liquid import HTML, Dialect, Template
from dripline.content.nearest import nearest
from dripline.content.parse import ATTRIBUTES, BUTTON_SETS, GLOBALS, Content
from dripline.content.problems import Problems, Severity
from dripline.content.rendered import ButtonKind
from dripline.content.shape import Node
from dripline.content.telegram_html import measured_length, split_text
from dripline.errors import PermanentFailure


class Linter:
    """Knows what a folder declares, and compiles every template of it to see what is wrong."""

    def __init__(self, folder: Folder, content: Content) -> None:
        self.folder = folder
        self._content = content
        documents = content.documents
        self.globals = _mapping(documents.get(("globals", "globals"), {}).get("variables"))
        self._sets = _mapping(documents.get(("buttons", "buttons"), {}).get("button_sets"))
        self.layouts = _mapping(documents.get(("layouts", "layouts"), {}).get("layouts"))
        declared = _mapping(documents.get(("attributes", "attributes"), {}).get("attributes"))
        self._attributes = {
            name: spec.get("default", "") if isinstance(spec, dict) else ""
            for name, spec in declared.items()
        }
        self._fallbacks = variables.fallbacks(self._attributes)
        self._known: dict[str, set[str]] = {
            "bot": set(self.globals),
            "scenario": set(variables.known("scenario")),
            "user": set(self._fallbacks["user"]),
        }
        files = {"bot": GLOBALS, "user": ATTRIBUTES}
        self.unread = {scope for scope, file in files.items() if folder.unreadable(file)}
        self.used_sets: set[str] = set()

    def message(self, node: Node, spec: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Lint one message: its texts in every language, and its buttons."""
        constants = scopes(config, self.globals)
        media = spec["media"]
        for language, text in spec["texts"].items():
            place = spec["places"].get(language)
            if place is None:
                continue
            source = text.replace("\r\n", "\n")
            form = spec.get("format") or HTML
            template = self.template(place, source, 0, constants, html=True, form=form)
            self._check_length(place, source, template, with_media=bool(media))
            if template.is_fixed and not template.render({}).strip() and not media:
                self._add(place, source, 0, "error", "empty", "This message has no text.")
        if isinstance(spec.get("email"), dict):
            check_email(self, node.at("email"), spec["email"], config)
        keyboard = node.object("inline_keyboard")
        if keyboard is not None:
            self._keyboard(keyboard, constants)

    def has_message(self, scenario_id: str, message_id: str) -> bool:
        """Whether a scenario of the folder has a message of this id, or may have."""
        body = self._content.scenario(scenario_id)
        unread = body is None and scenario_id in self._content.named_scenarios
        return unread or (body is not None and message_id in body["messages"])

    def text(self, node: Node, *, html: bool) -> None:
        """Lint a text that stands in a JSON file itself."""
        constants = scopes({"id": "", "name": ""}, self.globals)
        shown = self.folder.texts.get(node.file, "")
        self.template(node.file, node.value, node.offset + 1, constants, html=html, shown=shown)

    def button_sets(self) -> None:
        """Lint the shared buttons."""
        constants = scopes({"id": "", "name": ""}, self.globals)
        for _, node in self._set_nodes():
            self._rows(node, constants)

    def unused_sets(self) -> None:
        """Tell of shared buttons that nothing uses; to be asked after all messages."""
        for name, node in self._set_nodes():
            if name not in self.used_sets:
                node.report("unused-button-set", f"Nothing uses the button set {name}.", "warning")

    def _set_nodes(self) -> list[tuple[str, Node]]:
        registry = Node.of_file(self.folder, "buttons/registry.json") if self._sets else None
        sets = registry.object("button_sets") if registry is not None else None
        return list(sets.members()) if sets is not None else []

    def inline(self, node: Node, config: Mapping[str, Any]) -> None:
        """Lint a message's text that stands in the JSON itself."""
        constants = scopes(config, self.globals)
        text = self.folder.texts.get(node.file, "")
        self.template(node.file, node.value, node.offset + 1, constants, html=True, shown=text)

    def _keyboard(self, keyboard: Node, constants: Mapping[str, Any]) -> None:
        if not keyboard.has("button_set_ref"):
            self._rows(keyboard, constants)
            return
        name = str(keyboard.value["button_set_ref"])
        if name in self._sets:
            self.used_sets.add(name)
            return
        if self.folder.unreadable(BUTTON_SETS):
            return
        near = nearest(name, self._sets)
        hint = f"; did you mean {near}?" if near else " in buttons/registry.json."
        keyboard.at("button_set_ref").report(
            "unknown-button-set", f"There is no button set {name}{hint}"
        )

    def _rows(self, node: Node, constants: Mapping[str, Any]) -> None:
        for row in node.items("rows"):
            for button in row.items("buttons"):
                if isinstance(button.value, dict):
                    self._button(button, constants)

    def _button(self, node: Node, constants: Mapping[str, Any]) -> None:
        for text in (node.at("text"), *(one for _, one in node.at("texts").members())):
            if isinstance(text.value, str):
                self.plain(text, constants)
        if node.value.get("type") == "start_scenario":
            self._check_target(node)
        kind, value = button_value(node.value)
        if kind == "callback" or not node.has("url") or not isinstance(value, str):
            return
        url = node.at("url")
        template = self.plain(url, constants)
        if template.is_fixed:
            self._check_url(url, kind, template.render({}))

    def _check_url(self, url: Node, kind: ButtonKind, link: str) -> None:
        schemes = APP_SCHEMES if kind == "web_app" else BUTTON_SCHEMES
        if not link.strip() or button_link(link, schemes) is not None:
            return
        allowed = ", ".join(f"{scheme}://" for scheme in sorted(schemes))
        hint = f"use {allowed}."
        if safe_link(link, schemes) is not None:
            hint = "Telegram wants a host with a dot, such as example.com, and a port up to 65535."
        url.report("link", f"{link} is no link a button may have: {hint}")

    def _check_target(self, node: Node) -> None:
        target = node.at("scenario_id")
        known = self._content.named_scenarios
        if not isinstance(target.value, str) or target.value in known:
            return
        near = nearest(target.value, known)
        hint = f"; did you mean {near}?" if near else "."
        target.report("unknown-scenario", f"There is no scenario {target.value}{hint}")

    def plain(self, node: Node, constants: Mapping[str, Any]) -> Template:
        """Lint a template without markup that stands in a JSON file itself, and return it."""
        # The text begins behind its quote; escapes before a mistake may shift it a little.
        text = self.folder.texts.get(node.file, "")
        return self.template(
            node.file, node.value, node.offset + 1, constants, html=False, shown=text
        )

    def template(
        self,
        file: str,
        source: str,
        start: int,
        constants: Mapping[str, Any],
        *,
        html: bool,
        form: str = HTML,
        shown: str | None = None,
        dialect: Dialect | None = None,
    ) -> Template:
        """Lint a template at a place of a file's text, and return it."""
        text = source if shown is None else shown
        broken = Problems()

        def report(offset: int, severity: str, code: str, message: str) -> None:
            level: Severity = "error" if severity == "error" else "warning"
            broken.add(file, text, start + offset, level, code, message)

        template = Template(
            source,
            html=html,
            form=form,
            constants=constants,
            fallbacks=self._fallbacks,
            report=report,
            dialect=dialect,
        )
        for use in template.uses:
            self._check_use(use.name, use.offset, report, guarded=use.guarded)
        unsure = any(use.name.partition(".")[0] in self.unread for use in template.uses)
        if not broken.has_errors and not unsure:
            _try_out(template, report)
        self.folder.problems.found |= broken.found
        return template

    def _check_use(self, name: str, offset: int, report: Any, *, guarded: bool) -> None:
        scope, dot, inner = name.partition(".")
        if scope in variables.OPEN_SCOPES and dot:
            if not guarded:
                message = (
                    f"{name} is only there when whoever starts the scenario gives it; "
                    "add a default, such as {{ " + name + ' | default: "…" }}.'
                )
                report(offset, "warning", "unguarded-variable", message)
            return
        if dot and (inner in self._known.get(scope, ()) or scope in self.unread):
            return
        report(offset, "error", "unknown-variable", self._unknown(name, scope, inner))

    def _unknown(self, name: str, scope: str, inner: str) -> str:
        meant = self._nearest(scope, inner)
        hint = f" Did you mean {meant}?" if meant else ""
        match scope:
            case "user" if inner:
                where = "declare the attribute in templates/attributes.json"
            case "bot" if inner:
                where = "define it in templates/bot_globals.json"
            case _:
                where = "variables are written scope.name, with bot, scenario, user or context"
        return f"Nobody knows the variable {name}; {where}.{hint}"

    def _nearest(self, scope: str, inner: str) -> str | None:
        """Return the variable that was meant: one of its scope, the same of another, or alike."""
        wanted = inner or scope
        own = [scope] if inner and scope in self._known else []
        for one in own:
            if found := nearest(wanted, self._known[one]):
                return f"{one}.{found}"
        for one, names in self._known.items():
            if wanted in names:
                return f"{one}.{wanted}"
        alike = ((one, nearest(wanted, names)) for one, names in self._known.items())
        return next((f"{one}.{found}" for one, found in alike if found and not own), None)

    def _check_length(
        self, file: str, source: str, template: Template, *, with_media: bool
    ) -> None:
        html = template.demonstrate()
        length = measured_length(html)
        if length > limits.TEXT_UNITS:
            parts = len(split_text(html, limits.TEXT_UNITS))
            message = (
                f"About {length:,} characters, and Telegram takes {limits.TEXT_UNITS:,}: "
                f"this goes out as {parts} messages."
            )
            self._add(file, source, 0, "warning", "long-text", message)
        elif with_media and length > limits.CAPTION_UNITS:
            message = (
                f"About {length:,} characters, and a caption takes {limits.CAPTION_UNITS:,}: "
                "the text goes out as a message of its own, after the files."
            )
            self._add(file, source, 0, "warning", "long-caption", message)

    def _add(
        self, file: str, text: str, offset: int, severity: Severity, code: str, message: str
    ) -> None:
        self.folder.problems.add(file, text, offset, severity, code, message)


def _try_out(template: Template, report: Any) -> None:
    """Render once with nothing but what stands for missing values."""
    names = {use.name for use in template.uses if use.name.startswith("context.")}
    context = {"context": {name.partition(".")[2]: "1" for name in names}, "user": {}}
    try:
        template.render(context)
    except PermanentFailure as failure:
        report(0, "error", "render", f"Rendered with empty values, {failure.reason}.")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
