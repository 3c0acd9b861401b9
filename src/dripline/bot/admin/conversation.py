"""What all conversations with an admin have in common: questions with a number, kept between them.

Each question has a number, its `turn`, and so have its buttons: one of an earlier question only
shows the present one again.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from dripline.bot.admin.desk import Desk, Row
from dripline.bot.admin.draft import Draft
from dripline.bot.admin.received import Received
from dripline.clock import from_us, to_us
from dripline.content.edit import State
from dripline.operators import queries as operators
from dripline.texts import gettext as _

SILENCE: Final = timedelta(minutes=30)
_DOUBLE: Final = timedelta(seconds=3)  # a button pressed twice by an impatient finger
Action = Callable[[int], Awaitable[None]]


class Conversation(ABC):
    """One step of a conversation; what is `ended` is not kept."""

    def __init__(self, desk: Desk, state: State, draft: Draft) -> None:
        self.desk, self.state, self.draft = desk, state, draft
        self.ended = False
        self.notes: list[str] = []

    async def keep(self) -> None:
        """Store how far we are; silence is counted from now."""
        desk = self.desk
        if self.ended:
            await operators.end_wizard(desk.session, desk.bot, desk.telegram_id)
            return
        until = desk.now + SILENCE
        kept = self.draft.kept()
        await operators.save_wizard(desk.session, desk.bot, desk.telegram_id, kept, desk.now, until)

    def _(self, message: str, **values: object) -> str:
        """Return a text in the admin's language."""
        return _(message, self.desk.language, **values)

    @abstractmethod
    async def typed(self, sent: Received) -> None:
        """Take a message."""
        ...

    async def pressed(self, turn: int, action: str) -> None:
        """Follow a button of a question."""
        draft = self.draft
        if turn != draft.turn:
            recently = self.desk.now - from_us(draft.turned_us) < _DOUBLE
            if turn != draft.turn - 1 or not recently:
                await self.ask(self._("That button belongs to an earlier question. Here we are:"))
            return
        name = action.rstrip("0123456789")
        follow = self._actions().get(name)
        number = int(action[len(name) :] or 0)
        if follow is None or not 0 <= number < 10_000:
            await self.ask()
            return
        await follow(number)

    @abstractmethod
    def _actions(self) -> Mapping[str, Action]:
        """Return what the buttons of the present question do."""
        ...

    def _go(self, at: str, section: str | None = None, field: str = "") -> None:
        draft = self.draft
        draft.at = at
        draft.section = section or draft.section
        draft.field = field
        draft.waiting, draft.group, draft.ack, draft.choices = False, "", [], []
        draft.turn += 1
        draft.turned_us = to_us(self.desk.now)

    async def ask(self, note: str = "") -> None:
        """Say the present question, after what there is to be said before it."""
        notes = [*self.notes, *([note] if note else [])]
        self.notes = []
        text = "\n\n".join([*notes, await self.question()])
        await self.desk.say(text, *self.keyboard())

    @abstractmethod
    async def question(self) -> str:
        """Return the present question."""
        ...

    @abstractmethod
    def keyboard(self) -> list[Row]:
        """Return its buttons."""
        ...

    def _buttons(self, rows: list[list[tuple[str, str]]]) -> list[Row]:
        """Return rows of buttons that belong to the present question."""
        turn = self.draft.turn
        return [tuple((text, f"~w:{turn}:{name}") for text, name in row) for row in rows if row]
