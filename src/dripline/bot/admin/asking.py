"""What the wizard asks, and the buttons below: questions, cards and the overview."""

from typing import Final

from dripline.bot.admin import cards, saving
from dripline.bot.admin.desk import Desk, Row
from dripline.bot.admin.document import button_sets, taken_ids
from dripline.bot.admin.draft import (
    BROADCAST,
    GENERAL,
    LETTER,
    MESSAGE,
    SUMMARY,
    Draft,
    has_words,
)
from dripline.bot.admin.fields import (
    FIRST_TIMING,
    OTHER_LANGUAGE,
    SECTIONS,
    TEXT_HELP,
    Field,
    field_of,
)
from dripline.bot.admin.showing import source_of
from dripline.bot.admin.slug import suggested
from dripline.content.edit import State
from dripline.texts import gettext as _
from dripline.texts import languages, marked

_PAGE: Final = 80
_TIMINGS: Final = (
    ("now", marked("At once")),
    ("1h", marked("1 hour later")),
    ("1d", marked("1 day later")),
    ("tomorrow 9:00", marked("Tomorrow 9:00")),
)


def may_skip(draft: Draft, field: Field) -> bool:
    """Whether a field may stay empty; a message's text may, since it can be a file alone."""
    a_text = field.key == "text" and (draft.section in {MESSAGE, LETTER} or bool(draft.variant))
    return field.optional or a_text


def editable(draft: Draft) -> list[Field]:
    """Return the fields of the present section that can be changed; an id never changes."""
    found = [one for one in SECTIONS[draft.section] if one.key != "id" or draft.creating]
    translates = draft.section in {MESSAGE, SUMMARY, LETTER} and has_words(draft.spec)
    return [*found, OTHER_LANGUAGE] if translates else found


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
            parts += self._about_text()
        if field.key == "id":
            taken = taken_ids(self.state, broadcast=draft.is_broadcast)
            draft.choices = [suggested(draft.name, taken)]
            parts.append(self._("I suggest: {id}", id=f"<code>{draft.choices[0]}</code>"))
        if (draft.single and field.key != "language") or (
            field.key == "files" and draft.spec.get("media")
        ):
            parts.append(self._present(field))
        return "\n\n".join(parts)

    def _about_text(self) -> list[str]:
        draft = self.draft
        if draft.variant:
            return [self._("This is the text in the language {language}.",
                           language=f"<b>{draft.variant}</b>"),
                    self._(TEXT_HELP)]  # fmt: skip
        others = ", ".join(one for one in draft.spec.get("texts") or {} if one)
        if not others:
            return [self._(TEXT_HELP)]
        kept = self._("There is a text in {languages} too; it stays as it is.", languages=others)
        return [self._(TEXT_HELP), kept]

    def _present(self, field: Field) -> str:
        """Return what is in the field now, so that it can be copied and changed."""
        draft = self.draft
        if field.key == "text":
            value = source_of(draft.spec, draft.variant)
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
        elif field.key == "language":
            given = [one for one in draft.spec.get("texts") or {} if one]
            draft.choices = list(dict.fromkeys([*given, *languages()]))[:8]
            named = [(one, f"c{n}") for n, one in enumerate(draft.choices)]
            rows += [named[at : at + 4] for at in range(0, len(named), 4)]
        elif field.key == "files" and draft.spec.get("media"):
            rows.append([(_("✅ Done"), "done"), (_("🗑 Remove all"), "clear")])
        last = []
        if may_skip(draft, field) and not (field.key == "files" and draft.spec.get("media")):
            if draft.variant:
                last.append((_("🗑 Remove"), "skip"))
            else:
                last.append((_("Leave empty") if draft.single else _("Skip"), "skip"))
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
