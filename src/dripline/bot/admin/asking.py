"""What the wizard asks, and the buttons below: questions, cards and the overview."""

from typing import Final

from dripline.bot.admin import cards, saving
from dripline.bot.admin.desk import Desk, Row
from dripline.bot.admin.document import broadcast_ids, button_sets
from dripline.bot.admin.draft import BROADCAST, GENERAL, LETTER, MESSAGE, SUMMARY, Draft
from dripline.bot.admin.fields import FIRST_TIMING, SECTIONS, TEXT_HELP, Field, field_of
from dripline.bot.admin.showing import source_of
from dripline.bot.admin.slug import suggested
from dripline.content.edit import State
from dripline.texts import gettext as _
from dripline.texts import marked

_PAGE: Final = 80
_TIMINGS: Final = (
    ("now", marked("At once")),
    ("1h", marked("1 hour later")),
    ("1d", marked("1 day later")),
    ("tomorrow 9:00", marked("Tomorrow 9:00")),
)


def may_skip(draft: Draft, field: Field) -> bool:
    """Whether a field may stay empty; a message's text may, since it can be a file alone."""
    return field.optional or (draft.section in {MESSAGE, LETTER} and field.key == "text")


def editable(draft: Draft) -> list[Field]:
    """Return the fields of the present section that can be changed; an id never changes."""
    return [one for one in SECTIONS[draft.section] if one.key != "id" or draft.creating]


class Asking:
    """The present question of a draft."""

    def __init__(self, desk: Desk, state: State, draft: Draft) -> None:
        self.desk, self.state, self.draft = desk, state, draft

    def _(self, message: str, **values: object) -> str:
        return _(message, self.desk.language, **values)

    async def question(self) -> str:
        """Return its text."""
        draft, language = self.draft, self.desk.language
        match draft.at:
            case "field":
                return await self._field_question()
            case "card":
                return cards.section_card(draft, language)
            case "pick":
                return self._("What do you want to change?")
            case "more":
                return self._("Add another message?")
            case _:
                text = cards.overview(draft, language)
                if draft.is_broadcast:
                    return text
                return text + await saving.outlook(self.desk, self.state, draft)

    async def _field_question(self) -> str:
        draft = self.draft
        field = field_of(draft.section, draft.field)
        first = field.key == "timing" and draft.previous() is None
        parts = [self._(FIRST_TIMING if first else field.ask)]
        if draft.section not in {GENERAL, BROADCAST}:
            parts.insert(0, f"<b>{cards.section_title(draft, self.desk.language)}</b>")
        if field.key == "text":
            parts.append(self._(TEXT_HELP))
            others = ", ".join(one for one in draft.spec.get("texts") or {} if one)
            if others:
                parts.append(
                    self._("There is a text in {languages} too; it stays as it is.",
                           languages=others)
                )  # fmt: skip
        if field.key == "id":
            draft.choices = [suggested(draft.name, self._taken())]
            parts.append(self._("I suggest: {id}", id=f"<code>{draft.choices[0]}</code>"))
        if draft.single or (field.key == "files" and draft.spec.get("media")):
            parts.append(self._present(field))
        return "\n\n".join(parts)

    def _taken(self) -> set[str]:
        if self.draft.is_broadcast:
            return set(broadcast_ids(self.state))
        return {key for kind, key in self.state.heads if kind == "scenario"}

    def _present(self, field: Field) -> str:
        """Return what is in the field now, so that it can be copied and changed."""
        draft = self.draft
        if field.key == "text":
            value = source_of(draft.spec)
        else:
            value = cards.value_of(draft, field.key, self.desk.language)
        return self._("Now: {value}", value=value)

    def keyboard(self) -> list[Row]:
        """Return its buttons."""
        rows = self._rows()
        turn = self.draft.turn
        named = [[(text, f"~w:{turn}:{action}") for text, action in row] for row in rows if row]
        return [tuple(row) for row in named]

    def _rows(self) -> list[list[tuple[str, str]]]:
        _, draft = self._, self.draft
        cancel = [(_("✖ Cancel"), "cancel")]
        match draft.at:
            case "field":
                return self._field_rows()
            case "card":
                return self._card_rows()
            case "pick":
                fields = editable(draft)
                picks = [(_(one.title), f"f{n}") for n, one in enumerate(fields)]
                rows = [picks[at : at + 2] for at in range(0, len(picks), 2)]
                return [*rows, [(_("← Back"), "back")]]
            case "more":
                return [[(_("➕ Add a message"), "more"), (_("That is all"), "hub")], cancel]
            case _:
                return self._hub_rows()

    def _field_rows(self) -> list[list[tuple[str, str]]]:
        _, draft = self._, self.draft
        field = field_of(draft.section, draft.field)
        rows: list[list[tuple[str, str]]] = []
        if field.key == "id":
            draft.choices = draft.choices[:1]
            rows.append([(draft.choices[0], "c0")] if draft.choices else [])
        elif field.key == "timing":
            draft.choices = [value for value, _title in _TIMINGS]
            rows.append([(_(title), f"c{n}") for n, (_value, title) in enumerate(_TIMINGS[:2])])
            rows.append([(_(title), f"c{n + 2}") for n, (_v, title) in enumerate(_TIMINGS[2:])])
        elif field.key == "buttons":
            draft.choices = button_sets(self.state.documents)[:20]
            rows += [[(f"⌨ {name}", f"c{n}")] for n, name in enumerate(draft.choices)]
        elif field.key == "files" and draft.spec.get("media"):
            rows.append([(_("✅ Done"), "done"), (_("🗑 Remove all"), "clear")])
        last = []
        if may_skip(draft, field) and not (field.key == "files" and draft.spec.get("media")):
            last.append((_("Skip"), "skip") if not draft.single else (_("Leave empty"), "skip"))
        if draft.single:
            last.append((_("← Back"), "back"))
        return [*rows, last, [(_("✖ Cancel"), "cancel")]]

    def _card_rows(self) -> list[list[tuple[str, str]]]:
        _, draft = self._, self.draft
        first = [(_("✅ Confirm"), "ok"), (_("✏️ Edit"), "edit")]
        more: list[tuple[str, str]] = []
        if not draft.linear and draft.section == MESSAGE:
            more = [("⬆️", "up"), ("⬇️", "down"), (_("🗑 Remove"), "del")]
        elif not draft.linear and draft.section == SUMMARY:
            more = [(_("🗑 Remove"), "del")]
        return [first, more, [(_("✖ Cancel"), "cancel")]]

    def _hub_rows(self) -> list[list[tuple[str, str]]]:
        _, draft = self._, self.draft
        if draft.is_broadcast:
            return [
                [(_("General"), "g"), (_("Message"), "s")],
                [(_("👁 Show all"), "show"), (_("💾 Save"), "save")],
                [(_("✖ Cancel"), "cancel")],
            ]
        numbers = [(str(n + 1), f"m{n}") for n in range(min(len(draft.order), _PAGE))]
        rows = [numbers[at : at + 8] for at in range(0, len(numbers), 8)]
        save = [(_("💾 Save"), "save")]
        if draft.theirs is not None:
            save = [(_("💾 Save mine"), "save"), (_("Take the other version"), "theirs")]
        return [
            [(_("General"), "g"), (_("Summary"), "s")],
            *rows,
            [(_("➕ Add a message"), "more"), (_("👁 Show all"), "show")],
            save,
            [(_("✖ Cancel"), "cancel")],
        ]
