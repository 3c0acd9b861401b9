"""A broadcast's definition as it is pinned: compiled once, whatever content says later."""

import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dripline.broadcasts.models import Broadcast
from dripline.contacts.segments import Condition, Names, parse
from dripline.content.compile import Making, scopes
from dripline.content.conditions import types_of
from dripline.content.document import Message
from dripline.content.email.layout import Layouts
from dripline.content.store import Library
from dripline.content.variables import fallbacks
from dripline.database import dump_json
from dripline.engagement.rules import KIND as ENGAGEMENT
from dripline.engagement.rules import ScoreRules, rules_of

_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Pinned:
    """What goes out and to whom; `defaults` of the declared attributes."""

    message: Message
    segment: Condition
    defaults: Mapping[str, Any]


def compiled(definition: Mapping[str, Any]) -> Pinned:
    """Return a definition compiled. Raises SegmentError when its targeting cannot be read."""
    declared = dict(definition["attributes"])
    defaults = {
        name: spec.get("default", "") for name, spec in declared.items() if isinstance(spec, dict)
    }
    constants = scopes({"id": "", "name": ""}, definition["variables"])
    layouts = Layouts(definition.get("layouts") or {}, constants)
    making = Making({}, constants, fallbacks(defaults), layouts)
    return Pinned(
        making.message(definition["key"], definition["message"]),
        parse(definition["targeting"], Names(types_of(declared), rooms=_rooms(definition))),
        defaults,
    )


def with_levels(definition: Mapping[str, Any], library: Library) -> dict[str, Any]:
    """Return a definition with what its targeting goes by besides: where levels begin."""
    return {**definition, "levels": dict(rules_of(library).levels)}


def _rooms(definition: Mapping[str, Any]) -> dict[str, Any]:
    levels = definition.get("levels")
    return {ENGAGEMENT: ScoreRules(levels=levels)} if levels else {}


class Shelf:
    """Keeps the last broadcasts compiled, so that a million messages are compiled once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[uuid.UUID, str], Pinned] = OrderedDict()

    def of(self, broadcast: Broadcast) -> Pinned:
        """Return a broadcast compiled, from memory while its definition is the same."""
        key = (broadcast.id, dump_json(broadcast.definition))
        if key not in self._kept:
            self._kept[key] = compiled(broadcast.definition)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]
