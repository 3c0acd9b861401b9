"""What a draft says, in words: the card that closes a section, and the overview of everything."""

from typing import Any

from dripline.bot.admin.desk import shown
from dripline.bot.admin.draft import (
    BROADCAST,
    GENERAL,
    MESSAGE,
    SUMMARY,
    Draft,
    has_words,
    is_empty,
)
from dripline.bot.admin.fields import SECTIONS, TITLES
from dripline.bot.admin.timing_words import when
from dripline.bot.admin.typed_buttons import typed
from dripline.content.telegram_html import escape, plain_text
from dripline.texts import gettext as _
from dripline.texts import ngettext

_LINES_MOST = 40


def section_title(draft: Draft, language: str | None) -> str:
    """Return what the present section is called."""
    if draft.section == MESSAGE:
        return _(TITLES[MESSAGE], language, n=draft.order.index(draft.message_id) + 1)
    return _(TITLES[draft.section], language)


def section_card(draft: Draft, language: str | None) -> str:
    """Return everything that was entered in the present section."""
    lines = [f"<b>{section_title(draft, language)}</b>"]
    if draft.section == SUMMARY and is_empty(draft.body.get("summary")):
        return "\n".join([*lines, _("No summary.", language)])
    for field in SECTIONS[draft.section]:
        if field.key == "id" and not draft.creating:
            continue
        lines.append(f"{_(field.title, language)}: {value_of(draft, field.key, language)}")
        if field.key == "text":
            lines += _translations(draft.spec, language)
    return "\n".join(lines)


def value_of(draft: Draft, key: str, language: str | None) -> str:
    """Return what is in a field now, as HTML; a dash for nothing."""
    if draft.section in {GENERAL, BROADCAST}:
        return _general(draft, key)
    spec = draft.spec
    match key:
        case "text":
            return excerpt(spec, 300) or "—"
        case "files":
            return files_of(spec, language) or "—"
        case "buttons":
            return _buttons_of(spec, language) or "—"
        case _:
            return escape(when(spec, draft.previous(), language))


def _translations(spec: dict[str, Any], language: str | None) -> list[str]:
    """Return how the text begins in other languages, a line each."""
    return [
        _("Text in {language}: {text}", language, language=variant,
          text=shown(plain_text(str(text)), 100))
        for variant, text in (spec.get("texts") or {}).items()
        if variant
    ]  # fmt: skip


def _general(draft: Draft, key: str) -> str:
    match key:
        case "name":
            found = draft.config.get("name")
        case "id":
            found = draft.scenario_id
        case _:
            found = draft.product.get(key)
    text = "" if found is None else str(found)
    if key == "paid_content":
        text = plain_text(text)
    return shown(text, 300) if text else "—"


def excerpt(spec: dict[str, Any], most: int) -> str:
    """Return how a message begins, as HTML."""
    return shown(plain_text(str((spec.get("texts") or {}).get("", ""))), most)


def files_of(spec: dict[str, Any], language: str | None) -> str:
    """Return how many files of which kinds a message has."""
    kinds = [str(one.get("kind")) for one in spec.get("media") or ()]
    photos = kinds.count("photo")
    parts = []
    if photos:
        parts.append(ngettext("{n} photo", "{n} photos", photos, language))
    if len(kinds) > photos:
        parts.append(ngettext("{n} file", "{n} files", len(kinds) - photos, language))
    return ", ".join(parts)


def _buttons_of(spec: dict[str, Any], language: str | None) -> str:
    keyboard = spec.get("inline_keyboard") or {}
    if ref := keyboard.get("button_set_ref"):
        return _("the shared buttons “{name}”", language, name=shown(str(ref)))
    lines = typed(keyboard.get("rows") or [])
    return "\n" + "\n".join(f"<code>{escape(line)}</code>" for line in lines.splitlines()) \
        if lines else ""  # fmt: skip


def overview(draft: Draft, language: str | None) -> str:
    """Return the whole scenario at a glance."""
    lines = [f"<b>{shown(draft.name, 200)}</b> · <code>{escape(draft.scenario_id)}</code>"]
    if draft.is_broadcast:
        return "\n".join([*lines, "", _glance(draft.body.get("summary") or {}, language)])
    price = draft.product.get("product_price")
    if name := draft.product.get("product_name"):
        lines.append(_("Sells: {product}", language, product=shown(str(name))))
    if price:
        lines.append(_("Price: {price}", language, price=shown(str(price))))
    lines += ["", *flow(draft.body, language)]
    return "\n".join(lines)


def flow(body: dict[str, Any], language: str | None) -> list[str]:
    """Return the messages of a scenario, a line each: when, and how it begins."""
    lines, previous = [], None
    for number, key in enumerate(body["order"], 1):
        spec = body["messages"][key]
        if number <= _LINES_MOST:
            lines.append(f"{number}. <i>{escape(when(spec, previous, language))}</i>"
                         f" — {_glance(spec, language)}")  # fmt: skip
        previous = spec
    if not lines:
        lines = [_("No messages yet.", language)]
    if len(body["order"]) > _LINES_MOST:
        lines.append("…")
    summary = body.get("summary")
    if summary and not is_empty(summary):
        lines.append(_("Summary: {text}", language, text=_glance(summary, language)))
    return lines


def _glance(spec: dict[str, Any], language: str | None) -> str:
    files = files_of(spec, language)
    words = excerpt(spec, 60) if has_words(spec) else ""
    return " ".join(filter(None, (words, f"[{files}]" if files else "")))
