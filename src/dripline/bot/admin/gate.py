"""The way in: of an admin's updates, those that are meant for us.

Everybody else's commands are ordinary texts, and so are an admin's own words while nothing is under
way. `/start` never comes here: an admin is a contact like any other.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.admin import (
    aiming,
    broadcasting,
    catalog,
    changing,
    paying,
    reviewing,
    rotating,
    scheduling,
)
from dripline.bot.admin.aiming import Aiming
from dripline.bot.admin.conversation import Conversation
from dripline.bot.admin.desk import Desk, Refusal, desk_of, shown
from dripline.bot.admin.document import broadcast_entry, compiled
from dripline.bot.admin.draft import AIM, BROADCAST, HUB, PAYMENT, WHEN, Draft, new_body
from dripline.bot.admin.errands import STATISTICS, send_for
from dripline.bot.admin.jobs import EXPIRED
from dripline.bot.admin.paying import Paying
from dripline.bot.admin.received import received
from dripline.bot.admin.scheduling import Scheduling
from dripline.bot.admin.showing import demonstrate
from dripline.bot.admin.wizard import Wizard
from dripline.bot.handle.scene import Scene, happened, meet
from dripline.bot.updates import Pressed, Update, Wrote
from dripline.content import edit
from dripline.content import variables as known_variables
from dripline.content.edit import State
from dripline.operators import queries as operators
from dripline.texts import gettext as _

MARK: Final = "~"  # what our buttons' data begins with; content's never does
_ByScenario = Callable[[Desk, State, str], Awaitable[None]]


async def admit(
    session: AsyncSession, scene: Scene, update: Update, admins: frozenset[int], now: datetime
) -> bool:
    """Do what an admin asks for; return False for what is not for us."""
    if not isinstance(update, Pressed | Wrote) or update.person.id not in admins:
        return False
    kept = await operators.wizard(session, scene.bot, update.person.id)
    draft = Draft.of(kept.draft) if kept is not None else None
    if not _is_ours(update, draft):
        return False
    known = await meet(session, scene, update.person, now)
    data = {"bot": scene.bot, "what": _what(update)}
    if not await happened(session, scene, known, "admin.acted", data, now):
        return True
    desk = await desk_of(session, scene.bot, update.person.id, now)
    if desk is None:
        return False
    desk.name = update.person.first_name or desk.name
    desk.library = scene.library
    if kept is not None and kept.expires_at <= now:
        await operators.end_wizard(session, scene.bot, update.person.id)
        await desk.say(_(EXPIRED, desk.language))
        if _goes_to_wizard(update):
            return True
        draft = None
    await _Table(desk, scene, await edit.read_state(session), draft).serve(update)
    return True


def _is_ours(update: Pressed | Wrote, draft: Draft | None) -> bool:
    if isinstance(update, Pressed):
        return update.data.startswith(MARK)
    if update.command is not None:
        return update.command in _COMMANDS or draft is not None
    return draft is not None


def _goes_to_wizard(update: Pressed | Wrote) -> bool:
    if isinstance(update, Pressed):
        return update.data.startswith("~w:")
    return update.command is None or update.command not in _COMMANDS


def _what(update: Pressed | Wrote) -> str:
    if isinstance(update, Pressed):
        return update.data
    return f"/{update.command}" if update.command in _COMMANDS else update.kind


class _Table:
    """An admin's desk with everything that one update may need."""

    def __init__(self, desk: Desk, scene: Scene, state: State, draft: Draft | None) -> None:
        self.desk, self.scene, self.state, self.draft = desk, scene, state, draft

    async def serve(self, update: Pressed | Wrote) -> None:
        """Follow a button, a command, or what was written in a wizard."""
        if isinstance(update, Pressed):
            await self._button(update.data)
        elif update.command in _COMMANDS:
            await self._command(str(update.command), update.text)
        elif self.draft is not None and update.command not in {None, "skip", "done"}:
            command = f"/{shown(str(update.command))}"
            await self._ask_again(
                _("I do not know the command {command}. To leave, send /cancel.",
                  self.desk.language, command=command)
            )  # fmt: skip
        else:
            await self._step(lambda wizard: wizard.typed(received(update.raw)))

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
            await self._create(value)
        elif action == "u":
            await changing.undo(self.desk, self.state, value)
        elif action in _BUTTONS:
            await self._with_scenario(value, _BUTTONS[action])
        elif action in {"e", "E"}:
            await self._edit(value, anew=action == "E")
        elif action.lower() in _ABOUT_BROADCASTS:
            await self._about_broadcast(action, value)
        elif action in {"d", "D"}:
            await broadcasting.delete(self.desk, self.state, value, sure=action == "D")
        elif action == "m":
            await self._demo(value)
        else:
            await self._beside_scenarios(action, value)

    async def _beside_scenarios(self, action: str, value: str) -> None:
        if action in reviewing.ACTIONS:
            await reviewing.act(self.desk, action, value)
        elif action in broadcasting.ACTIONS:
            await broadcasting.act(self.desk, self.state, action, value)
        elif self.scene.rotations is not None and action == rotating.ACTION:
            await rotating.act(self.desk, self.scene.rotations, value)

    async def _command(self, command: str, text: str) -> None:
        desk = self.desk
        value = (text.split(maxsplit=1)[1:] or [""])[0].strip().strip("{}<>")
        match command:
            case "help":
                await desk.say(_help(desk.language))
            case "scenarios":
                await catalog.scenarios(desk, self.state)
            case "stats":
                await send_for(desk, STATISTICS, {})
            case "cancel":
                await self._cancel()
            case "create_scenario":
                await self._create("")
            case "create_broadcast":
                await self._create("", broadcast=True)
            case "send_broadcast":
                await broadcasting.choose(desk, self.state, value)
            case "referrals":
                await reviewing.show(desk)
            case "rotations" if self.scene.rotations is not None:
                await rotating.show(desk, self.scene.rotations)
            case "payment":
                await self._pay(value)
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
                await self._edit(value, anew=False)
            case "demo_scenario":
                await self._demo(value)
            case "undo":
                await changing.undo_latest(self.desk, self.state, value)
            case "set_default_scenario":
                await self._with_scenario(value, changing.set_default)
            case _:
                await self._with_scenario(value, changing.ask_delete)

    async def _with_scenario(self, scenario_id: str, do: _ByScenario) -> None:
        if await self._is_there(scenario_id):
            await do(self.desk, self.state, scenario_id)

    async def _is_there(self, scenario_id: str) -> bool:
        if ("scenario", scenario_id) in self.state.documents:
            return True
        await self.desk.say(
            _("There is no scenario “{id}”; /scenarios lists them.", self.desk.language,
              id=shown(scenario_id))
        )  # fmt: skip
        return False

    async def _demo(self, scenario_id: str) -> None:
        if not await self._is_there(scenario_id):
            return
        body = dict(self.state.documents["scenario", scenario_id])
        await demonstrate(self.desk, compiled(self.state, body, body), body)

    # Wizards

    async def _create(self, value: str, *, broadcast: bool = False) -> None:
        broadcast = broadcast or value == "newb"
        if self.draft is not None and self.draft.is_work and not value.startswith("new"):
            await self._unfinished("~n:newb" if broadcast else "~n:new")
            return
        draft = Draft(creating=True, body=new_body())
        note = _("Let us make a scenario. You can leave at any time with /cancel.",
                 self.desk.language)  # fmt: skip
        if broadcast:
            draft.body["broadcast"], draft.section = True, BROADCAST
            note = _("Let us make a broadcast: one message to many. /cancel leaves it.",
                     self.desk.language)  # fmt: skip
        wizard = Wizard(self.desk, self.state, draft)
        wizard.notes.append(note)
        await wizard.ask()
        await wizard.keep()

    async def _edit(self, scenario_id: str, *, anew: bool) -> None:
        if not await self._is_there(scenario_id):
            return
        if self.draft is not None and self.draft.is_work and not anew:
            await self._unfinished(f"~E:{scenario_id}")
            return
        body = dict(self.state.documents["scenario", scenario_id])
        revision = self.state.heads["scenario", scenario_id].revision_id.hex
        draft = Draft(
            creating=False, body=body, scenario_id=scenario_id, base=body,
            base_revision=revision, at=HUB, linear=False,
        )  # fmt: skip
        await self._begin(draft)

    async def _about_broadcast(self, action: str, key: str) -> None:
        """Begin a conversation about a saved broadcast: its message, its time, to whom."""
        entry = broadcast_entry(self.state.documents, key)
        if entry is None:
            await broadcasting.choose(self.desk, self.state, key)
            return
        if self.draft is not None and self.draft.is_work and not action.isupper():
            await self._unfinished(f"~{action.upper()}:{key}")
            return
        name = str(entry.get("name") or key)
        match action.lower():
            case "k":
                await self._begin(scheduling.begun(key, name))
            case "j":
                targeting = (entry.get("targeting") or {}).get("conditions") or []
                await self._begin(aiming.begun(key, name, targeting))
            case _ if not await broadcasting.is_on_its_way(self.desk, key):
                body = {**new_body(), "broadcast": True, "config": {"name": name}}
                body["summary"] = broadcasting.spec_of(entry)
                await self._begin(
                    Draft(creating=False, body=body, scenario_id=key, base=entry, at=HUB,
                          section=BROADCAST, linear=False)
                )  # fmt: skip

    async def _pay(self, text: str) -> None:
        if self.draft is not None and self.draft.is_work:
            name = shown(self.draft.name) or "…"
            await self._ask_again(
                _("“{name}” is not finished yet. Save it or send /cancel, then send this again.",
                  self.desk.language, name=name)
            )  # fmt: skip
            return
        try:
            draft = await paying.begun(self.desk, self.state, text)
        except Refusal as refusal:
            await self.desk.say(refusal.text)
        else:
            await self._begin(draft)

    async def _begin(self, draft: Draft) -> None:
        conversation = conversation_of(self.desk, self.state, Draft.of(draft.kept()))
        await conversation.ask()
        await conversation.keep()

    async def _unfinished(self, anew: str) -> None:
        draft, language = self.draft, self.desk.language
        if draft is None:
            return
        name = shown(draft.name) or "…"
        text = _("“{name}” is not finished yet.", language, name=name)
        go_on = (_("Go on with it", language), f"~w:{draft.turn}:again")
        drop = (_("Drop it and begin anew", language), anew)
        await self.desk.say(text, (go_on,), (drop,))

    async def _cancel(self) -> None:
        if self.draft is None:
            await self.desk.say(_("There is nothing to cancel.", self.desk.language))
            return
        await self._step(lambda wizard: wizard.pressed(wizard.draft.turn, "cancel"))

    async def _ask_again(self, note: str) -> None:
        await self._step(lambda wizard: wizard.ask(note))

    async def _step(self, do: Callable[[Conversation], Awaitable[None]]) -> None:
        if self.draft is None:
            text = _("That is finished or expired. /scenarios shows what there is.",
                     self.desk.language)  # fmt: skip
            await self.desk.say(text)
            return
        conversation = conversation_of(self.desk, self.state, self.draft)
        await do(conversation)
        await conversation.keep()


def conversation_of(desk: Desk, state: State, draft: Draft) -> Conversation:
    """Return the conversation that a draft belongs to."""
    kinds: dict[str, type[Conversation]] = {WHEN: Scheduling, AIM: Aiming, PAYMENT: Paying}
    return kinds.get(draft.section, Wizard)(desk, state, draft)


def _help(language: str | None) -> str:
    names = [
        f"<code>{{{{ {scope}.{name} }}}}</code>"
        for scope in ("user", "scenario")
        for name in known_variables.known(scope)
    ]
    return _(
        "<b>For admins</b>\n"
        "/scenarios – all scenarios\n"
        "/create_scenario – make a new one\n"
        "/edit_scenario id – change one\n"
        "/demo_scenario id – see every message, variables by name\n"
        "/set_default_scenario id – where a bare /start leads\n"
        "/delete_scenario id – delete one\n"
        "/undo id – take the last change back\n"
        "/create_broadcast – write one message to many\n"
        "/send_broadcast id – choose to whom, and send it\n"
        "/referrals – referrals that wait for your decision\n"
        "/rotations – posts into channels: how they stand, start, stop, post now\n"
        "/payment @anna 1500 – record a payment by hand\n"
        "/stats – people and messages\n"
        "/cancel – leave what is under way\n\n"
        "In texts you can use: {variables}",
        language,
        variables=", ".join(names),
    )


_COMMANDS: Final = frozenset(
    {
        "help", "scenarios", "create_scenario", "edit_scenario", "demo_scenario",
        "set_default_scenario", "delete_scenario", "undo", "stats", "cancel",
        "create_broadcast", "send_broadcast", "referrals", "payment", "rotations",
    }
)  # fmt: skip
_ABOUT_BROADCASTS: Final = frozenset("hkj")  # edit, schedule, aim; capitals drop what was begun
_BUTTONS: Final[dict[str, _ByScenario]] = {
    "c": catalog.card,
    "f": changing.set_default,
    "p": changing.pause,
    "r": changing.resume,
    "x": changing.ask_delete,
    "X": changing.delete,
}
