"""`/admin/dashboard`: a plain page with the numbers; no JavaScript, nothing from elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from dripline.analytics import lists, numbers
from dripline.api.admin.frame import frame
from dripline.api.admin.numbers import Queue, queue_of
from dripline.api.admin.session import PATH, expect_own_form, let_in, let_out, visitor
from dripline.api.backend import Backend, backend_of
from dripline.api.pages.html import NOTHING, Html, html, joined
from dripline.api.pages.visitor import language_of
from dripline.api.throttle import source_of
from dripline.deliveries.models import Delivery
from dripline.texts import gettext as _

routes = APIRouter(include_in_schema=False)
DAYS = 30
_FAILURES = 10


@routes.get(PATH)
async def dashboard(request: Request) -> Response:
    """Show the numbers, or ask for the key."""
    backend, language = backend_of(request), _language(request)
    try:
        who = await visitor(request, backend)
    except HTTPException as error:
        return _login(language, error.status_code, error.detail)
    if who is None:
        return _login(language, 401)
    now = backend.clock.now()
    async with backend.database.reading() as session:
        body = await _numbers(session, backend, now, language)
    return frame(_("Dashboard", language), body, language)


@routes.post(f"{PATH}/login")
async def login(request: Request) -> Response:
    """Let a browser in that gives a key."""
    backend, language = backend_of(request), _language(request)
    expect_own_form(request)
    form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    key = (form.get("key") or [""])[0].strip()
    try:
        who = await backend.auth.holder(key, source_of(request))
    except HTTPException as error:
        return _login(language, error.status_code, error.detail)
    if who is None:
        return _login(language, 401, _("This key opens nothing.", language))
    response = RedirectResponse(PATH, status_code=303)
    let_in(request, response, backend, who)
    return response


@routes.post(f"{PATH}/logout")
async def logout(request: Request) -> Response:
    """Forget a browser."""
    expect_own_form(request)
    response = RedirectResponse(PATH, status_code=303)
    let_out(response)
    return response


def _language(request: Request) -> str:
    return language_of(request, None, backend_of(request).settings.default_language)


def _login(language: str, status: int, said: str = "") -> HTMLResponse:
    body = html(
        '<form class="card login" method="post" action="{path}/login"><h1>dripline</h1>'
        '<p class="bad" role="alert">{said}</p><p><label for="key">{label}</label></p>'
        '<input id="key" name="key" type="password" autocomplete="current-password" required '
        'autofocus maxlength="500"><button>{enter}</button></form>',
        path=PATH,
        said=said,
        label=_("API key", language),
        enter=_("Open the dashboard", language),
    )
    return frame(_("Dashboard", language), body, language, status)


async def _numbers(session: AsyncSession, backend: Backend, now: datetime, language: str) -> Html:
    library = await backend.store.current(session)
    seen = await numbers.overview(session, DAYS, now)
    funnels = await numbers.funnels(session, library, DAYS, now)
    queue = await queue_of(session, now)
    failed = (await lists.deliveries_page(session, None, _FAILURES, status="failed")).rows
    today = seen.by_day.get(now.date().isoformat(), numbers.Messages())
    return joined(
        [
            _top(backend, now, language),
            _cards(seen, today, queue, language),
            _chart(seen, now, language),
            _channels(seen, language),
            _funnels(funnels, language),
            _failures(failed, language),
        ]
    )


def _top(backend: Backend, now: datetime, language: str) -> Html:
    return html(
        '<header><div><h1>dripline</h1><div class="soft">{environment}, {now} UTC</div></div>'
        '<form method="post" action="{path}/logout"><button>{leave}</button></form></header>',
        environment=backend.settings.environment,
        now=f"{now:%Y-%m-%d %H:%M}",
        path=PATH,
        leave=_("Log out", language),
    )


def _cards(seen: numbers.Overview, today: numbers.Messages, queue: Queue, language: str) -> Html:
    sent = seen.messages.sent
    shown = [
        (_("Contacts", language), f"{seen.contacts:,}", ""),
        (_("In a scenario", language), f"{seen.enrollments.get('active', 0):,}", ""),
        (_("Sent today", language), f"{today.sent:,}", ""),
        (_("Sent in 30 days", language), f"{sent:,}", ""),
        (_("Opened", language), f"{seen.messages.open_rate:.1%}", ""),
        (_("Clicked", language), f"{seen.messages.click_rate:.1%}", ""),
        (_("Waiting", language), f"{queue.waiting:,}", ""),
        (_("Due, not sent yet", language), f"{queue.due:,}", ""),
        (_("Failed", language), f"{queue.failed:,}", "bad" if queue.failed else ""),
    ]
    cards = joined(
        html(
            '<div class="card"><span class="soft">{name}</span><b class="{kind}">{value}</b></div>',
            name=name,
            value=value,
            kind=kind,
        )
        for name, value, kind in shown
    )
    return html('<section class="cards">{cards}</section>', cards=cards)


def _chart(seen: numbers.Overview, now: datetime, language: str) -> Html:
    """Return bars of what was sent and failed, a day each."""
    first = datetime.fromisoformat(numbers.first_day(DAYS, now)).toordinal()
    days = [datetime.fromordinal(first + at).date().isoformat() for at in range(DAYS)]
    counts = [seen.by_day.get(day, numbers.Messages()) for day in days]
    most = max([one.sent + one.failed for one in counts] + [1])
    bars = []
    for at, (day, one) in enumerate(zip(days, counts, strict=True)):
        sent, failed = 100 * one.sent / most, 100 * one.failed / most
        bars.append(
            html(
                '<g><title>{day}: {sent}</title><rect class="sent" x="{x}" y="{y}" width="8" '
                'height="{h}"/><rect class="failed" x="{x}" y="{top}" width="8" height="{f}"/></g>',
                day=day,
                sent=f"{one.sent:,}",
                x=at * 10 + 1,
                y=f"{100 - sent:.2f}",
                h=f"{sent:.2f}",
                top=f"{100 - sent - failed:.2f}",
                f=f"{failed:.2f}",
            )
        )
    return html(
        '<h2>{title}</h2><div class="card"><svg viewBox="0 0 300 100" preserveAspectRatio="none" '
        'role="img" aria-label="{title}">{bars}</svg><div class="soft">{since} – {until}</div>'
        "</div>",
        title=_("Messages by day", language),
        bars=joined(bars),
        since=days[0],
        until=days[-1],
    )


def _channels(seen: numbers.Overview, language: str) -> Html:
    rows = [_row(channel, found) for channel, found in sorted(seen.by_channel.items())]
    return _table(_("Channels", language), _("Channel", language), rows, language)


def _funnels(funnels: Sequence[numbers.Funnel], language: str) -> Html:
    rows = []
    for funnel in funnels:
        people = ", ".join(f"{value:,} {key}" for key, value in sorted(funnel.people.items()))
        name = f"{funnel.name} ({people})" if people else funnel.name
        rows.append(_row(name, funnel.messages))
        rows += [_row(step.message_id, step.messages, "step") for step in funnel.steps]
    return _table(_("Scenarios", language), _("Message", language), rows, language)


def _row(name: str, found: numbers.Messages, kind: str = "") -> Html:
    numbers_of = (found.sent, found.delivered, found.opened, found.clicked, found.failed)
    return html(
        '<tr class="{kind}"><td>{name}</td>{cells}</tr>',
        kind=kind,
        name=name,
        cells=joined(html("<td>{value}</td>", value=f"{value:,}") for value in numbers_of),
    )


def _table(title: str, first: str, rows: Sequence[Html], language: str) -> Html:
    if not rows:
        return NOTHING
    names = (
        first,
        _("Sent", language),
        _("Delivered", language),
        _("Opened", language),
        _("Clicked", language),
        _("Failed", language),
    )
    return html(
        '<h2>{title}</h2><div class="card wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}'
        "</tbody></table></div>",
        title=title,
        head=joined(html('<th scope="col">{name}</th>', name=name) for name in names),
        rows=joined(rows),
    )


def _failures(failed: Sequence[Delivery], language: str) -> Html:
    if not failed:
        return NOTHING
    rows = joined(
        html(
            '<tr><td>{at}</td><td class="text">{what}</td><td class="text">{why}</td></tr>',
            at=f"{row.failed_at or row.scheduled_at:%m-%d %H:%M}",
            what=f"{row.scenario_id or row.origin} / {row.message_id} ({row.channel})",
            why=(row.failure_reason or "")[:200],
        )
        for row in failed
    )
    return html(
        '<h2>{title}</h2><div class="card wide"><table><tbody>{rows}</tbody></table></div>',
        title=_("Failed last", language),
        rows=rows,
    )
