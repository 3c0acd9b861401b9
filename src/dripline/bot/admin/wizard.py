"""The conversation in which a scenario is made or changed.

field ─▶ field ─▶ … ─▶ card (everything entered: confirm, edit) ─▶ next section … ─▶ hub (save)
                         └─▶ pick a field ─▶ field ─▶ card

Each question has a number, its `turn`, and so have its buttons: one of an earlier question only
shows the present one again.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from dripline.bot.admin import answers, broadcasting, cards, saving
from dripline.bot.admin import draft as drafts
from dripline.bot.admin.asking import Asking, editable, may_skip
from dripline.bot.admin.conversation import Action, Conversation
from dripline.bot.admin.desk import Refusal, Row
from dripline.bot.admin.draft import (
    BROADCAST,
    CARD,
    FIELD,
    GENERAL,
    HUB,
    LETTER,
    MESSAGE,
    MORE,
    PICK,
    SUMMARY,
)
from dripline.bot.admin.errands import FILE, send_for
from dripline.bot.admin.fields import Field, field_of, following
from dripline.bot.admin.received import Received
from dripline.bot.admin.showing import show_all, show_message
from dripline.deliveries import queue

_ALBUM: Final = timedelta(seconds=1)  # its pictures come as messages of their own
_SKIP: Final = frozenset({"skip", "пропустить"})
_NOTHING: Final = _SKIP | {"пропуск", "нет", "no", "none", "-"}
_DONE: Final = frozenset({"done", "готово", "ok", "ок"})
_CONFIRM: Final = frozenset({"confirm", "yes", "подтвердить", "да", "ok", "ок"})
_EDIT: Final = frozenset({"edit", "изменить"})


class Wizard(Conversation):
    """One step of the conversation."""

    # What comes in

    async def typed(self, sent: Received) -> None:
        """Take a message."""
        draft, word = self.draft, sent.word
        if draft.at != FIELD:
            if not self._told_before(sent):
                await self._typed_choice(word)
            return
        field = field_of(draft.section, draft.field)
        skips = _SKIP if field.key == "text" else _NOTHING  # a message may well say “no”
        may = may_skip(draft, field) or field.key == "id"
        if word in skips and sent.file is None and may:
            await self.pressed(draft.turn, "c0" if field.key == "id" else "skip")
            return
        if word in _DONE and field.key == "files" and sent.file is None:
            await self.pressed(draft.turn, "done")
            return
        try:
            await answers.take(self.desk, self.state, draft, sent)
        except Refusal as refusal:
            if not self._told_before(sent):
                await self.ask(refusal.text)
            return
        if field.key == "language":
            await self._translate()
            return
        if sent.file is not None:
            file = {"file_id": sent.file.file_id, "kind": sent.file.kind}
            await send_for(self.desk, FILE, file)
        if sent.file is not None and (field.key == "files" or not sent.text.strip()):
            await self._about_files(sent)
        else:
            await self._after(field)

    def _told_before(self, sent: Received) -> bool:
        """Whether another picture of the same album was refused; from now on it was."""
        told = bool(sent.group) and sent.group == self.draft.refused
        self.draft.refused = sent.group or ""
        return told

    async def _typed_choice(self, word: str) -> None:
        """Take a word where a button was to be pressed."""
        at = self.draft.at
        if word in _CONFIRM and at == CARD:
            await self.pressed(self.draft.turn, "ok")
        elif word in _EDIT and at == CARD:
            await self.pressed(self.draft.turn, "edit")
        elif at == HUB and word.isdecimal() and len(word) < 5 and int(word) > 0:
            await self._message(int(word) - 1)
        else:
            await self.ask(self._("Please press one of the buttons below, or send /cancel."))

    def _actions(self) -> Mapping[str, Action]:
        always: dict[str, Action] = {"cancel": self._cancel}
        match self.draft.at:
            case "field":
                return always | {
                    "skip": self._skip, "done": self._done, "clear": self._clear,
                    "c": self._choose, "back": self._back,
                }  # fmt: skip
            case "card":
                return always | {
                    "ok": self._confirm, "edit": self._edit, "up": self._up, "down": self._down,
                    "del": self._delete,
                }  # fmt: skip
            case "pick":
                return always | {"f": self._pick, "back": self._back}
            case "more":
                return always | {"more": self._add, "hub": self._hub}
            case _:
                return always | {
                    "g": self._general, "s": self._summary, "m": self._message,
                    "more": self._add, "show": self._show, "save": self._save,
                    "theirs": self._theirs,
                }  # fmt: skip

    # Where we go

    async def _after(self, field: Field) -> None:
        """Go on after a field has its answer."""
        draft = self.draft
        following_field = None if draft.single else following(draft.section, field.key)
        if following_field is not None and following_field.key == "buttons":
            nothing = drafts.is_empty(draft.spec)
            following_field = None if nothing and draft.section == SUMMARY else following_field
        if following_field is not None:
            self._go(FIELD, field=following_field.key)
            await self.ask()
        else:
            await self._card()

    async def _translate(self) -> None:
        """Ask for the text in the language that was chosen."""
        variant = self.draft.variant
        self._go(FIELD, field="text")
        self.draft.variant = variant
        await self.ask()

    async def _card(self) -> None:
        draft = self.draft
        draft.single, variant, draft.variant = False, draft.variant, ""
        if draft.section == SUMMARY and drafts.is_empty(draft.body.get("summary")):
            draft.body["summary"] = None
        elif draft.section not in {GENERAL, BROADCAST}:
            if draft.section in {MESSAGE, LETTER} and drafts.is_empty(draft.spec):
                self._go(FIELD, field="text")
                await self.ask(self._("A message needs a text or a file."))
                return
            await show_message(self.desk, self.state, draft, draft.spec, variant)
        self._go(CARD)
        await self.ask()

    async def _hub(self, _number: int = 0) -> None:
        self.draft.linear = False
        self._go(HUB)
        await self.ask()

    async def _skip(self, _number: int) -> None:
        field = field_of(self.draft.section, self.draft.field)
        if not may_skip(self.draft, field):
            await self.ask(self._("This cannot be skipped."))
            return
        answers.skip(self.draft)
        await self._after(field)

    async def _done(self, _number: int) -> None:
        draft = self.draft
        if draft.field != "files":
            await self.ask()
        elif drafts.missing_files(draft.spec):
            draft.waiting = True
            await self.desk.say(self._("One moment: Telegram is still handing me the file."))
        else:
            await self._after(field_of(draft.section, "files"))

    async def _clear(self, _number: int) -> None:
        self.draft.spec["media"] = []
        await self.ask(self._("Removed."))

    async def _choose(self, number: int) -> None:
        draft = self.draft
        if number >= len(draft.choices):
            await self.ask()
            return
        await self.typed(Received(text=draft.choices[number], html=draft.choices[number]))

    async def _back(self, _number: int) -> None:
        self.draft.single, self.draft.variant = False, ""
        self._go(CARD)
        await self.ask()

    async def _confirm(self, _number: int) -> None:
        draft = self.draft
        if not draft.linear:
            await self._hub()
        elif draft.section == BROADCAST:
            self._go(FIELD, LETTER, "text")
            await self.ask()
        elif draft.section == LETTER:
            await self._hub()
        elif draft.section == GENERAL:
            self._go(FIELD, SUMMARY, "text")
            await self.ask()
        elif draft.section == SUMMARY:
            await self._add()
        else:
            self._go(MORE)
            await self.ask()

    async def _edit(self, _number: int) -> None:
        self._go(PICK)
        await self.ask()

    async def _pick(self, number: int) -> None:
        fields = editable(self.draft)
        if number >= len(fields):
            await self.ask()
            return
        self.draft.single = True
        self._go(FIELD, field=fields[number].key)
        await self.ask()

    async def _general(self, _number: int) -> None:
        self._go(CARD, BROADCAST if self.draft.is_broadcast else GENERAL)
        await self.ask()

    async def _summary(self, _number: int) -> None:
        draft = self.draft
        section = LETTER if draft.is_broadcast else SUMMARY
        if drafts.is_empty(draft.body.get("summary")):
            self._go(FIELD, section, "text")
            await self.ask()
            return
        draft.section = section
        await self._card()

    async def _message(self, number: int) -> None:
        draft = self.draft
        if number >= len(draft.order):
            await self.ask()
            return
        draft.section, draft.message_id = MESSAGE, draft.order[number]
        await self._card()

    async def _add(self, _number: int = 0) -> None:
        draft = self.draft
        if len(draft.order) >= 1_000:
            await self.ask(self._("A scenario has at most 1,000 messages."))
            return
        key = drafts.new_message_id(draft.body)
        draft.body["messages"][key] = drafts.empty_spec()
        draft.body["order"] = [*draft.order, key]
        draft.message_id = key
        self._go(FIELD, MESSAGE, "text")
        await self.ask()

    async def _up(self, _number: int) -> None:
        await self._move(-1)

    async def _down(self, _number: int) -> None:
        await self._move(1)

    async def _move(self, by: int) -> None:
        draft = self.draft
        at = draft.order.index(draft.message_id)
        to = at + by
        if draft.section == MESSAGE and 0 <= to < len(draft.order):
            order = list(draft.order)
            order[at], order[to] = order[to], order[at]
            draft.body["order"] = order
        await self._hub()

    async def _delete(self, _number: int) -> None:
        draft = self.draft
        if draft.section == SUMMARY:
            draft.body["summary"] = None
        elif draft.section == MESSAGE:
            draft.body["order"] = [one for one in draft.order if one != draft.message_id]
            draft.body["messages"].pop(draft.message_id)
            draft.message_id = ""
        self.notes.append(self._("Removed."))
        await self._hub()

    async def _show(self, _number: int) -> None:
        await show_all(self.desk, self.state, self.draft)
        await self.ask()

    async def _save(self, _number: int) -> None:
        save = broadcasting.save if self.draft.is_broadcast else saving.save
        self.ended = await save(self.desk, self.draft)
        if not self.ended:
            self._go(HUB)
            await self.ask()

    async def _theirs(self, _number: int) -> None:
        saving.take_theirs(self.draft)
        self._go(HUB)
        await self.ask(self._("I took the other version where you both had changed something."))

    async def _cancel(self, _number: int = 0) -> None:
        self.ended = True
        if self.draft.creating:
            text = self._("Cancelled; nothing was created.")
        elif self.draft.is_broadcast:
            text = self._("Cancelled; the broadcast stays as it was.")
        else:
            text = self._("Cancelled; the scenario stays as it was.")
        await self.desk.say(text)

    # Files

    async def _about_files(self, sent: Received) -> None:
        """Say once what has come in; an album's pictures come one after another."""
        draft = self.draft
        field = draft.field
        if draft.ack and sent.group and sent.group == draft.group:
            pace, priority, due, key = draft.ack
            old = queue.Key(pace, priority, due, saving.as_uuid(key))
            await queue.cancel(self.desk.session, [old])
        after = _ALBUM if sent.group else None
        if field == "text":
            hint = self._("Now the text; or skip it, if there is none.")
        else:
            hint = self._("Send more, or press “Done”.")
        text = self._("Received: {files}.", files=cards.files_of(draft.spec, self.desk.language))
        said = await self.desk.say(f"📎 {text} {hint}", *self._asking().keyboard(), after=after)
        draft.group, draft.ack = sent.group or "", [*said[:3], said.id.hex]

    # What is asked

    async def question(self) -> str:
        """Return the present question."""
        return await self._asking().question()

    def keyboard(self) -> list[Row]:
        """Return its buttons."""
        return self._asking().keyboard()

    def _asking(self) -> Asking:
        return Asking(self.desk, self.state, self.draft)
