"""What an admin asks for, by a button, a command or in a conversation, and who does it."""

from collections.abc import Awaitable, Callable
from typing import Final

from dripline.bot.admin import broadcast_undo, broadcasting, catalog, changing, reviewing, rotating
from dripline.bot.admin.beginning import Beginning, conversation_of
from dripline.bot.admin.commands import COMMANDS, help_text
from dripline.bot.admin.conversation import Conversation
from dripline.bot.admin.desk import Desk, shown
from dripline.bot.admin.document import compiled, global_names
from dripline.bot.admin.draft import Draft
from dripline.bot.admin.errands import STATISTICS, send_for
from dripline.bot.admin.received import received
from dripline.bot.admin.showing import demonstrate
from dripline.bot.handle.scene import Scene
from dripline.bot.updates import Pressed, Wrote
from dripline.content.edit import State
from dripline.texts import gettext as _

MARK: Final = "~"  # what our buttons' data begins with; content's never does
_ByScenario = Callable[[Desk, State, str], Awaitable[None]]
_ABOUT_BROADCASTS: Final = frozenset("hkj")  # edit, schedule, aim; capitals drop what was begun
_BUTTONS: Final[dict[str, _ByScenario]] = {
    "c": catalog.card,
    "f": changing.set_default,
    "p": changing.pause,
    "r": changing.resume,
    "x": changing.ask_delete,
    "X": changing.delete,
}


class Table:
    """An admin's desk with everything that one update may need."""

    def __init__(self, desk: Desk, scene: Scene, state: State, draft: Draft | None) -> None:
        self.desk, self.scene, self.state, self.draft = desk, scene, state, draft
        self.begin = Beginning(desk, state, draft, scene.currency)

    async def serve(self, update: Pressed | Wrote) -> None:
        """Follow a button, a command, or what was written in a wizard."""
        if isinstance(update, Pressed):
            await self._button(update.data)
        elif update.command in COMMANDS:
            await self._command(str(update.command), update.text)
        elif update.command not in {None, "skip", "done"}:
            await self._unknown(f"/{shown(str(update.command))}")
        else:
            await self._step(lambda wizard: wizard.typed(received(update.raw)))

    async def _unknown(self, command: str) -> None:
        language = self.desk.language
        if self.draft is None:
            await self.desk.say(
                _("I do not know the command {command}; /help lists those I know.", language,
                  command=command)
            )  # fmt: skip
            return
        text = _("I do not know the command {command}. To leave, send /cancel.", language,
                 command=command)  # fmt: skip
        await self._step(lambda wizard: wizard.ask(text))

    async def _button(self, data: str) -> None:
        action, _colon, value = data.removeprefix(MARK).partition(":")
        if action == "w":
            turn, _colon, name = value.partition(":")
            await self._step(
                lambda wizard: wizard.pressed(int(turn) if turn.isdecimal() else -1, name)
            )
        elif action == "l":
            await catalog.scenarios(self.desk, self.state, int(value) if value.isdecimal() else 0)
        elif action == "n":
            await self.begin.create(value)
        elif action == "u":
            await changing.undo(self.desk, self.state, value)
        elif action in _BUTTONS:
            await self._with_scenario(value, _BUTTONS[action])
        elif action in {"e", "E"}:
            await self.begin.edit(value, anew=action == "E")
        elif action.lower() in _ABOUT_BROADCASTS:
            await self.begin.about_broadcast(action, value)
        elif action in {"d", "D"}:
            await broadcasting.delete(self.desk, self.state, value, sure=action == "D")
        elif action == "m":
            await self._demo(value)
        else:
            await self._beside_scenarios(action, value)

    async def _beside_scenarios(self, action: str, value: str) -> None:
        if action in reviewing.ACTIONS:
            await reviewing.act(self.desk, action, value)
        elif action == broadcast_undo.ACTION:
            await broadcast_undo.act(self.desk, value)
        elif action == "U":
            await self._undo(value)
        elif action in broadcasting.ACTIONS:
            await broadcasting.act(self.desk, self.state, action, value)
        elif self.scene.rotations is not None and action == rotating.ACTION:
            await rotating.act(self.desk, self.scene.rotations, value)

    async def _command(self, command: str, text: str) -> None:
        desk = self.desk
        value = (text.split(maxsplit=1)[1:] or [""])[0].strip().strip("{}<>")
        match command:
            case "help":
                await desk.say(help_text(global_names(self.state.documents), desk.language))
            case "scenarios":
                await catalog.scenarios(desk, self.state)
            case "stats":
                await send_for(desk, STATISTICS, {})
            case "cancel":
                await self._cancel()
            case "create_scenario":
                await self.begin.create("")
            case "create_broadcast":
                await self.begin.create("", broadcast=True)
            case "send_broadcast":
                await broadcasting.choose(desk, self.state, value)
            case "referrals":
                await reviewing.show(desk)
            case "rotations" if self.scene.rotations is not None:
                await rotating.show(desk, self.scene.rotations)
            case "payment":
                await self.begin.pay(value)
            case _ if not value:
                await self._say_which(command)
            case _:
                await self._scenario_command(command, value)

    async def _say_which(self, command: str) -> None:
        example = (catalog.ids_of(self.state) or ["id"])[0]
        line = f"<code>/{command} {shown(example)}</code>"
        text = _("Say which scenario: {example}", self.desk.language, example=line)
        await self.desk.say(text)
        await catalog.scenarios(self.desk, self.state)

    async def _scenario_command(self, command: str, value: str) -> None:
        match command:
            case "edit_scenario":
                await self.begin.edit(value, anew=False)
            case "demo_scenario":
                await self._demo(value)
            case "undo":
                await self._undo(value)
            case "set_default_scenario":
                await self._with_scenario(value, changing.set_default)
            case _:
                await self._with_scenario(value, changing.ask_delete)

    async def _with_scenario(self, scenario_id: str, do: _ByScenario) -> None:
        if await catalog.is_there(self.desk, self.state, scenario_id):
            await do(self.desk, self.state, scenario_id)

    async def _undo(self, key: str) -> None:
        """Take the last change of a scenario back, or of a broadcast."""
        if ("scenario", key) in self.state.heads:
            await changing.undo_latest(self.desk, self.state, key)
        elif not await broadcast_undo.undo_latest(self.desk, key):
            await catalog.is_there(self.desk, self.state, key)

    async def _demo(self, scenario_id: str) -> None:
        if not await catalog.is_there(self.desk, self.state, scenario_id):
            return
        body = dict(self.state.documents["scenario", scenario_id])
        await demonstrate(self.desk, compiled(self.state, body, body), body)

    async def _cancel(self) -> None:
        if self.draft is None:
            await self.desk.say(_("There is nothing to cancel.", self.desk.language))
            return
        await self._step(lambda wizard: wizard.pressed(wizard.draft.turn, "cancel"))

    async def _step(self, do: Callable[[Conversation], Awaitable[None]]) -> None:
        if self.draft is None:
            text = _("That is finished or expired. /scenarios shows what there is.",
                     self.desk.language)  # fmt: skip
            await self.desk.say(text)
            return
        conversation = conversation_of(self.desk, self.state, self.draft)
        await do(conversation)
        await conversation.keep()
