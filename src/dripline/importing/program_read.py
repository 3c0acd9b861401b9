"""`program.json` as values: the people of a program bot, their states and programs, referrals."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from dripline.content.document import Scenario
from dripline.content.shape import Node
from dripline.importing.people import Person, Standing, telegram_id_of
from dripline.importing.source import Source, place, shown
from dripline.importing.users_json import SKIPPED
from dripline.lifecycle.models import (
    APPROVED,
    AUTO_APPROVED,
    PENDING,
    PENDING_REVIEW,
    REJECTED,
    REWARDED,
    VERIFIED,
)
from dripline.lifecycle.rules import VISITOR
from dripline.scenarios.models import ACTIVE, COMPLETED

REFERRAL_LEFT_OUT: Final = "Referrals left out"
_IDS: Final = ("telegram_id", "user_id", "id")
_STATUSES: Final = (PENDING, VERIFIED, REWARDED)
_REVIEWS: Final = (AUTO_APPROVED, PENDING_REVIEW, REJECTED, APPROVED)
_USER: Final = {
    *_IDS, "user_name", "username", "first_name", "language", "reg_time", "created_at",
    "user_state", "current_program", "program_day", "program_started_at", "program_completed_at",
    "super_vip_last_active", "super_vip_decay_warned", "show_on_leaderboard", "referral_code",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """A person with what lifecycle keeps of them."""

    person: Person
    code: str | None = None
    last_active: datetime | None = None
    warned: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    """A referral: who brought whom, by their Telegram ids."""

    referrer: int
    referred: int
    code: str | None
    status: str
    review: str | None
    velocity_score: int
    created_at: datetime | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    traces: Mapping[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether it is one of those that are counted."""
        return self.status != PENDING


def members_of(
    source: Source, root: Node, scenarios: Mapping[str, Scenario], states: Collection[str]
) -> Iterator[Member]:
    """Yield the people under `users`: an object by Telegram id, or a list that names it."""
    programs = {one.lower(): one for one in scenarios}
    seen: set[int] = set()
    for key, node in _entries(root, "users"):
        telegram_id = telegram_id_of(key)
        if telegram_id is None or not isinstance(node.value, dict):
            source.odd(SKIPPED, node, f"{shown(key)}: this is no Telegram id with {{…}}")
        elif telegram_id in seen:
            source.odd(SKIPPED, node, f"{telegram_id} is in the file twice")
        else:
            seen.add(telegram_id)
            yield _member(source, telegram_id, node, scenarios, programs, states)


def _entries(root: Node, key: str) -> Iterator[tuple[str, Node]]:
    """Yield what is under a key with the id of each: its name in an object, or its own field."""
    if root.has(key) and isinstance(root.value[key], dict):
        yield from root.at(key).members()
        return
    for node in root.items(key):
        found = node.value if isinstance(node.value, dict) else {}
        yield next((str(found[name]) for name in _IDS if found.get(name) is not None), ""), node


def _member(
    source: Source,
    telegram_id: int,
    node: Node,
    scenarios: Mapping[str, Scenario],
    programs: Mapping[str, str],
    states: Collection[str],
) -> Member:
    for name in node.value.keys() - _USER:
        source.report.note("Fields we do not know, left out", f"{name} ({place(node.at(name))})")
    state = source.text(node, "user_state", 40)
    if state is not None and state not in states:
        source.odd("States we do not know, left out", node.at("user_state"), shown(state))
        state = None
    standing = _standing(source, node, scenarios, programs)
    last_active = source.moment(node, "super_vip_last_active")
    person = Person(
        telegram_id,
        source.text(node, "user_name", 200) or source.text(node, "username", 200),
        source.moment(node, "reg_time") or source.moment(node, "created_at"),
        (standing,) if standing is not None else (),
        registered=state not in {None, VISITOR},
        state=state,
        first_name=source.text(node, "first_name", 256),
        language=source.text(node, "language", 35),
        last_seen_at=last_active,
    )
    warned = node.value.get("super_vip_decay_warned")
    return Member(
        person,
        _code(source, node, "referral_code"),
        last_active,
        warned=warned is True or (isinstance(warned, str) and bool(warned)),
        hidden=not source.flag(node, "show_on_leaderboard", default=True),
    )


def _standing(
    source: Source, node: Node, scenarios: Mapping[str, Scenario], programs: Mapping[str, str]
) -> Standing | None:
    named = source.text(node, "current_program", 64)
    if named is None:
        return None
    scenario_id = programs.get(named.lower())
    if scenario_id is None:
        source.odd("Programs that are not here, left out", node.at("current_program"), shown(named))
        return None
    completed = source.moment(node, "program_completed_at")
    day = node.value.get("program_day")
    if day is not None and (not isinstance(day, int) or isinstance(day, bool) or day < 0):
        source.odd("Not a day, taken as 0", node.at("program_day"), shown(day))
        day = 0
    most = len(scenarios[scenario_id].messages)
    return Standing(
        scenario_id,
        COMPLETED if completed is not None else ACTIVE,
        most if completed is not None else min(day or 0, most),
        started_at=source.moment(node, "program_started_at"),
        completed_at=completed,
    )


def _code(source: Source, node: Node, key: str) -> str | None:
    found = source.text(node, key, 32)
    if found is not None and not found.replace("-", "").replace("_", "").isalnum():
        source.odd("Codes that fit no link, left out", node.at(key), shown(found))
        return None
    return found


def referrals_of(source: Source, root: Node, known: Collection[int]) -> Iterator[Brought]:
    """Yield the list `referrals`; one of unknown people, or of oneself, is noted and left out."""
    seen: set[int] = set()
    for node in root.items("referrals"):
        if not isinstance(node.value, dict):
            source.odd(REFERRAL_LEFT_OUT, node, "this is no object")
            continue
        ids = [telegram_id_of(str(node.value.get(k))) for k in ("referrer_id", "referred_id")]
        referrer, referred = ids
        if referrer is None or referred is None or not {referrer, referred} <= set(known):
            source.odd(REFERRAL_LEFT_OUT, node, "who brought or was brought is not in the file")
        elif referrer == referred:
            source.odd(REFERRAL_LEFT_OUT, node, f"{referrer} brought themselves")
        elif referred in seen:
            source.odd(REFERRAL_LEFT_OUT, node, f"{referred} was brought by somebody already")
        else:
            seen.add(referred)
            yield _brought(source, node, referrer, referred)


def _brought(source: Source, node: Node, referrer: int, referred: int) -> Brought:
    status = _one_of(source, node, "status", _STATUSES) or PENDING
    review = next(
        (found for key in ("review", "review_status")
         if (found := _one_of(source, node, key, _REVIEWS))), None
    )  # fmt: skip
    if status != PENDING and review in {PENDING_REVIEW, REJECTED}:
        source.odd("Referrals that no longer count", node, f"{status}, but {review}")
        status = PENDING
    score = node.value.get("velocity_score")
    traces = {
        kind: found
        for kind, key in (("ip", "ip_address"), ("device", "device_fingerprint"))
        if (found := source.text(node, key, 128))
    }
    return Brought(
        referrer, referred, _code(source, node, "referral_code"), status, review,
        min(100, max(0, score)) if isinstance(score, int) else 0,
        source.moment(node, "created_at"), _by(node), source.moment(node, "reviewed_at"), traces,
    )  # fmt: skip


def _by(node: Node) -> str | None:
    found: Any = node.value.get("reviewed_by")
    return str(found)[:120] if isinstance(found, str | int) and found else None


def _one_of(source: Source, node: Node, key: str, allowed: Collection[str]) -> str | None:
    found = source.text(node, key, 40)
    if found is None or found.upper() in allowed:
        return found.upper() if found else None
    source.odd("Values we do not know, left out", node.at(key), f"{key} is {shown(found)}")
    return None
