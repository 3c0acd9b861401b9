"""The linter's part for `experiments.json`, and the file's registration with the content room."""

from typing import Final

from dripline.content import room_files
from dripline.content.check_templates import Linter
from dripline.content.parse import ID
from dripline.content.shape import Node
from dripline.experiments import document
from dripline.experiments.models import HOLDOUT

FILE: Final = "experiments.json"
_FIELDS: Final = (
    "id", "name", "scenario", "message", "variants", "holdout", "goal", "within", "is_active",
    "winner", "allocation", "confidence",
)  # fmt: skip
_MOST_VARIANTS: Final = 20
_MOST_DAYS: Final = 365


class _Lint:
    """One look at the file."""

    def __init__(self, node: Node, linter: Linter, scenario_ids: frozenset[str]) -> None:
        self._node, self._linter, self._scenarios = node, linter, scenario_ids
        messages = node.value.get("messages")
        self._messages = frozenset(messages) if isinstance(messages, dict) else frozenset()
        self._used: set[str] = set()
        self._ids: set[str] = set()
        self._places: set[tuple[str, str]] = set()

    def all(self) -> None:
        self._node.know(("experiments", "messages"))
        for experiment in self._node.items("experiments"):
            if experiment.expect(dict):
                self._experiment(experiment)
        messages = self._node.object("messages")
        for key, inner in messages.members() if messages is not None else ():
            if key not in self._used:
                inner.report("unused", f"No experiment plays the message {key}.", "warning")

    def _experiment(self, node: Node) -> None:
        node.know(_FIELDS)
        self._identity(node)
        self._place(node)
        self._variants(node)
        node.number("holdout", 0, 0, 90)
        node.number("confidence", document.CONFIDENCE, 50, 99)
        _one_of(node, "goal", document.GOALS)
        _one_of(node, "winner", ("manual", "automatic"))
        _one_of(node, "allocation", ("shares", "bandit"))
        if node.has("is_active"):
            node.at("is_active").expect(bool)
        within = node.object("within")
        if within is not None:
            total = (
                within.number("days", 0, 0, _MOST_DAYS)
                + within.number("hours", 0, 0, _MOST_DAYS * 24)
                + within.number("minutes", 0, 0, _MOST_DAYS * 24 * 60)
            )
            if not total:
                within.report("timing", "“within” has days, hours or minutes, above zero.")

    def _identity(self, node: Node) -> None:
        name = node.text("id", needed=True, most=64)
        if name and not ID.fullmatch(name):
            node.at("id").report("id", "An experiment's id has letters, digits, - and _.")
        if name in self._ids:
            node.at("id").report("duplicate", f"There is an experiment {name} already.")
        self._ids.add(name)
        node.text("name", most=200)

    def _place(self, node: Node) -> None:
        scenario = node.text("scenario", needed=True)
        self._scenario(node.at("scenario"), scenario)
        message = node.text("message")
        if message and scenario in self._scenarios and not self._has(scenario, message):
            node.at("message").report(
                "missing-message", f"The scenario {scenario} has no message {message}."
            )
        running = node.value.get("is_active") is not False
        if running and (scenario, message) in self._places:
            node.report("duplicate", "Another experiment is under way at this very place.")
        if running:
            self._places.add((scenario, message))

    def _has(self, scenario: str, message: str) -> bool:
        return self._linter.has_message(scenario, message)

    def _variants(self, node: Node) -> None:
        variants = node.items("variants")
        if not 2 <= len(variants) <= _MOST_VARIANTS:
            node.at("variants").report(
                "variants",
                f"An experiment has 2 to {_MOST_VARIANTS} variants; the first is the baseline.",
            )
        seen: set[str] = set()
        of_message = bool(node.value.get("message"))
        for variant in variants:
            if not variant.expect(dict):
                continue
            name = variant.text("id", needed=True, most=64)
            if name == HOLDOUT or (name and not ID.fullmatch(name)):
                variant.at("id").report(
                    "id", f"A variant's id has letters, digits, - and _, and is not {HOLDOUT}."
                )
            if name in seen:
                variant.at("id").report("duplicate", f"There is a variant {name} already.")
            seen.add(name)
            self._share(variant)
            self._way(variant, of_message=of_message)

    def _share(self, variant: Node) -> None:
        share = variant.value.get("share", 1)
        good = isinstance(share, int | float) and not isinstance(share, bool)
        if not good or not 0 < share <= 1_000_000:
            variant.at("share").report("number", "“share” is a number above zero.")

    def _way(self, variant: Node, *, of_message: bool) -> None:
        if of_message and variant.has("scenario"):
            variant.at("scenario").report(
                "variant", "This experiment is about one message: name a “message”."
            )
        if not of_message and variant.has("message"):
            variant.at("message").report(
                "variant", "This experiment is about a scenario: name a “scenario”."
            )
        if of_message and variant.has("message"):
            name = variant.text("message")
            self._used.add(name)
            if name not in self._messages:
                variant.at("message").report(
                    "missing-message", f"There is no message {name} under “messages”."
                )
        if not of_message and variant.has("scenario"):
            self._scenario(variant.at("scenario"), variant.text("scenario"))

    def _scenario(self, node: Node, scenario_id: str) -> None:
        if scenario_id and scenario_id not in self._scenarios:
            node.report("unknown-scenario", f"There is no scenario {scenario_id}.")


def _one_of(node: Node, key: str, words: tuple[str, ...]) -> None:
    if node.has(key) and node.value[key] not in words:
        node.at(key).report(key, f"“{key}” is {', '.join(words[:-1])} or {words[-1]}.")


def _check(node: Node, linter: Linter, scenario_ids: frozenset[str]) -> None:
    _Lint(node, linter, scenario_ids).all()


room_files.register(room_files.RoomFile(document.KIND, FILE, _check, document.make))
