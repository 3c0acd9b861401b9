"""Which state somebody has, what inactivity leads to, how suspicious a speed is: pure answers."""

from datetime import UTC, datetime, timedelta

import pytest

from dripline.lifecycle.evidence import velocity_score
from dripline.lifecycle.rules import (
    CHURN,
    CHURNED,
    HIDE,
    WARN,
    Board,
    Churn,
    Decay,
    Facts,
    Idle,
    Rules,
    State,
    Tier,
    Velocity,
    in_language,
    judge_idle,
    state_for,
)

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULES = Rules(
    configured=True,
    states=(
        State("VISITOR"),
        State("REGISTERED", registered=True),
        State("VIP", referrals=2, unlocks=frozenset({"gift:a"})),
        State("SUPER_VIP", referrals=50, unlocks=frozenset({"leaderboard"})),
    ),
    decay=Decay(frozenset({"SUPER_VIP"}), 10 * DAY, 14 * DAY),
    churn=Churn(60 * DAY),
)

STATES = [
    # state, registered, referrals, given, down, back, then, why
    ("VISITOR", False, 0, None, False, False, "VISITOR", "nothing has happened"),
    ("VISITOR", True, 0, None, False, False, "REGISTERED", "registered"),
    ("VISITOR", False, 9, None, False, False, "VISITOR", "a step below is not reached"),
    ("REGISTERED", True, 2, None, False, False, "VIP", "two brought"),
    ("VISITOR", True, 99, None, False, False, "SUPER_VIP", "several steps at once"),
    ("VIP", True, 1, None, False, False, "VIP", "nobody falls by themselves"),
    ("VIP", True, 1, None, True, False, "REGISTERED", "fewer count"),
    ("VIP", True, 1, "VIP", True, False, "VIP", "given by an operator"),
    ("REGISTERED", True, 0, "SUPER_VIP", False, False, "SUPER_VIP", "given counts as earned"),
    ("LEGACY", True, 2, None, False, False, "VIP", "from before states were kept"),
    ("LEGACY", False, 0, None, False, False, "VISITOR", "likewise, at the bottom"),
    ("ADVOCATE", True, 60, None, False, False, "ADVOCATE", "beside the ladder"),
    ("KING", True, 60, None, True, False, "KING", "a state no rule knows"),
    ("CHURNED", True, 2, None, False, False, "CHURNED", "away until they come back"),
    ("CHURNED", True, 2, None, False, True, "VIP", "back to what was earned"),
    ("CHURNED", True, 0, "ADVOCATE", False, True, "ADVOCATE", "back to what was given"),
]


@pytest.mark.parametrize(
    ("state", "registered", "referrals", "given", "down", "back", "then", "why"),
    STATES,
    ids=[row[-1] for row in STATES],
)
def test_the_state_that_facts_lead_to(
    state: str,
    registered: bool,
    referrals: int,
    given: str | None,
    down: bool,
    back: bool,
    then: str,
    why: str,
) -> None:
    facts = Facts(state, registered, referrals, given)
    assert state_for(RULES, facts, down=down, back=back) == then
    assert state_for(Rules(), facts, down=down, back=back) == state


IDLE = [
    # state, idle for, warned, hidden, action, looked at again after (since the last sign), why
    ("SUPER_VIP", 9 * DAY, False, False, None, 10 * DAY, "not yet"),
    ("SUPER_VIP", 10 * DAY, False, False, WARN, None, "day 10"),
    ("SUPER_VIP", 13 * DAY, True, False, None, 14 * DAY, "warned already"),
    ("SUPER_VIP", 14 * DAY, True, False, HIDE, None, "day 14"),
    ("SUPER_VIP", 20 * DAY, False, False, WARN, None, "after a standstill: one after the other"),
    ("SUPER_VIP", 20 * DAY, True, True, None, 60 * DAY, "hidden already"),
    ("SUPER_VIP", 60 * DAY, True, True, CHURN, None, "gone"),
    ("VIP", 20 * DAY, False, False, None, 60 * DAY, "decay is for others"),
    ("VIP", 60 * DAY, False, False, CHURN, None, "churn is for all"),
    (CHURNED, 90 * DAY, False, False, None, None, "never again by itself"),
]


@pytest.mark.parametrize(
    ("state", "idle", "warned", "hidden", "action", "again", "why"),
    IDLE,
    ids=[row[-1] for row in IDLE],
)
def test_what_inactivity_leads_to(
    state: str,
    idle: timedelta,
    warned: bool,
    hidden: bool,
    action: str | None,
    again: timedelta | None,
    why: str,
) -> None:
    verdict = judge_idle(RULES, Idle(state, NOW - idle, warned, hidden), NOW)
    assert verdict.action == action
    if action is None:
        assert verdict.again_at == (None if again is None else NOW - idle + again)


def test_without_rules_nobody_is_looked_at() -> None:
    verdict = judge_idle(Rules(), Idle("SUPER_VIP", NOW - 900 * DAY), NOW)
    assert (verdict.action, verdict.again_at) == (None, None)


@pytest.mark.parametrize(
    ("count", "score"), [(0, 0), (1, 5), (10, 50), (11, 55), (20, 100), (9999, 100)]
)
def test_speed_is_scored_from_0_to_100(count: int, score: int) -> None:
    assert velocity_score(count, Velocity(most=10)) == score


def test_higher_states_keep_what_lower_ones_unlock() -> None:
    assert RULES.unlocked("REGISTERED") == frozenset()
    assert RULES.unlocked("SUPER_VIP") == {"gift:a", "leaderboard"}
    assert RULES.unlocked("KING") == frozenset()


def test_tiers_are_reached_from_their_number_on() -> None:
    board = Board(10, (Tier(50, "b", {}), Tier(10, "a", {})))
    assert [(tier.badge if tier else "") for tier in map(board.tier, (9, 10, 49, 50))] == [
        "", "a", "a", "b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text"),
    [("ru", "да"), ("ru-RU", "да"), ("RU", "да"), ("de", "yes"), (None, "yes")],
)
def test_a_text_is_in_the_contacts_language(language: str | None, text: str) -> None:
    assert in_language({"": "yes", "ru": "да"}, language) == text
