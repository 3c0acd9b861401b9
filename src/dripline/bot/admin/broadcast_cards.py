"""A broadcast's card: whom it reaches, how long that takes, how far it is, what can be done."""

from typing import Final

from dripline.bot.admin.audience_words import told
from dripline.bot.admin.desk import Desk, Row, shown
from dripline.bot.admin.document import harmless
from dripline.bot.admin.timing_words import moment_words
from dripline.broadcasts.models import (
    CANCELLED,
    DONE,
    DRAFT,
    FROZEN,
    LIVE,
    PAUSED,
    RUNNING,
    SCHEDULED,
    Broadcast,
)
from dripline.broadcasts.plan import Plan, Progress
from dripline.content.edit import State
from dripline.texts import gettext as _
from dripline.texts import marked, ngettext

AIMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "0": (marked("Everybody"), ()),
    "1": (marked("In no scenario"), ("no_active_scenario",)),
    "2": (marked("Has not paid"), ("has_not_paid",)),
    "3": (marked("Neither in a scenario nor paid"), ("no_active_scenario", "has_not_paid")),
}
AUDIENCE: Final = "v"  # what the button sends that changes when the audience is asked
_STATES: Final = {
    DRAFT: marked("not sent yet"), SCHEDULED: marked("scheduled"), RUNNING: marked("being sent"),
    PAUSED: marked("paused"), DONE: marked("done"), CANCELLED: marked("cancelled"),
}  # fmt: skip
_AUDIENCES: Final = {
    FROZEN: marked("🔄 Look at each again before the message"),
    LIVE: marked("❄️ Settle who is meant at the start"),
}


async def card(
    desk: Desk, state: State, broadcast: Broadcast, plan: Plan, far: Progress, undo: Row = ()
) -> None:
    """Show a broadcast: whom it reaches, how long that takes, and how far it is."""
    language, key = desk.language, broadcast.key
    is_open = broadcast.status in (DRAFT, SCHEDULED, DONE, CANCELLED)
    if not broadcast.launches and plan.preview is not None:
        await desk.show(harmless(plan.preview))
    lines = [
        f"📣 <b>{shown(broadcast.name, 200)}</b> · {_(_STATES[broadcast.status], language)}",
        _("To: {aim}", language, aim=_aim_of(broadcast, state, language)),
    ]
    if broadcast.status == SCHEDULED and broadcast.starts_at is not None:
        when = moment_words(broadcast.starts_at, desk.timezone, language)
        lines.append(_("🕘 Goes out {when}", language, when=when))
    if broadcast.launches:
        lines.append(
            _("Sent: {sent}, failed: {failed}, left out: {skipped}, to go: {left}", language,
              sent=far.sent, failed=far.failed, skipped=far.skipped, left=far.left)
        )  # fmt: skip
        if far.eta is not None:
            eta = moment_words(far.eta, desk.timezone, language)
            lines.append(_("Done about then: {when}", language, when=eta))
    if is_open:
        lines += [_audience_line(broadcast, language), *_plan_lines(broadcast, plan, language)]
    rows = _rows(key, broadcast, plan.count, language)
    await desk.say("\n".join(lines), *rows, undo if is_open else ())


def _audience_line(broadcast: Broadcast, language: str | None) -> str:
    if broadcast.audience == LIVE:
        return _("🔄 Each of them is looked at again right before the message.", language)
    return _("❄️ Who is meant is settled at the start.", language)


def _plan_lines(broadcast: Broadcast, plan: Plan, language: str | None) -> list[str]:
    if broadcast.launches and plan.meant and not plan.count:
        return [_("✅ All of those who can be reached have got it.", language)]
    people = ngettext(
        "👥 {n} person will get it.", "👥 {n} people will get it.", plan.count, language
    )
    lines = [people]
    names = [shown(one.first_name or one.username or "…", 30) for one, _a in plan.sample]
    if names:
        lines.append(_("For example: {names}", language, names=", ".join(names)))
    minutes = max(1, round(plan.duration.total_seconds() / 60))
    if plan.count:
        lines.append(
            ngettext(
                "⏱ It takes about {n} minute.", "⏱ It takes about {n} minutes.", minutes, language
            )
        )
    if plan.stars:
        lines.append(
            _("As a paid broadcast it would cost {stars} Stars.", language, stars=plan.stars)
        )
    return lines


def _aim_of(broadcast: Broadcast, state: State, language: str | None) -> str:
    targeting = broadcast.definition.get("targeting") or []
    for title, conditions in AIMS.values():
        if list(conditions) == targeting:
            return _(title, language)
    return "\n" + "\n".join(f"• {one}" for one in told(targeting, state, language))


def _rows(key: str, broadcast: Broadcast, count: int, language: str | None) -> list[Row]:
    status = broadcast.status
    again = (_("📊 How far is it?", language), f"~b:{key}")
    stop = (_("✖ Stop for good", language), f"~z:{key}")
    if status == RUNNING:
        return [((_("⏸ Pause", language), f"~y:{key}"), stop), (again,)]
    if status == PAUSED:
        return [((_("▶️ Resume", language), f"~q:{key}"), stop), (again,)]
    edit = (_("✏️ Edit", language), f"~h:{key}")
    test = ((_("✉️ Send it to me first", language), f"~t:{key}"),)
    label = ngettext("📣 Send to {n} person", "📣 Send to {n} people", count, language)
    now = [((label, f"~g:{key}"),)] if count else []
    if status == SCHEDULED:
        later = (_("🕘 Another time", language), f"~k:{key}")
        return [(later, edit), test, *now, (stop,)]
    aims: list[Row] = [((_(title, language), f"~{n}:{key}"),) for n, (title, _c) in AIMS.items()]
    other = ((_("🎯 Others, by conditions", language), f"~j:{key}"),)
    audience = ((_(_AUDIENCES[broadcast.audience], language), f"~{AUDIENCE}:{key}"),)
    delete = (_("🗑 Delete", language), f"~d:{key}")
    later = (_("🕘 Send later", language), f"~k:{key}")
    return [*aims, other, audience, (edit, delete), test, *now, (later,)]
