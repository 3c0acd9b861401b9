"""Keyboards under messages: their shape, and what their buttons may hold."""

from __future__ import annotations

from typing import Any

from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.formatting.links import BadUrl, checked_link, linked_user
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.messages import Json

MAX_BUTTONS = 100
MAX_CALLBACK_BYTES = 64
_MAX_COPIED = 256
_KINDS = (
    *("url", "callback_data", "callback_game", "pay", "switch_inline_query"),
    *("switch_inline_query_chosen_chat", "switch_inline_query_current_chat", "login_url"),
    *("web_app", "copy_text"),
)


def read_markup(call: Call) -> Json | None:
    """The reply_markup of a call, its shape checked; None when there is none."""
    markup = call.json("reply_markup", "can't parse reply keyboard markup JSON object")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if keyboard := _rows(markup, "keyboard"):
        return {**markup, "keyboard": [[_reply_button(b) for b in row] for row in keyboard]}
    if inline := _rows(markup, "inline_keyboard"):
        return {"inline_keyboard": [[_inline_button(b) for b in row] for row in inline]}
    if markup.get("remove_keyboard") or markup.get("force_reply"):
        return markup
    return None


def _rows(markup: Json, field: str) -> list[list[Any]]:
    rows = markup.get(field) or []
    if not isinstance(rows, list):
        raise bad_request(f'field "{field}" must be of type Array')
    if not all(isinstance(row, list) for row in rows):
        where = " of the InlineKeyboardMarkup" if field == "inline_keyboard" else ""
        raise bad_request(f'field "{field}"{where} must be an Array of Arrays')
    return [row for row in rows if row]


def _reply_button(button: Any) -> Json:
    if isinstance(button, str):
        return {"text": button}
    if not isinstance(button, dict):
        problem = "KeyboardButton must be a String or an Object"
        raise bad_request(f"can't parse keyboard button: {problem}")
    _text_of(button, "keyboard button")
    return button


def _inline_button(button: Any) -> Json:
    if not isinstance(button, dict):
        raise bad_request(
            "can't parse inline keyboard button: InlineKeyboardButton must be an Object"
        )
    text = _text_of(button, "inline keyboard button")
    for kind in _KINDS:
        value = button.get(kind)
        if value or (value is not None and kind.startswith("switch_inline_query")):
            style = {"style": button["style"]} if button.get("style") else {}
            return {"text": text, kind: value, **style}
    raise bad_request(
        "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
    )


def _text_of(button: Json, called: str) -> str:
    text = button.get("text")
    if text is None:
        raise bad_request(f"can't parse {called}: Can't find field \"text\"")
    if not isinstance(text, str):
        raise bad_request(f'can\'t parse {called}: Field "text" must be of type String')
    return text


def checked_markup(markup: Json | None, chat: Chat) -> Json | None:
    """The inline keyboard as it is stored, its buttons checked; None for any other markup."""
    if not markup or "inline_keyboard" not in markup:
        return None
    rows = [[_checked(button, chat) for button in row] for row in markup["inline_keyboard"]]
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows}


def _checked(button: Json, chat: Chat) -> Json:
    if not button["text"].strip():
        raise bad_request("inline keyboard button text must be non-empty")
    if url := button.get("url"):
        return {**button, "url": _checked_url(str(url))}
    if app := button.get("web_app"):
        return {**button, "web_app": {"url": _checked_app(app, chat)}}
    if login := button.get("login_url"):
        return {**button, "login_url": {"url": _https(login, "login")}}
    copied = button.get("copy_text")
    if copied and not 1 <= len(str(copied.get("text", ""))) <= _MAX_COPIED:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    data = button.get("callback_data")
    if data and len(str(data).encode()) > MAX_CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    return {**button, "callback_data": str(data)} if data else button


def _checked_url(url: str) -> str:
    if linked_user(url):
        return url
    try:
        return checked_link(url)
    except BadUrl as error:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: {error}") from error


def _checked_app(app: Any, chat: Chat) -> str:
    link = _https(app, "Web App")
    if chat.kind is not Kind.PRIVATE:
        raise bad_request("BUTTON_TYPE_INVALID")
    return link


def _https(holder: Any, called: str) -> str:
    url = str(holder.get("url", "")) if isinstance(holder, dict) else ""
    try:
        return checked_link(url, https_only=True)
    except BadUrl as error:
        problem = f"inline keyboard button {called} URL '{url}' is invalid: {error}"
        raise bad_request(problem) from error
