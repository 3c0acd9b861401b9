"""Show messages to an admin: as a contact gets them, or with each variable by its name."""

from collections.abc import Mapping
from typing import Any

from dripline.bot.admin import cards
from dripline.bot.admin.desk import Desk, shown
from dripline.bot.admin.document import finished, harmless, left_out, message_of, preview
from dripline.bot.admin.draft import Draft, is_empty
from dripline.contacts import queries as contacts
from dripline.contacts.context import user_scope
from dripline.content.document import Scenario
from dripline.content.edit import State
from dripline.content.telegram_html import escape
from dripline.errors import PermanentFailure
from dripline.texts import gettext as _


async def show_message(
    desk: Desk, state: State, draft: Draft, spec: Mapping[str, Any], variant: str = ""
) -> None:
    """Show one message of a draft as this admin would get it, were they a contact.

    With `variant` a language: as somebody gets it who speaks that.
    """
    if is_empty(dict(spec)):
        return
    user = await _sample(desk)
    await _show(desk, state, draft, spec, user, variant)


async def show_all(desk: Desk, state: State, draft: Draft) -> None:
    """Show every message of a draft in order, the summary last."""
    user = await _sample(desk)
    specs = [draft.body["messages"][key] for key in draft.order]
    summary = draft.body.get("summary")
    for spec in [*specs, *([summary] if summary and not is_empty(summary) else [])]:
        for variant in dict.fromkeys(["", *(spec.get("texts") or {})]):
            await _show(desk, state, draft, spec, user, variant)


async def _show(
    desk: Desk,
    state: State,
    draft: Draft,
    spec: Mapping[str, Any],
    user: Mapping[str, Any],
    variant: str,
) -> None:
    one = {"config": dict(draft.config), "order": ["one"], "messages": {"one": dict(spec)}}
    whole = finished(one, draft.scenario_id or "new")
    try:
        message = message_of(state.documents, whole["config"], whole["messages"]["one"])
        rendered = preview(message, user, variant)  # the text that is changed, in its language
        missing = left_out(message, user, variant)
    except PermanentFailure as failure:
        reason = escape(failure.reason)
        await desk.say(_("This message cannot be shown: {reason}", desk.language, reason=reason))
        return
    if rendered.text.strip() or rendered.media:
        await desk.show(rendered)
    if missing:
        names = ", ".join(_("“{value}”", desk.language, value=shown(one)) for one in missing)
        await desk.say(
            _("Not shown above: {buttons}. A button comes as soon as there is a link for it.",
              desk.language, buttons=names)
        )  # fmt: skip


async def demonstrate(desk: Desk, scenario: Scenario, body: dict[str, Any]) -> None:
    """Play a scenario with each variable by its name, after a list of what goes out when."""
    heading = _(
        "This is “{name}”, message by message. Variables are shown as {example}; contacts get "
        "their own data there. Nobody else sees this.",
        desk.language,
        name=shown(scenario.name),
        example="<code>__user.first_name__</code>",
    )
    await desk.say("\n".join([heading, "", *cards.flow(body, desk.language)]))
    messages = [*scenario.messages, *([scenario.summary] if scenario.summary else [])]
    for message in messages:
        rendered = harmless(message.demonstrate(desk.language or ""))
        if rendered.text.strip() or rendered.media:
            await desk.show(rendered)


def source_of(spec: Mapping[str, Any], variant: str = "") -> str:
    """Return a message's text as it can be copied, changed and sent back."""
    source = str((spec.get("texts") or {}).get(variant, ""))
    if not source.strip():
        return "—"
    if "{%" in source or spec.get("format") == "markdown" or len(source) > 3_000:
        return f"<pre>{escape(source[:3_000])}</pre>"
    return f"\n{source}"


async def _sample(desk: Desk) -> dict[str, Any]:
    """Return the admin's own data, as a contact's."""
    contact = await contacts.contact(desk.session, desk.address.contact_id)
    if contact is None:
        return {}
    own = await contacts.attributes_of(desk.session, [contact.id])
    return {
        **user_scope(
            username=contact.username,
            first_name=contact.first_name,
            last_name=contact.last_name,
            language=contact.language,
            state=contact.state,
            registered_at=contact.registered_at,
            created_at=contact.created_at,
        ),
        **own.get(contact.id, {}),
    }
