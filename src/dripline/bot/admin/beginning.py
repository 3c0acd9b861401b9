"""How conversations begin: something new, an edit, a broadcast's time or aim, a payment.

One that is under way, and would be lost, is asked about first.
"""

from typing import Final

from dripline.bot.admin import aiming, broadcasting, catalog, paying, scheduling
from dripline.bot.admin.aiming import Aiming
from dripline.bot.admin.conversation import Conversation
from dripline.bot.admin.desk import Desk, Refusal, shown
from dripline.bot.admin.document import broadcast_entry
from dripline.bot.admin.draft import AIM, BROADCAST, HUB, PAYMENT, WHEN, Draft, new_body
from dripline.bot.admin.paying import Paying
from dripline.bot.admin.scheduling import Scheduling
from dripline.bot.admin.wizard import Wizard
from dripline.content.edit import State
from dripline.texts import gettext as _

_KINDS: Final[dict[str, type[Conversation]]] = {WHEN: Scheduling, AIM: Aiming, PAYMENT: Paying}


def conversation_of(desk: Desk, state: State, draft: Draft) -> Conversation:
    """Return the conversation that a draft belongs to."""
    return _KINDS.get(draft.section, Wizard)(desk, state, draft)


class Beginning:
    """An admin's desk, and the draft that is under way, if there is one."""

    def __init__(self, desk: Desk, state: State, draft: Draft | None, currency: str) -> None:
        self.desk, self.state, self.draft = desk, state, draft
        self.currency = currency

    async def create(self, value: str, *, broadcast: bool = False) -> None:
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

    async def edit(self, scenario_id: str, *, anew: bool) -> None:
        if not await catalog.is_there(self.desk, self.state, scenario_id):
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

    async def about_broadcast(self, action: str, key: str) -> None:
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

    async def pay(self, text: str) -> None:
        if self.draft is not None and self.draft.is_work:
            conversation = conversation_of(self.desk, self.state, self.draft)
            await conversation.ask(
                _("{what} Save it or send /cancel, then send this again.", self.desk.language,
                  what=_not_finished(self.draft, self.desk.language))
            )  # fmt: skip
            await conversation.keep()
            return
        try:
            draft = await paying.begun(self.desk, self.state, text, self.currency)
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
        go_on = (_("Go on with it", language), f"~w:{draft.turn}:again")
        drop = (_("Drop it and begin anew", language), anew)
        await self.desk.say(_not_finished(draft, language), (go_on,), (drop,))


def _not_finished(draft: Draft, language: str | None) -> str:
    if not draft.name:
        return _("What you have begun is not finished yet.", language)
    return _("“{name}” is not finished yet.", language, name=shown(draft.name))
