"""answerCallbackQuery: what the person who pressed a button gets to see."""

from __future__ import annotations

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.formatting.entities import utf16_length
from dripline.sandbox.world.changes import Change

_MAX_TEXT = 200
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def answer_callback_query(api: Api, call: Call) -> bool:
    """answerCallbackQuery. A query is answered once."""
    query = call.bot.queries.get(call.text("callback_query_id"))
    if query is None or query.answer is not None:
        raise bad_request(_TOO_OLD)
    text = call.text("text")
    if utf16_length(text) > _MAX_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    query.answer = {"text": text, "show_alert": call.flag("show_alert"), "url": call.text("url")}
    api.telegram.changes.tell(Change("answered", query=query, user=query.user))
    return True
