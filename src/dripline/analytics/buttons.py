"""What a button says that carries some data: people know its words, not what it sends."""

import re
from typing import Final

from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.texts import gettext as _

_STARTS: Final = "go:"  # a button of type start_scenario carries it, and the scenario's id
_VARIABLE: Final = re.compile(r"__[a-z]+\.\w+?__")  # as a text shows it that is not for anybody


class Buttons:
    """The words of callback buttons, by what they send; looked up when first asked for."""

    def __init__(self, library: Library, language: str | None) -> None:
        self._library, self._language = library, language
        self._known: dict[str, set[str]] | None = None

    def words(self, data: str) -> str:
        """Return a button's text, or the scenario it starts; else what it sends."""
        if self._known is None:
            self._known = {}
            for scenario in self._library.scenarios.values():
                self._learn(scenario, self._known)
        known = self._known.get(data, set())
        value = min(known) if len(known) == 1 else self._started(data)
        if value is None and not known:
            return data
        return _("“{value}”", self._language, value=value or data)

    def action(self, action: str) -> str:
        """Return what is waited for: `callback:DONE`, `event:NAME`."""
        kind, _colon, name = action.partition(":")
        if kind == "callback":
            return _("the button {button}", self._language, button=self.words(name))
        return _("the event “{name}”", self._language, name=name) if name else action

    def _started(self, data: str) -> str | None:
        scenario_id = data.removeprefix(_STARTS) if data.startswith(_STARTS) else ""
        target = self._library.scenario(scenario_id)
        return target.name if target is not None else None

    def _learn(self, scenario: Scenario, known: dict[str, set[str]]) -> None:
        summary = [scenario.summary] if scenario.summary else []
        for message in (*scenario.messages, *summary):
            for button in (one for row in message.keyboard for one in row):
                shown = button.demonstrate(self._language or "")
                if shown.kind == "callback":
                    known.setdefault(shown.value, set()).add(_VARIABLE.sub("…", shown.text))
