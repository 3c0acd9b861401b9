"""The linter's part for `lifecycle.json`, and the file's registration with the content room."""

from collections.abc import Iterable
from typing import Any, Final

from dripline.content import room_files
from dripline.content.check_templates import Linter
from dripline.content.limits import CALLBACK_BYTES
from dripline.content.links import button_link
from dripline.content.parse import ID
from dripline.content.shape import Node
from dripline.lifecycle import document
from dripline.lifecycle.rules import BESIDE, CHURNED, FIRST_START, LEADERBOARD, VISITOR

FILE: Final = "lifecycle.json"
_PARTS: Final = (
    "registration", "states", "referrals", "leaderboard", "decay", "churn", "menus",
    "menu_keyboard", "messages",
)  # fmt: skip
_ACTIONS: Final = "progress, share, leaderboard, scenario:ID, gift:ID, text:ID, url:LINK"
_LONGEST_NAME: Final = 40
_MOST_DAYS: Final = 3660


class _Lint:
    """One look at the file."""

    def __init__(self, node: Node, linter: Linter, scenario_ids: frozenset[str]) -> None:
        self._node, self._linter, self._scenarios = node, linter, scenario_ids
        messages = node.value.get("messages")
        self._messages = frozenset(messages) if isinstance(messages, dict) else frozenset()
        given = [each.at("id").value for each in node.items("states")]
        self._states = [one for one in given if isinstance(one, str)]

    def all(self) -> None:
        self._node.know(_PARTS)
        self._registration()
        self._ladder()
        self._referrals()
        self._board()
        self._idle()
        if self._node.text("menu_keyboard", "inline") not in {"inline", "reply"}:
            self._node.at("menu_keyboard").report("menu", "“menu_keyboard” is inline or reply.")
        menus = self._node.object("menus")
        for state, menu in menus.members() if menus is not None else ():
            self._known_state(menu, state)
            self._menu(menu)

    def _registration(self) -> None:
        node = self._node.at("registration")
        if node.value is None:
            return
        several = isinstance(node.value, list)
        for one in self._node.items("registration") if several else [node]:
            if one.expect(str) and not _is_registration(one.value):
                one.report(
                    "registration", "A way to register is callback:DATA, event:NAME or first_start."
                )

    def _ladder(self) -> None:
        seen: set[str] = set()
        least = 0
        for state in self._node.items("states"):
            if not state.expect(dict):
                continue
            name = state.text("id", needed=True, most=_LONGEST_NAME)
            if name and not ID.fullmatch(name):
                state.at("id").report("id", "A state's id has letters, digits, - and _.")
            if name in seen or name in BESIDE:
                state.at("id").report("duplicate", f"There is a state {name} already.")
            seen.add(name)
            least = self._step(state, least)
        if self._node.has("states") and not self._states:
            self._node.at("states").report("empty", "Name at least one state.")
        if self._states and self._states[0] != VISITOR:
            self._node.at("states").report(
                "states", f"The first state is {VISITOR}: everybody begins there."
            )

    def _step(self, state: Node, least: int) -> int:
        state.text("name", most=_LONGEST_NAME)
        state.text("badge", most=16)
        _texts(state, "names", _LONGEST_NAME)
        when, enters = state.object("when"), state.object("enters")
        if when is not None:
            if when.has("registered"):
                when.at("registered").expect(bool)
            count = when.number("referrals", least, 0, 1_000_000)
            if count < least:
                when.at("referrals").report(
                    "states", f"The state below asks for {least}; a higher one cannot ask for less."
                )
            least = max(least, count)
        if enters is not None:
            self._program(enters, needed=True)
            if enters.has("force"):
                enters.at("force").expect(bool)
        self._message(state, "message")
        for one in state.items("unlocks"):
            self._unlock(one)
        return least

    def _unlock(self, node: Node) -> None:
        if not node.expect(str) or node.value == LEADERBOARD:
            return
        kind, _, what = node.value.partition(":")
        if kind != "gift":
            node.report("unlocks", "A state unlocks leaderboard or gift:ID.")
        elif what not in self._messages:
            node.report("missing-message", f"There is no message {what} under “messages”.")

    def _referrals(self) -> None:
        referrals = self._node.object("referrals")
        if referrals is None:
            return
        for key in ("hold", "never_active_after"):
            _span(referrals, key)
        if referrals.has("tell"):
            referrals.at("tell").expect(bool)
        velocity = referrals.object("velocity")
        if velocity is not None:
            velocity.number("most", 10, 1, 1_000_000)
            _span(velocity, "within")

    def _board(self) -> None:
        board = self._node.object("leaderboard")
        if board is None:
            return
        board.number("size", 10, 1, 50)
        for tier in board.items("tiers"):
            if not tier.expect(dict):
                continue
            if not tier.has("from"):
                tier.report("missing-field", "“from” is missing here.")
            tier.number("from", 1, 1, 1_000_000_000)
            tier.text("name", needed=True, most=_LONGEST_NAME)
            tier.text("badge", most=16)
            _texts(tier, "names", _LONGEST_NAME)

    def _idle(self) -> None:
        decay, churn = self._node.object("decay"), self._node.object("churn")
        if decay is not None:
            for state in decay.items("states"):
                if state.expect(str):
                    self._known_state(state, state.value)
            spans = [_span(decay, "warn_after"), _span(decay, "hide_after")]
            if None not in spans and spans[0] >= spans[1]:
                decay.at("hide_after").report("decay", "The warning has to come before.")
            self._program(decay)
            self._message(decay, "message")
        if churn is not None:
            if not churn.has("after"):
                churn.report("missing-field", "“after” is missing here.")
            _span(churn, "after")
            self._program(churn)

    def _menu(self, menu: Node) -> None:
        if not menu.expect(dict):
            return
        if menu.has("text") and menu.at("text").expect(str):
            self._linter.text(menu.at("text"), html=True)
        for text in _texts(menu, "texts", 4096):
            self._linter.text(text, html=True)
        for row in menu.items("rows"):
            if not row.expect(list):
                continue
            for number in range(len(row.value)):
                self._button(row.at(number))

    def _button(self, button: Node) -> None:
        if not button.expect(dict):
            return
        if button.text("text", needed=True, most=64):
            self._linter.text(button.at("text"), html=False)
        for text in _texts(button, "texts", 64):
            self._linter.text(text, html=False)
        action = button.text("action", needed=True, most=512)
        if action:
            self._action(button.at("action"), action, button)

    def _action(self, node: Node, action: str, button: Node) -> None:
        kind, _, what = action.partition(":")
        if kind in {"progress", "share", LEADERBOARD} and not what:
            return
        if kind == "scenario":
            self._scenario(node, what)
        elif kind in {"gift", "text"}:
            if what not in self._messages:
                node.report("missing-message", f"There is no message {what} under “messages”.")
            if len(f"{document.MENU}{action}".encode()) > CALLBACK_BYTES:
                node.report("callback", "This id is too long for a button; 50 bytes fit.")
        elif kind == "url":
            link = button.text("url") or what
            if button_link(link) is None:
                node.report("link", f"{link or 'Nothing'} is no link a button may have.")
        else:
            node.report("action", f"There is no action {action}; there are {_ACTIONS}.")

    def _program(self, node: Node, *, needed: bool = False) -> None:
        program = node.text("program", needed=needed, most=64)
        if program:
            self._scenario(node.at("program"), program)

    def _scenario(self, node: Node, scenario_id: str) -> None:
        if scenario_id not in self._scenarios:
            node.report("unknown-scenario", f"There is no scenario {scenario_id}.")

    def _message(self, node: Node, key: str) -> None:
        name = node.text(key, most=64)
        if name and name not in self._messages:
            node.at(key).report("missing-message", f"There is no message {name} under “messages”.")

    def _known_state(self, node: Node, state: str) -> None:
        known = self._states or ["VISITOR", "REGISTERED", "VIP", "SUPER_VIP"]
        if state not in {*known, *BESIDE}:
            node.report("unknown-state", f"There is no state {state}; there are {_list(known)}.")


def _is_registration(value: str) -> bool:
    kind, _, name = value.partition(":")
    if kind == "callback":
        return 0 < len(name.encode()) <= CALLBACK_BYTES
    return value == FIRST_START or (kind == "event" and 0 < len(name) <= 80)


def _list(names: Iterable[str]) -> str:
    return ", ".join((*names, CHURNED))


def _texts(node: Node, key: str, most: int) -> list[Node]:
    """Return texts by language after looking at each."""
    found = []
    holder = node.object(key)
    for _language, text in holder.members() if holder is not None else ():
        if text.expect(str):
            found.append(text)
            if len(text.value) > most:
                text.report("too-long", f"At most {most} characters.")
    return found


def _span(node: Node, key: str) -> Any:
    """Return a duration in minutes after looking at it; None when there is none."""
    span = node.object(key)
    if span is None:
        return None
    for unit, inner in span.members():
        if unit not in {"days", "hours", "minutes"}:
            inner.report("timing", "A duration has days, hours and minutes.")
    days = span.number("days", 0, 0, _MOST_DAYS)
    hours = span.number("hours", 0, 0, _MOST_DAYS * 24)
    minutes = span.number("minutes", 0, 0, _MOST_DAYS * 24 * 60)
    return (days * 24 + hours) * 60 + minutes


def _check(node: Node, linter: Linter, scenario_ids: frozenset[str]) -> None:
    _Lint(node, linter, scenario_ids).all()


room_files.register(room_files.RoomFile(document.KIND, FILE, _check, document.make))
