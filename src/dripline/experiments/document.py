"""From the document of `experiments.json` to values: made once a revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal

from dripline.content.compile import Making
from dripline.content.document import Message, Scenario
from dripline.content.store import Library

KIND: Final = "experiments"
GOALS: Final = ("click", "reply", "completion", "payment")
Goal = Literal["click", "reply", "completion", "payment"]
DAYS: Final = 7  # how long a goal is watched unless the file says otherwise
CONFIDENCE: Final = 95


@dataclass(frozen=True, slots=True)
class Variant:
    """One way: a message of the file, another scenario, or what there is anyway (neither)."""

    id: str
    share: float
    message: str | None = None
    scenario: str | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Which message, or which scenario, is played in several ways; the first is the baseline."""

    id: str
    name: str
    scenario: str
    message: str | None
    variants: tuple[Variant, ...]
    holdout: float
    goal: Goal
    within: timedelta
    is_active: bool
    automatic: bool
    bandit: bool
    confidence: float

    @property
    def baseline(self) -> Variant:
        """What the others are compared with."""
        return self.variants[0]

    def variant(self, variant_id: str) -> Variant | None:
        """Return a variant by its id; None for the holdout, or one that was taken away."""
        return next((one for one in self.variants if one.id == variant_id), None)


@dataclass(frozen=True, slots=True)
class Experiments:
    """All experiments of the content, by what they change."""

    all: Mapping[str, Experiment] = field(default_factory=dict)
    specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    making: Making | None = None
    of_messages: Mapping[tuple[str, str], Experiment] = field(default_factory=dict)
    of_scenarios: Mapping[str, Experiment] = field(default_factory=dict)
    _made: dict[tuple[str, int, str], Message] = field(
        default_factory=dict, repr=False, compare=False
    )

    def message(self, scenario: Scenario, original: Message, variant: Variant) -> Message:
        """Return the message as a variant has it, in the place and time of the original."""
        if variant.message is None or self.making is None or variant.message not in self.specs:
            return original
        key = (scenario.id, scenario.revision, f"{original.id}/{variant.message}")
        if key not in self._made:
            made = _within(self.making, scenario).message(original.id, self.specs[variant.message])
            self._made[key] = replace(
                made,
                timing=original.timing,
                wait=original.wait,
                condition=original.condition,
                priority=original.priority,
            )
        return self._made[key]


_NONE = Experiments()


def experiments_of(library: Library) -> Experiments:
    """Return the experiments of the content; without the file there are none."""
    found = library.rooms.get(KIND)
    return found if isinstance(found, Experiments) else _NONE


def make(document: Mapping[str, Any], making: Making) -> Experiments:
    """Return the experiments of a document."""
    every = [_experiment(spec) for spec in document["file"].get("experiments") or ()]
    active = [one for one in every if one.is_active]
    return Experiments(
        {one.id: one for one in every},
        document["messages"],
        making,
        {(one.scenario, one.message): one for one in active if one.message is not None},
        {one.scenario: one for one in active if one.message is None},
    )


def _experiment(spec: Mapping[str, Any]) -> Experiment:
    within = spec.get("within") or {"days": DAYS}
    variants = tuple(
        Variant(one["id"], float(one.get("share", 1)), one.get("message"), one.get("scenario"))
        for one in spec["variants"]
    )
    return Experiment(
        id=spec["id"],
        name=spec.get("name") or spec["id"],
        scenario=spec["scenario"],
        message=spec.get("message"),
        variants=variants,
        holdout=float(spec.get("holdout") or 0) / 100,
        goal=spec.get("goal") or "click",
        within=timedelta(**{unit: within.get(unit) or 0 for unit in ("days", "hours", "minutes")}),
        is_active=spec.get("is_active") is not False,
        automatic=spec.get("winner") == "automatic",
        bandit=spec.get("allocation") == "bandit",
        confidence=float(spec.get("confidence") or CONFIDENCE) / 100,
    )


def _within(making: Making, scenario: Scenario) -> Making:
    """Return how messages of a scenario are compiled: with its own product and name."""
    own = {
        "id": scenario.id,
        "name": scenario.name,
        "product_name": scenario.product_name,
        "product_price": scenario.product_price,
        "private_group_id": scenario.private_group_id,
    }
    return replace(making, constants={**making.constants, "scenario": own})
