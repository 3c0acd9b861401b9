"""When a broadcast goes out: a moment as people type it, said back in the operator's own time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from dripline.bot.admin.conversation import Action, Conversation
from dripline.bot.admin.desk import Row, shown
from dripline.bot.admin.draft import CARD, FIELD, WHEN, Draft
from dripline.bot.admin.errands import BROADCAST_CARD, send_for
from dripline.bot.admin.received import Received
from dripline.bot.admin.timing_words import moment_words
from dripline.bot.admin.typed_moment import parse_moment, parse_zone, zone_words
from dripline.broadcasts import switch
from dripline.contacts import queries as contacts
from dripline.deliveries.timing import zone_of
from dripline.errors import DriplineError
from dripline.texts import marked

AT, ZONE = "at", "zone"
_CHOICES: Final = (
    ("in 1h", marked("In an hour")),
    ("tomorrow 9:00", marked("Tomorrow 9:00")),
    ("tomorrow 18:00", marked("Tomorrow 18:00")),
    ("monday 10:00", marked("Monday 10:00")),
)


def begun(key: str, name: str) -> Draft:
    """Return the beginning of this conversation about a broadcast."""
    body = {"broadcast": True, "config": {"name": name}}
    return Draft(creating=False, body=body, scenario_id=key, at=FIELD, section=WHEN, field=AT)


class Scheduling(Conversation):
    """Asks for the moment, says it back, and schedules."""

    async def typed(self, sent: Received) -> None:
        """Take a moment, or the operator's timezone."""
        if self.draft.at == FIELD and self.draft.field == ZONE:
            await self._take_zone(sent.text)
        else:
            await self._take_moment(sent.text)

    async def _take_zone(self, text: str) -> None:
        found = parse_zone(text)
        if found is None:
            await self.ask(
                self._("I do not know the timezone “{text}”.", text=shown(text))
            )  # fmt: skip
            return
        await contacts.set_timezone(self.desk.session, self.desk.address.contact_id, found)
        self.desk.timezone = found
        self._go(FIELD, field=AT)
        await self.ask(self._("Your timezone is {zone}.", zone=zone_words(found)))

    async def _take_moment(self, text: str) -> None:
        moment = parse_moment(text, self.desk.now, self.desk.timezone)
        if moment is None:
            self._go(FIELD, field=AT)
            await self.ask(
                self._(
                    "“{text}” is no moment I understand, or it is over, or more than a year away.",
                    text=shown(text),
                )
            )
            return
        self._go(CARD)
        self.draft.body["moment"] = moment.isoformat()
        await self.ask()

    def _actions(self) -> Mapping[str, Action]:
        return {
            "c": self._choose, "ok": self._schedule, "again": self._again, "zone": self._zone,
            "cancel": self._cancel,
        }  # fmt: skip

    async def _choose(self, number: int) -> None:
        if self.draft.field == AT and number < len(_CHOICES):
            await self._take_moment(_CHOICES[number][0])
        else:
            await self.ask()

    async def _again(self, _number: int) -> None:
        self._go(FIELD, field=AT)
        await self.ask()

    async def _zone(self, _number: int) -> None:
        self._go(FIELD, field=ZONE)
        await self.ask()

    async def _cancel(self, _number: int) -> None:
        self.ended = True
        await self.desk.say(self._("Left as it was."))
        await send_for(self.desk, BROADCAST_CARD, {"key": self.draft.scenario_id})

    async def _schedule(self, _number: int) -> None:
        desk, key = self.desk, self.draft.scenario_id
        moment = self._moment()
        if moment is None or moment <= desk.now:
            self._go(FIELD, field=AT)
            await self.ask(self._("That moment has passed meanwhile."))
            return
        self.ended = True
        try:
            broadcast = await switch.draft(desk.session, desk.library, key, desk.author, desk.now)
            await switch.send(desk.session, broadcast, desk.now, at=moment)
        except DriplineError:
            await desk.say(self._("That is not possible just now."))
        else:
            when = moment_words(moment, desk.timezone, desk.language)
            await desk.say(
                self._("🕘 “{name}” goes out {when}.", name=shown(broadcast.name), when=when)
            )
        await send_for(desk, BROADCAST_CARD, {"key": key})

    def _moment(self) -> datetime | None:
        kept = self.draft.body.get("moment")
        return datetime.fromisoformat(kept) if kept else None

    async def question(self) -> str:
        """Return the present question."""
        desk, draft = self.desk, self.draft
        moment = self._moment()
        if draft.at == CARD and moment is not None:
            return self._(
                "“{name}” will go out {when}. Right?",
                name=shown(draft.name),
                when=moment_words(moment, desk.timezone, desk.language),
            )
        if draft.field == ZONE:
            return self._(
                "Which timezone are you in? Send a city or an offset, for example "
                "Europe/Moscow, Berlin or UTC+3."
            )
        here = f"{desk.now.astimezone(zone_of(desk.timezone)):%H:%M}"
        if desk.timezone:
            clock = self._("By your clock ({zone}), where it is {time} now.",
                           zone=zone_words(desk.timezone), time=here)  # fmt: skip
        else:
            clock = self._(
                "I do not know your timezone, so this is UTC, where it is {time} now.", time=here
            )
        asked = self._(
            "When shall “{name}” go out? For example: tomorrow 9:00, 21.11 18:30, monday 10:00.",
            name=shown(draft.name),
        )
        return f"{asked}\n{clock}"

    def keyboard(self) -> list[Row]:
        """Return its buttons."""
        cancel = (self._("✖ Cancel"), "cancel")
        if self.draft.at == CARD:
            yes = (self._("✅ Yes, schedule it"), "ok")
            return self._buttons([[yes], [(self._("Another time"), "again"), cancel]])
        if self.draft.field == ZONE:
            return self._buttons([[(self._("← Back"), "again"), cancel]])
        picks = [(self._(title), f"c{n}") for n, (_text, title) in enumerate(_CHOICES)]
        zone = (self._("🌍 My timezone"), "zone")
        return self._buttons([picks[:2], picks[2:], [zone, cancel]])
