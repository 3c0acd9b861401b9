"""Compile a scenario's document into values that render."""

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

from dripline.content.document import (
    NORMAL,
    PRIORITIES,
    ButtonTemplate,
    Message,
    Scenario,
    Timing,
    Wait,
)
from dripline.content.liquid import Template
from dripline.content.rendered import ButtonKind, Media

GO = "go:"
PROGRESS = "progress"
_SHARE = (
    "{% if user.referral_link != blank %}https://t.me/share/url?url="
    "{{ user.referral_link | url_encode }}{% endif %}"
)


def compile_scenario(
    body: Mapping[str, Any],
    *,
    revision: int,
    button_sets: Mapping[str, Any],
    variables: Mapping[str, Any],
    paused: bool,
) -> Scenario:
    """Return the scenario of a revision's document; raises Invalid for a text that is no Liquid."""
    config = body["config"]
    product = config.get("prodamus", {})
    scopes = {
        "bot": dict(variables),
        "scenario": {
            "id": config["id"],
            "name": config["name"],
            "product_name": product.get("product_name", ""),
            "product_price": product.get("product_price", ""),
            "private_group_id": product.get("private_group_id", ""),
        },
    }
    messages = tuple(
        compile_message(key, body["messages"][key], button_sets, scopes) for key in body["order"]
    )
    summary = body.get("summary")
    return Scenario(
        id=config["id"],
        name=config["name"],
        revision=revision,
        messages=messages,
        summary=compile_message("summary", summary, button_sets, scopes) if summary else None,
        is_active=config.get("is_active", True),
        paused=paused,
        lane=config.get("lane", "scenario"),
        priority=config.get("priority", 0),
        product_name=product.get("product_name", ""),
        product_price=product.get("product_price", ""),
        paid_content=product.get("paid_content", ""),
        private_group_id=product.get("private_group_id", ""),
        retired=body.get("retired", {}),
    )


def compile_message(
    message_id: str,
    spec: Mapping[str, Any],
    button_sets: Mapping[str, Any],
    scopes: Mapping[str, Any],
) -> Message:
    """Return one message."""
    texts = {language: Template(source, html=True) for language, source in spec["texts"].items()}
    keyboard = tuple(
        tuple(_button(button) for button in row["buttons"])
        for row in _rows(spec.get("inline_keyboard"), button_sets)
    )
    templates = [*texts.values(), *(t for row in keyboard for b in row for t in (b.text, b.value))]
    return Message(
        id=message_id,
        texts=texts,
        timing=timing(spec.get("timing") or {}),
        media=tuple(Media(m["sha256"], m["kind"], m["filename"]) for m in spec.get("media", ())),
        keyboard=keyboard,
        wait=wait(spec),
        condition=spec.get("condition"),
        priority=PRIORITIES.get(spec.get("priority", "normal"), NORMAL),
        variables=frozenset().union(*(template.variables for template in templates)),
        base=scopes,
    )


def timing(spec: Mapping[str, Any]) -> Timing:
    """Return the timing of `{"days", "hours", "minutes", "at", "weekdays", "from"}`."""
    return Timing(
        days=spec.get("days", 0),
        hours=spec.get("hours", 0),
        minutes=spec.get("minutes", 0),
        at=time.fromisoformat(spec["at"]) if spec.get("at") else None,
        weekdays=tuple(spec.get("weekdays", ())),
        origin=spec.get("from", "previous"),
    )


def wait(spec: Mapping[str, Any]) -> Wait | None:
    """Return the wait of `{"wait_for": "callback:DONE", "timeout": {…}}`, or None."""
    awaited = spec.get("wait_for")
    if not awaited:
        return None
    kind, _, name = awaited.partition(":")
    timeout = spec.get("timeout")
    return Wait(kind, name, timing(timeout) if timeout else None)


def _rows(keyboard: Any, button_sets: Mapping[str, Any]) -> Iterable[Any]:
    if not keyboard:
        return ()
    ref = keyboard.get("button_set_ref")
    found: Iterable[Any] = (button_sets.get(ref, {}) if ref else keyboard).get("rows", ())
    return found


def _button(spec: Mapping[str, Any]) -> ButtonTemplate:
    kind: ButtonKind = "url"
    match spec["type"]:
        case "url":
            value = spec.get("url", "")
        case "payment":
            value = "{{ user.payment_link }}"
        case "share_referral":
            value = _SHARE
        case "web_app":
            kind, value = "web_app", spec.get("url", "")
        case "start_scenario":
            kind, value = "callback", GO + spec["scenario_id"]
        case "check_progress":
            kind, value = "callback", PROGRESS
        case _:
            kind, value = "callback", spec.get("callback_data", "")
    return ButtonTemplate(
        kind, Template(spec["text"], html=False), Template(value, html=False), kind != "callback"
    )
