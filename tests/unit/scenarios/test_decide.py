"""The fate of a message: one row a rule."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dripline.content.compile import compile_scenario
from dripline.content.document import Scenario
from dripline.scenarios.decide import (
    AwaitAction,
    Complete,
    Drop,
    Facts,
    Finished,
    GoOn,
    Park,
    Send,
    Wait,
    after_message,
    decide,
)
from dripline.scenarios.state import EnrollmentState

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def scenario(paused: bool = False, **config: Any) -> Scenario:
    messages = {
        "a": {"texts": {"": "a"}},
        "b": {"texts": {"": "b"}, "timing": {"hours": 1}},
        "c": {
            "texts": {"": "c"},
            "timing": {"hours": 1},
            "wait_for": "callback:DONE",
            "timeout": {"days": 1},
        },
        "d": {"texts": {"": "d"}, "timing": {"minutes": 30}},
    }
    body = {
        "config": {"id": "s", "name": "S", **config},
        "order": list(messages),
        "messages": messages,
        "retired": {"gone": "b"},
    }
    return compile_scenario(body, revision=1, button_sets={}, variables={}, paused=paused)


def state(**changes: Any) -> EnrollmentState:
    begun = EnrollmentState.begun(
        scenario(), uuid.uuid4(), uuid.uuid4(), "telegram:main", NOW - 5 * HOUR
    )
    return replace(begun, turn=1, **changes)


@pytest.mark.parametrize(
    ("who", "what", "facts", "kind", "detail"),
    [
        pytest.param({}, scenario(), Facts(), Send, "a", id="the first message"),
        pytest.param({"last_message_id": "a"}, scenario(), Facts(), Send, "b", id="the next one"),
        pytest.param(
            {"last_message_id": "a", "base_at": NOW - HOUR + timedelta(seconds=1)},
            scenario(),
            Facts(),
            Wait,
            "not_due_yet",
            id="a second too early",
        ),
        pytest.param(
            {"status": "stopped"}, scenario(), Facts(), Drop, "not_active", id="stopped meanwhile"
        ),
        pytest.param({}, None, Facts(), Park, "scenario_off", id="the scenario was deleted"),
        pytest.param(
            {}, scenario(is_active=False), Facts(), Park, "scenario_off", id="switched off"
        ),
        pytest.param({}, scenario(paused=True), Facts(), Park, "scenario_paused", id="paused"),
        pytest.param(
            {}, scenario(), Facts(reachability="blocked"), Park, "blocked", id="blocked the bot"
        ),
        pytest.param(
            {"waiting_for": "callback:DONE", "last_message_id": "c"},
            scenario(),
            Facts(),
            Park,
            "callback:DONE",
            id="waits for an action for as long as it takes",
        ),
        pytest.param(
            {"waiting_for": "callback:DONE", "last_message_id": "c", "wait_until": NOW + HOUR},
            scenario(),
            Facts(),
            Wait,
            "awaiting_action",
            id="the time-out is not over",
        ),
        pytest.param(
            {"waiting_for": "callback:DONE", "last_message_id": "c", "wait_until": NOW - HOUR},
            scenario(),
            Facts(),
            Send,
            "d",
            id="timed out, and the next delay is over",
        ),
        pytest.param(
            {"waiting_for": "callback:DONE", "last_message_id": "c", "wait_until": NOW},
            scenario(),
            Facts(),
            Wait,
            "wait_timed_out",
            id="the delay counts from the time-out",
        ),
        pytest.param(
            {}, scenario(), Facts(sent=frozenset("ab")), Send, "c", id="passes over what was sent"
        ),
        pytest.param(
            {"last_message_id": "d"},
            scenario(),
            Facts(),
            Complete,
            "no_messages_left",
            id="the end",
        ),
        pytest.param(
            {"last_message_id": "c"},
            scenario(),
            Facts(sent=frozenset("d")),
            Complete,
            "no_messages_left",
            id="the rest was sent before",
        ),
        pytest.param(
            {"last_message_id": "gone"}, scenario(), Facts(), Send, "c", id="its last was deleted"
        ),
        pytest.param(
            {},
            scenario(),
            Facts(conditions={"a": False}),
            Wait,
            "not_due_yet",
            id="a condition is not met: the next delay counts from now",
        ),
        pytest.param(
            {},
            scenario(),
            Facts(on_its_way=True),
            Wait,
            "on_its_way",
            id="a message of an earlier plan is in flight",
        ),
    ],
)
def test_fate(
    who: dict[str, Any], what: Scenario | None, facts: Facts, kind: type, detail: str
) -> None:
    verdict = decide(state(**who), what, facts, NOW)
    assert isinstance(verdict, kind)
    found = verdict.message.id if isinstance(verdict, Send) else verdict.reason
    assert found == detail


@pytest.mark.parametrize(
    ("who", "message", "sent", "expected"),
    [
        pytest.param({}, "a", True, GoOn(NOW + HOUR), id="the next delay"),
        pytest.param(
            {}, "c", True, AwaitAction("callback:DONE", NOW + 24 * HOUR), id="its action is awaited"
        ),
        pytest.param(
            {"early_action": "callback:DONE"},
            "c",
            True,
            GoOn(NOW + HOUR / 2, prompted=True),
            id="the action came before the answer",
        ),
        pytest.param({}, "c", False, GoOn(NOW + HOUR / 2), id="nobody presses what they never got"),
        pytest.param({}, "d", True, Finished(), id="the last one"),
    ],
)
def test_what_follows(who: dict[str, Any], message: str, sent: bool, expected: object) -> None:
    enrollment = state(**who)
    assert after_message(enrollment, scenario(), message, sent=sent, now=NOW) == expected
    assert enrollment.last_message_id == message
    assert enrollment.base_at == NOW
    assert (enrollment.last_sent_at == NOW) is sent
