"""Compile a scenario's document into values that render."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from dripline.content.choices import Scopes
from dripline.content.document import (
    NORMAL,
    PRIORITIES,
    ButtonTemplate,
    Message,
    Scenario,
    Timing,
    Wait,
)
from dripline.content.email.dialect import EMAIL
from dripline.content.email.form import EmailForms
from dripline.content.email.layout import DEFAULT_LAYOUT, Layouts, Sources
from dripline.content.links import APP_SCHEMES, BUTTON_SCHEMES
from dripline.content.liquid import HTML, Dialect, Template
from dripline.content.rendered import ButtonKind, Media
from dripline.content.variables import fallbacks
from dripline.errors import Invalid

GO = "go:"
OPEN = "go:/"  # into the bot, wherever its default leads; no scenario's id has a slash
PROGRESS = "check_progress"
SUMMARY = "summary"  # the message id of a scenario's summary
PAID = "paid_content"  # the message id of what is sent after a payment
_SHARE = "https://t.me/share/url?url="


def compile_scenario(
    body: Mapping[str, Any],
    *,
    revision: int,
    button_sets: Mapping[str, Any],
    variables: Mapping[str, Any],
    paused: bool,
    attributes: Mapping[str, Any] | None = None,
    layouts: Sources | None = None,
) -> Scenario:
    """Return the scenario of a revision's document.

    `attributes` are the declared ones with their defaults, `layouts` what emails are put into.
    A text that cannot be compiled fails when it is rendered, and harms no other message.
    """
    config = body["config"]
    entry = body.get("entry", {})
    product = config.get("prodamus") or {}
    making = Making(
        button_sets,
        scopes(config, variables),
        fallbacks(attributes),
        Layouts(layouts or {}, scopes(config, variables)),
        email_of(config).get("layout") or DEFAULT_LAYOUT,
    )
    summary = body.get("summary")
    paid = text_of(product.get("paid_content"))
    return Scenario(
        id=config["id"],
        name=config["name"],
        revision=revision,
        messages=tuple(making.message(key, body["messages"][key]) for key in body["order"]),
        summary=making.message(SUMMARY, summary) if summary else None,
        paid=making.message(PAID, paid_message(product)) if paid.strip() else None,
        is_active=entry.get("is_active", config.get("is_active", True)),
        paused=paused,
        lane=config.get("lane", "scenario"),
        priority=config.get("priority", 0),
        channels=tuple(config.get("channels") or ()),
        weekdays=tuple(config.get("weekdays") or ()),
        product_name=text_of(product.get("product_name")),
        product_price=text_of(product.get("product_price")),
        paid_content=paid,
        private_group_id=text_of(product.get("private_group_id")),
        retired=body.get("retired", {}),
    )


def paid_message(product: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a scenario sends after a payment, in the form of a message of a file."""
    given = product.get("paid_content_email")
    message: dict[str, Any] = {"texts": {"": text_of(product.get("paid_content"))}}
    return {**message, "email": given} if isinstance(given, Mapping) else message


def email_of(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a scenario or a message says about emails; nothing is an empty object."""
    given = spec.get("email")
    return given if isinstance(given, Mapping) else {}


def scopes(config: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the scopes that are known when a scenario is compiled: `bot` and `scenario`."""
    given = config.get("prodamus")
    product = given if isinstance(given, Mapping) else {}  # the linter comes here with anything
    names = ("product_name", "product_price", "private_group_id")
    own = {name: text_of(product.get(name)) for name in names}
    return {
        "bot": dict(variables),
        "scenario": {"id": config["id"], "name": config["name"], **own},
    }


def text_of(value: Any) -> str:
    """Return a field of the configuration as text; missing is empty."""
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Making:
    """What the messages of one scenario are compiled with."""

    button_sets: Mapping[str, Any]
    constants: Scopes
    fallbacks: Scopes
    layouts: Layouts = field(default_factory=lambda: Layouts({}, {}))
    layout: str = DEFAULT_LAYOUT

    def message(self, message_id: str, spec: Mapping[str, Any]) -> Message:
        """Return one message."""
        form = spec.get("format") or HTML
        texts = {
            language: self._template(source, html=True, form=form)
            for language, source in spec["texts"].items()
        }
        keyboard = tuple(
            tuple(self._button(button) for button in row.get("buttons") or ())
            for row in _rows(spec.get("inline_keyboard"), self.button_sets)
        )
        email = self._email(message_id, email_of(spec))
        templates = (*texts.values(), *_templates(keyboard), *email.templates)
        return Message(
            id=message_id,
            texts=texts,
            timing=timing(spec.get("timing") or {}),
            media=tuple(
                Media(m["sha256"], m["kind"], m["filename"]) for m in spec.get("media") or ()
            ),
            keyboard=keyboard,
            wait=wait(spec),
            condition=spec.get("condition"),
            priority=PRIORITIES.get(spec.get("priority") or "normal", NORMAL),
            channel=spec.get("channel") or None,
            variables=frozenset().union(*(template.variables for template in templates)),
            track=spec.get("track") is not False,
            email=email,
        )

    def _email(self, message_id: str, spec: Mapping[str, Any]) -> EmailForms:
        """Return how a message goes by email; nothing need be said about it."""
        scenario = self.constants.get("scenario", {})
        title = scenario.get("product_name") if message_id == PAID else scenario.get("name")
        form = spec.get("format") or HTML
        return EmailForms(
            self.layouts,
            spec.get("layout") or self.layout,
            title or "",
            scenario.get("id") or "",
            {
                language: self._template(source, html=True, form=form, dialect=EMAIL)
                for language, source in (spec.get("texts") or {}).items()
            },
            self._plain_texts(spec, "subject"),
            self._plain_texts(spec, "preheader"),
        )

    def _plain_texts(self, spec: Mapping[str, Any], name: str) -> dict[str, Template]:
        """Return `subject` and `subjects` as templates by language."""
        given = {"": spec.get(name) or "", **(spec.get(f"{name}s") or {})}
        return {
            language: self._template(text, html=False) for language, text in given.items() if text
        }

    def _template(
        self, source: str, *, html: bool, form: str = HTML, dialect: Dialect | None = None
    ) -> Template:
        try:
            return Template(
                source,
                html=html,
                form=form,
                constants=self.constants,
                fallbacks=self.fallbacks,
                dialect=dialect,
            )
        except Invalid as error:
            return Template.failing(source, error.message)

    def _button(self, spec: Mapping[str, Any]) -> ButtonTemplate:
        kind, value = button_value(spec)
        schemes = {"url": BUTTON_SCHEMES, "web_app": APP_SCHEMES}.get(kind, frozenset())
        return ButtonTemplate(
            kind,
            self._template(spec.get("text", ""), html=False),
            self._template(value, html=False),
            schemes,
            {
                language: self._template(text, html=False)
                for language, text in (spec.get("texts") or {}).items()
            },
            _SHARE if spec.get("type") == "share_referral" else "",
        )


def timing(spec: Mapping[str, Any]) -> Timing:
    """Return the timing of `{"days", "hours", "minutes", "at", "weekdays", "from"}`."""
    return Timing(
        days=int(spec.get("days") or 0),
        hours=int(spec.get("hours") or 0),
        minutes=int(spec.get("minutes") or 0),
        at=time.fromisoformat(spec["at"]) if spec.get("at") else None,
        weekdays=tuple(spec.get("weekdays") or ()),
        origin=spec.get("from") or "previous",
    )


def wait(spec: Mapping[str, Any]) -> Wait | None:
    """Return the wait of `{"wait_for": "callback:DONE", "timeout": {…}}`, or None.

    It stands in the message itself or under its `wait`.
    """
    inner = spec.get("wait") or spec
    awaited = inner.get("wait_for")
    if not awaited:
        return None
    kind, _, name = awaited.partition(":")
    timeout = inner.get("timeout")
    return Wait(kind, name, timing(timeout) if timeout else None)


def _rows(keyboard: Any, button_sets: Mapping[str, Any]) -> Iterable[Any]:
    if not keyboard:
        return ()
    ref = keyboard.get("button_set_ref")
    found: Iterable[Any] = (button_sets.get(ref, {}) if ref else keyboard).get("rows", ())
    return found


def _templates(keyboard: Iterable[Iterable[ButtonTemplate]]) -> Iterator[Template]:
    for row in keyboard:
        for button in row:
            yield button.text
            yield button.value
            yield from button.texts.values()


def button_value(spec: Mapping[str, Any]) -> tuple[ButtonKind, str]:
    """Return what a button of the content becomes on Telegram, and the template of its value."""
    match spec.get("type"):
        case "url":
            return "url", spec.get("url", "")
        case "payment":
            return "url", "{{ user.payment_link }}"
        case "share_referral":
            return "url", "{{ user.referral_link }}"
        case "web_app":
            return "web_app", spec.get("url", "")
        case "open_bot":
            return "callback", OPEN
        case "start_scenario":
            return "callback", GO + str(spec.get("scenario_id", ""))
        case "check_progress":
            return "callback", spec.get("callback_data", PROGRESS)
        case _:
            return "callback", spec.get("callback_data", "")
