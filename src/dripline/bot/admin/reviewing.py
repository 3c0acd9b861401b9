"""`/referrals`: what waits for an operator's word, one case after another, with its evidence."""

import uuid
from collections.abc import Sequence
from typing import Final

from dripline.bot.admin.desk import Desk, Row, shown
from dripline.content.telegram_html import escape
from dripline.errors import DriplineError
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle import review
from dripline.lifecycle.document import rules_of
from dripline.lifecycle.review import Case
from dripline.lifecycle.words import evidence
from dripline.texts import gettext as _
from dripline.texts import ngettext

APPROVE, REJECT, LATER, REJECT_ALL = "a", "o", "s", "A"
ACTIONS: Final = frozenset({APPROVE, REJECT, LATER, REJECT_ALL})
_AT_ONCE: Final = 100


async def show(desk: Desk, after: uuid.UUID | None = None) -> None:
    """Show the first case that waits, behind the case `after`."""
    language = desk.language
    waiting = await referrals.count_waiting(desk.session)
    cases = await review.queue(desk.session, 1, after)
    if not cases and after is not None:
        cases = await review.queue(desk.session, 1)
    if not cases:
        await desk.say(_("✅ No referral waits for a decision.", language))
        return
    [case] = cases
    heading = ngettext("🔎 {n} referral waits for your decision.",
                       "🔎 {n} referrals wait for your decision.", waiting, language)  # fmt: skip
    who = _("{inviter} invited {invited}.", language,
            inviter=_name(case.referrer), invited=_name(case.referred))  # fmt: skip
    against = [f"• {escape(evidence(kind, seen, language))}" for kind, seen in case.flags]
    title = _("What speaks against it:", language)
    lines = [heading, "", who, *([title, *against] if against else [])]
    await desk.say("\n".join(lines), *await _rows(desk, case, waiting))


def _name(name: str) -> str:
    return f"<b>{shown(name or '…')}</b>"


async def _rows(desk: Desk, case: Case, waiting: int) -> Sequence[Row]:
    language, key = desk.language, case.id.hex
    rows: list[Row] = [
        (
            (_("✅ It counts", language), f"~{APPROVE}:{key}"),
            (_("✖ It does not", language), f"~{REJECT}:{key}"),
        )
    ]
    same = len(await referrals.waiting_of(desk.session, case.referrer_id, _AT_ONCE))
    if same > 1:
        text = ngettext("✖ None of {n} of this inviter", "✖ None of {n} of this inviter", same,
                        language)  # fmt: skip
        rows.append(((text, f"~{REJECT_ALL}:{key}"),))
    if waiting > 1:
        rows.append(((_("→ Next one", language), f"~{LATER}:{key}"),))
    return rows


async def act(desk: Desk, action: str, value: str) -> None:
    """Follow a button of a case, then show the next one."""
    try:
        case_id = uuid.UUID(hex=value)
    except ValueError:
        await show(desk)
        return
    if action == LATER:
        await show(desk, case_id)
        return
    try:
        await desk.say(await _decide(desk, action, case_id))
    except DriplineError:
        await desk.say(_("There is nothing to decide here any more.", desk.language))
    await show(desk)


async def _decide(desk: Desk, action: str, case_id: uuid.UUID) -> str:
    rules, language = rules_of(desk.library), desk.language
    by = desk.author
    if action == APPROVE:
        done = await review.approve(desk.session, rules, case_id, by, desk.now)
        said = _("✅ It counts now.", language)
        return said if done else _("It counted already.", language)
    if action == REJECT:
        done = await review.reject(desk.session, rules, case_id, by, desk.now)
        said = _("✖ It does not count.", language)
        return said if done else _("It was rejected already.", language)
    referral = await referrals.locked(desk.session, case_id)
    inviter = referral.referrer_id if referral else None
    waiting = await referrals.waiting_of(desk.session, inviter, _AT_ONCE) if inviter else []
    for one in waiting:
        await review.reject(desk.session, rules, one, by, desk.now)
    return ngettext("✖ {n} referral does not count.", "✖ {n} referrals do not count.",
                    len(waiting), language)  # fmt: skip
