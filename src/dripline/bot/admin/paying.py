"""`/payment`: a payment recorded by hand, after it has been said back."""

import uuid
from collections.abc import Mapping
from typing import Final

from dripline.analytics.why import find_contact
from dripline.bot.admin import catalog
from dripline.bot.admin.conversation import Action, Conversation
from dripline.bot.admin.desk import Desk, Refusal, Row, shown
from dripline.bot.admin.draft import CARD, PAYMENT, Draft
from dripline.bot.admin.received import Received
from dripline.contacts import queries as contacts
from dripline.contacts.models import Contact
from dripline.content.edit import State
from dripline.errors import DriplineError
from dripline.ids import new_id
from dripline.payments import money
from dripline.payments.record import MANUAL, NewPayment, record
from dripline.texts import gettext as _

_SIGNS: Final = {"₽": "RUB", "$": "USD", "€": "EUR", "£": "GBP", "РУБ": "RUB", "РУБ.": "RUB"}


async def begun(desk: Desk, state: State, text: str, usual: str) -> Draft:
    """Return the question whether to record what `/payment` was told. Raises Refusal.

    `usual` is the currency that is meant when none is named.
    """
    words = text.split()
    if len(words) < 2:
        raise Refusal(_usage(desk.language))
    who, amount, *rest = words
    contact = await _contact(desk, who)
    scenario_id = next((word for word in rest if ("scenario", word) in state.documents), None)
    left = [word for word in rest if word != scenario_id]
    named = left.pop(0).upper() if left else ""
    currency = _SIGNS.get(named, named) or usual
    if left:
        raise Refusal(
            _("There is no scenario “{id}”; /scenarios lists them.", desk.language,
              id=shown(left[0]))
        )  # fmt: skip
    units, code = _money(desk, amount, currency)
    body = {
        "contact": contact.id.hex, "amount": units, "currency": code, "scenario": scenario_id,
        "event": new_id().hex, "config": {"name": "/payment"}, "assumed": not named,
    }  # fmt: skip
    return Draft(creating=True, body=body, at=CARD, section=PAYMENT, field="")


async def _contact(desk: Desk, who: str) -> Contact:
    try:
        return await find_contact(desk.session, who)
    except DriplineError:
        found = await contacts.contacts_named(desk.session, who, 6)
    if not found:
        raise Refusal(_("Nobody is called “{who}”.", desk.language, who=shown(who)))
    names = ", ".join(_name(one) for one in found)
    raise Refusal(
        _("Several are called “{who}”: {names}. Give the Telegram id or the @username.",
          desk.language, who=shown(who), names=names)
    )  # fmt: skip


def _name(contact: Contact) -> str:
    username = f" @{contact.username}" if contact.username else ""
    return shown((contact.first_name or "") + username or "…")


def _money(desk: Desk, amount: str, currency: str) -> tuple[int, str]:
    try:
        code = money.currency_of(currency)
        return money.units_of(amount, code), code
    except DriplineError:
        text = _("“{amount} {currency}” is no amount of money.", desk.language,
                 amount=shown(amount), currency=shown(currency))  # fmt: skip
        raise Refusal(f"{text}\n\n{_usage(desk.language)}") from None


def _usage(language: str | None) -> str:
    return _(
        "Say who paid how much, in which currency, and for which scenario (else the one they are "
        "in):\n<code>/payment @anna 1500</code>\n<code>/payment 123456789 14.90 USD course</code>",
        language,
    )


class Paying(Conversation):
    """Asks once more, then records."""

    async def typed(self, sent: Received) -> None:
        """Take a word for a button."""
        if sent.word in {"yes", "да"}:
            await self._record(0)
        elif sent.word in {"no", "нет"}:
            await self._cancel(0)
        else:
            await self.ask(self._("Please press one of the buttons below, or send /cancel."))

    def _actions(self) -> Mapping[str, Action]:
        return {"ok": self._record, "cancel": self._cancel}

    async def _cancel(self, _number: int) -> None:
        self.ended = True
        await self.desk.say(self._("Nothing was recorded."))

    async def _record(self, _number: int) -> None:
        desk, body = self.desk, self.draft.body
        self.ended = True
        payment = NewPayment(
            MANUAL,
            body["event"],
            uuid.UUID(hex=body["contact"]),
            body["amount"],
            body["currency"],
            desk.now,
            body["scenario"],
            data={"by": desk.author},
        )
        try:
            await record(desk.session, payment, desk.now)
        except DriplineError:
            await desk.say(self._("That is not possible just now."))
            return
        await desk.say(
            self._(
                "✅ Recorded: {amount} from {who}. Paid content goes out by itself, if there is "
                "any.",
                **await self._values(),
            )
        )

    async def _values(self) -> dict[str, str]:
        return {"amount": self._amount(), "who": await self._who()}

    def _amount(self) -> str:
        return money.written(self.draft.body["amount"], self.draft.body["currency"])

    async def _who(self) -> str:
        contact_id = uuid.UUID(hex=self.draft.body["contact"])
        contact = await contacts.contact(self.desk.session, contact_id)
        return _name(contact) if contact else "…"

    async def question(self) -> str:
        """Return the present question."""
        scenario_id, values = self.draft.body["scenario"], await self._values()
        if scenario_id is None:
            asked = self._("Record {amount} from {who}, for the scenario they are in?", **values)
        else:
            name = shown(catalog.name_of(self.state, scenario_id))
            asked = self._("Record {amount} from {who} for “{name}”?", name=name, **values)
        if not self.draft.body.get("assumed"):
            return asked
        hint = self._(
            "You named no currency, so this is in {currency}. Another one: {example}",
            currency=self.draft.body["currency"],
            example="<code>/payment @anna 14.90 USD</code>",
        )
        return f"{asked}\n{hint}"

    def keyboard(self) -> list[Row]:
        """Return its buttons."""
        return self._buttons([[(self._("✅ Yes, record it"), "ok"), (self._("✖ No"), "cancel")]])
