"""To whom a broadcast goes: conditions put together by buttons, or typed as JSON, said in words.

        ┌─ language, tag, scenario ▶ how it stands, state …
home ───┼─ not: turn the last one round, remove it
        └─ use it ─▶ the broadcast's card
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from dripline.bot.admin import broadcasting, catalog
from dripline.bot.admin.audience_words import told
from dripline.bot.admin.conversation import Action, Conversation
from dripline.bot.admin.desk import Row, shown
from dripline.bot.admin.document import attribute_kinds, broadcast_names
from dripline.bot.admin.draft import AIM, FIELD, Draft
from dripline.bot.admin.errands import AUDIENCE, BROADCAST_CARD, send_for
from dripline.bot.admin.linter_words import in_language
from dripline.bot.admin.received import Received
from dripline.contacts import queries as contacts
from dripline.contacts import segments
from dripline.contacts.segments import Condition, Names, SegmentError
from dripline.content.telegram_html import escape
from dripline.engagement.rules import rooms_in
from dripline.texts import languages, marked, ngettext

HOME, STATE, TAG, SCENARIO, STATUS, LANGUAGE = "", "state", "tag", "scenario", "status", "language"
_KINDS: Final = (
    (SCENARIO, marked("Scenario")), (STATE, marked("State")), (TAG, marked("Tag")),
    (LANGUAGE, marked("Language")),
)  # fmt: skip
_READY: Final[tuple[tuple[Any, str], ...]] = (
    ("has_paid", marked("Has paid")),
    ("has_not_paid", marked("Has not paid")),
    ("no_active_scenario", marked("In no scenario")),
    ({"last_seen": {"within": {"days": 14}}}, marked("Active in the last 14 days")),
)
_STATUSES: Final = (
    ("active", marked("In it now")), ("completed", marked("Completed it")),
    ("stopped", marked("Stopped in it")), ("not_started", marked("Never was in it")),
)  # fmt: skip
_ASKS: Final = {
    STATE: marked("Which state? Press one, or type it."),
    TAG: marked("Which tag? Press one, or type it."),
    SCENARIO: marked("Which scenario?"),
    STATUS: marked("And how do they stand in “{name}”?"),
    LANGUAGE: marked("Which language? Press one, or type its code, such as en or pt-br."),
}
_MOST: Final = 20
_STATES: Final = ("VISITOR", "REGISTERED", "VIP", "SUPER_VIP")
_EXAMPLE: Final = '[{"state": ["VIP"]}, {"not": {"tag": "quiet"}}]'


def begun(key: str, name: str, targeting: list[Any]) -> Draft:
    """Return the beginning of this conversation about a broadcast."""
    alone = targeting[0] if len(targeting) == 1 else None
    any_of = isinstance(alone, dict) and list(alone) == ["or"] and isinstance(alone["or"], list)
    conditions = alone["or"] if any_of and isinstance(alone, dict) else targeting
    body = {
        "broadcast": True, "config": {"name": name}, "aim": list(conditions), "any": any_of,
        "scenario": "",
    }  # fmt: skip
    return Draft(creating=False, body=body, scenario_id=key, at=FIELD, section=AIM, field=HOME)


class Aiming(Conversation):
    """Puts conditions together; the exact count is a job of its own."""

    @property
    def conditions(self) -> list[Any]:
        """What has been put together, each condition for itself."""
        found: list[Any] = self.draft.body["aim"]
        return found

    def targeting(self) -> list[Any]:
        """Return the segment as content keeps it."""
        several = len(self.conditions) > 1
        return [{"or": self.conditions}] if self.draft.body["any"] and several else self.conditions

    def segment(self) -> Condition:
        """Return the segment as the database is asked for it. Raises SegmentError."""
        return segments.parse(self.targeting(), self._names())

    def _names(self) -> Names:
        state = self.state
        ids = catalog.ids_of(state)
        names = list(broadcast_names(state))
        return Names(attribute_kinds(state.documents), ids, names, rooms_in(state.documents))

    async def typed(self, sent: Received) -> None:
        """Take a condition as JSON, or a value of the one that is being made."""
        text = sent.text.strip()
        if self.draft.field == HOME:
            await self._typed_json(text)
        elif self.draft.field in {STATE, TAG, LANGUAGE} and text:
            await self._add({self.draft.field: text})
        else:
            await self.ask(self._("Please press one of the buttons below, or send /cancel."))

    async def _typed_json(self, text: str) -> None:
        try:
            given = json.loads(text) if text[:1] in {"[", "{", '"'} else text
            segments.parse(given, self._names())
        except SegmentError as error:
            await self._refuse(self._about(error))
            return
        except (ValueError, RecursionError):
            await self._refuse(
                self._(
                    "I cannot read this. Press a button below, or write the conditions as JSON, "
                    "for example: {example}",
                    example=f"<code>{escape(_EXAMPLE)}</code>",
                )
            )
            return
        self.draft.body["aim"] = given if isinstance(given, list) else [*self.conditions, given]
        await self._home()

    def _about(self, error: SegmentError) -> str:
        """Return what is wrong with a condition, and where it stands if it is not the whole."""
        where = f" (<code>{escape(error.pointer)}</code>)" if error.pointer else ""
        return escape(in_language(error.plain, self.desk.language)) + where

    async def _refuse(self, why: str) -> None:
        self._go(FIELD, field=self.draft.field)
        self.notes.append(why)
        await self.ask()

    async def _add(self, condition: Any) -> None:
        if condition in self.conditions:
            await self._home()
            return
        try:
            segments.parse([*self.conditions, condition], self._names())
        except SegmentError as error:
            await self._refuse(self._about(error))
            return
        self.draft.body["aim"] = [*self.conditions, condition]
        await self._home()

    async def _home(self, _number: int = 0) -> None:
        self._go(FIELD, field=HOME)
        await self.ask()

    # Buttons

    def _actions(self) -> Mapping[str, Action]:
        return {
            "k": self._kind, "r": self._ready, "c": self._choose, "not": self._turn_round,
            "del": self._remove, "all": self._clear, "any": self._join, "ok": self._use,
            "back": self._home, "cancel": self._cancel,
        }  # fmt: skip

    async def _kind(self, number: int) -> None:
        self._go(FIELD, field=_KINDS[number][0] if number < len(_KINDS) else HOME)
        await self.ask()

    async def _ready(self, number: int) -> None:
        if number < len(_READY):
            await self._add(_READY[number][0])
        else:
            await self.ask()

    async def _choose(self, number: int) -> None:
        draft = self.draft
        if number >= len(draft.choices):
            await self.ask()
            return
        value = draft.choices[number]
        match draft.field:
            case "scenario":
                draft.body["scenario"] = value
                self._go(FIELD, field=STATUS)
                await self.ask()
            case "status":
                await self._add({"scenario": {"id": draft.body["scenario"], "status": value}})
            case kind:
                await self._add({kind: value})

    async def _turn_round(self, _number: int) -> None:
        if self.conditions:
            last = self.conditions[-1]
            is_not = isinstance(last, dict) and list(last) == ["not"]
            self.draft.body["aim"] = [
                *self.conditions[:-1], last["not"] if is_not else {"not": last}
            ]  # fmt: skip
        await self._home()

    async def _remove(self, _number: int) -> None:
        self.draft.body["aim"] = self.conditions[:-1]
        await self._home()

    async def _clear(self, _number: int) -> None:
        self.draft.body["aim"] = []
        await self._home()

    async def _join(self, _number: int) -> None:
        self.draft.body["any"] = not self.draft.body["any"]
        await self._home()

    async def _use(self, _number: int) -> None:
        self.ended = True
        await broadcasting.aim(self.desk, self.draft.scenario_id, self.targeting())

    async def _cancel(self, _number: int) -> None:
        self.ended = True
        await self.desk.say(self._("Left as it was."))
        await send_for(self.desk, BROADCAST_CARD, {"key": self.draft.scenario_id})

    # What is asked

    async def ask(self, note: str = "") -> None:
        """Say the present question; at home that waits for the count, which a job makes."""
        if self.draft.field == HOME:
            self.notes += [note] if note else []
            detail = {"turn": self.draft.turn, "notes": self.notes}
            await send_for(self.desk, AUDIENCE, detail)
            self.notes = []
            return
        await self._offer()
        await super().ask(note)

    async def counted(self, count: int, notes: list[str]) -> None:
        """Say whom it means, with the count."""
        language = self.desk.language
        people = ngettext(
            "👥 {n} person will get it.", "👥 {n} people will get it.", count, language
        )
        hint = self._("Add conditions below, or send them as JSON.")
        text = "\n".join([self._title(), *self._listed(), "", people, hint])
        await self.desk.say("\n\n".join([*notes, text]), *self.keyboard())

    def _title(self) -> str:
        name = shown(self.draft.name)
        if not self.conditions:
            return self._("“{name}” goes to everybody.", name=name)
        if len(self.conditions) == 1:
            return self._("“{name}” goes to those who match:", name=name)
        if self.draft.body["any"]:
            return self._("“{name}” goes to those who match any of:", name=name)
        return self._("“{name}” goes to those who match all of:", name=name)

    def _listed(self) -> list[str]:
        return [f"• {line}" for line in told(self.conditions, self.state, self.desk.language)]

    async def question(self) -> str:
        """Return the present question."""
        name = shown(catalog.name_of(self.state, self.draft.body["scenario"]))
        return self._(_ASKS[self.draft.field], name=name)

    async def _offer(self) -> None:
        """Say what can be chosen, by what there is."""
        match self.draft.field:
            case "state":
                found = self._states()
            case "tag":
                found = await contacts.known_tags(self.desk.session, _MOST)
            case "scenario":
                found = catalog.ids_of(self.state)
            case "status":
                found = [status for status, _title in _STATUSES]
            case _:
                found = list(languages())
        self.draft.choices = found[:_MOST]

    def _states(self) -> list[str]:
        lifecycle = self.state.documents.get(("lifecycle", "lifecycle"), {}).get("file") or {}
        given = lifecycle.get("states")
        names = [one.get("id") for one in given or () if isinstance(one, dict)]
        return [str(name) for name in names if name] or list(_STATES)

    def keyboard(self) -> list[Row]:
        """Return the buttons of the present question."""
        if self.draft.field == HOME:
            return self._buttons(self._home_rows())
        picks = [(label[:60], f"c{n}") for n, label in enumerate(self._labels())]
        rows = [picks[at : at + 2] for at in range(0, len(picks), 2)]
        return self._buttons([*rows, [(self._("← Back"), "back")]])

    def _labels(self) -> list[str]:
        match self.draft.field:
            case "scenario":
                return [" ".join(catalog.name_of(self.state, o).split())
                        for o in self.draft.choices]  # fmt: skip
            case "status":
                return [self._(title) for _status, title in _STATUSES]
        return list(self.draft.choices)

    def _home_rows(self) -> list[list[tuple[str, str]]]:
        kinds = [(f"➕ {self._(title)}", f"k{n}") for n, (_kind, title) in enumerate(_KINDS)]
        ready = [(f"➕ {self._(title)}", f"r{n}") for n, (_one, title) in enumerate(_READY)]
        rows = [kinds[:2], kinds[2:], ready[:2], ready[2:]]
        if self.conditions:
            rows.append([(self._("❗ Turn the last one round"), "not"),
                         (self._("🗑 Remove it"), "del")])  # fmt: skip
        if len(self.conditions) > 1:
            joined = self._("Match all of them") if self.draft.body["any"] else \
                self._("Match any of them")  # fmt: skip
            rows.append([(joined, "any"), (self._("🗑 Remove all"), "all")])
        rows.append([(self._("✅ Use it"), "ok"), (self._("✖ Cancel"), "cancel")])
        return rows
