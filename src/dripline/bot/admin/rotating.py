"""`/rotations`: what is posted into which chats, when; start, stop, post now, pass over."""

from typing import Final

from dripline.bot.admin.desk import Desk, Row, shown
from dripline.bot.admin.timing_words import moment_words
from dripline.errors import DriplineError
from dripline.rotations import queries
from dripline.rotations.control import Rotations, Status
from dripline.rotations.models import FAILED
from dripline.texts import gettext as _
from dripline.texts import ngettext

ACTION: Final = "rot"
START, STOP, RUN, SKIP, LOOK = "s", "x", "n", "k", "l"
_LATEST: Final = 5


async def show(desk: Desk, rotations: Rotations) -> None:
    """List every rotation, a button for each."""
    every = await rotations.all(desk.session, desk.library)
    if not every:
        await desk.say(
            _(
                "There are no rotations yet. <code>dripline content add rotations</code> brings "
                "two, guides and promos.",
                desk.language,
            )
        )
        return
    lines = [_("📣 <b>Rotations</b>: what is posted into channels by itself", desk.language), ""]
    lines += [_line(desk, status) for status in every]
    rows: list[Row] = [
        ((shown(one.rotation.name, 40), f"~{ACTION}:{LOOK}:{one.rotation.id}"),) for one in every
    ]
    await desk.say("\n".join(lines), *rows)


async def act(desk: Desk, rotations: Rotations, value: str) -> None:
    """Follow a button of a rotation, and show how it stands."""
    action, _colon, rotation_id = value.partition(":")
    session, library, now = desk.session, desk.library, desk.now
    said = ""
    try:
        match action:
            case "s":
                await rotations.start(session, library, rotation_id, now)
            case "x":
                await rotations.stop(session, library, rotation_id, now)
            case "n":
                post = await rotations.run_now(session, library, rotation_id, desk.author, now)
                said = _("📤 <code>{post}</code> goes out now.", desk.language, post=shown(post))
            case "k":
                post = await rotations.skip(session, library, rotation_id, now)
                said = _("⏭ <code>{post}</code> is passed over.", desk.language, post=shown(post))
        status = await rotations.status(session, library, rotation_id)
    except DriplineError:
        await desk.say(
            _("This is not possible now: the rotation is gone, switched off, or has nothing to "
              "post. /rotations shows how they stand.", desk.language)
        )  # fmt: skip
        return
    await _card(desk, status, said)


async def _card(desk: Desk, status: Status, said: str) -> None:
    language, own = desk.language, status.rotation
    lines = [*([said, ""] if said else []), f"📣 <b>{shown(own.name)}</b>", _line(desk, status)]
    lines.append(_("Bot: {bot}", language, bot=shown(own.bot)))
    troubles = await _troubles(desk, status)
    for chat in own.chats[:20]:
        trouble = troubles.get((chat.value, chat.topic))
        mark = f"⚠️ {shown(trouble, 200)}" if trouble else "✅"
        lines.append(f"• <code>{shown(chat.name)}</code> {mark}")
    latest = await queries.posts(desk.session, own.id, _LATEST)
    if latest:
        lines += ["", _("Latest posts:", language)]
    for place in latest:
        mark = "✖" if place.post.status == FAILED else "✔" if place.post.ended_at else "…"
        at = moment_words(place.post.slot_at, desk.timezone, language)
        lines.append(
            f"{mark} {at} <code>{shown(place.post.message_id)}</code> → {shown(place.chat.value)}"
        )
    await desk.say("\n".join(lines), *_rows(desk, status))


async def _troubles(desk: Desk, status: Status) -> dict[tuple[str, int], str | None]:
    keys = [(chat.value, chat.topic) for chat in status.rotation.chats]
    if not keys:
        return {}
    known = await queries.chats_of(desk.session, status.rotation.bot, keys)
    return {key: row.trouble for key, row in known.items()}


def _rows(desk: Desk, status: Status) -> list[Row]:
    language, key = desk.language, status.rotation.id
    switch = (
        (_("⏹ Stop", language), f"~{ACTION}:{STOP}:{key}")
        if status.running
        else (_("▶️ Start", language), f"~{ACTION}:{START}:{key}")
    )
    return [
        (switch, (_("📤 Post now", language), f"~{ACTION}:{RUN}:{key}")),
        (
            (_("⏭ Pass over", language), f"~{ACTION}:{SKIP}:{key}"),
            (_("↻ Look again", language), f"~{ACTION}:{LOOK}:{key}"),
        ),
    ]


def _line(desk: Desk, status: Status) -> str:
    language = desk.language
    chats = ngettext("{n} chat", "{n} chats", len(status.rotation.chats), language)
    if not status.running:
        state = _("⏹ stopped", language)
    elif status.next_at is None:
        state = _("▶️ runs", language)
    else:
        state = _(
            "▶️ next <code>{post}</code>, {moment}",
            language,
            post=shown(status.next_message_id or "–"),
            moment=moment_words(status.next_at, desk.timezone, language),
        )
    counted = _("{sent} posted, {failed} failed", language, sent=status.sent, failed=status.failed)
    return f"{shown(status.rotation.name)}: {state}; {chats}; {counted}"
