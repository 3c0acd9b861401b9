"""sendPoll and stopPoll. Nobody votes in the sandbox, and no poll closes by itself."""

from __future__ import annotations

from typing import Any

from dripline.sandbox.botapi.access import Access, find_chat, find_message
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.keyboards import checked_markup, read_markup
from dripline.sandbox.botapi.methods.things import new_poll_id, send_thing
from dripline.sandbox.formatting.entities import Entity
from dripline.sandbox.formatting.parse import formatted
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.messages import Json

_MAX_OPTIONS = 12
_MAX_QUESTION = 300
_MAX_OPTION = 100
_MAX_OPEN = 2_628_000


def send_poll(api: Api, call: Call) -> Json:
    """sendPoll."""
    question, entities = _words(call, "question")
    options = _options(call)
    poll: Json = {"id": new_poll_id(api), "question": question}
    if entities:
        poll["question_entities"] = entities
    poll.update(options=options, total_voter_count=0, **_open_for(api, call))
    poll.update(_flags(call), **_kind(call, len(options)))
    if len(question) > _MAX_QUESTION:
        raise bad_request(f"poll question length must not exceed {_MAX_QUESTION}")
    if not poll["is_anonymous"] and find_chat(api, call, Access.WRITE).kind is Kind.CHANNEL:
        raise bad_request("non-anonymous polls can't be sent to channel chats")
    return send_thing(api, call, {"poll": poll})


def stop_poll(api: Api, call: Call) -> Json:
    """stopPoll: the keyboard sent along replaces the old one, which goes if there is none."""
    shape = read_markup(call)
    message = find_message(api, call, Access.EDIT, "message with poll to stop")
    poll: Json | None = (message.thing or {}).get("poll")
    if poll is None:
        raise bad_request("message is not a poll")
    if message.bot_id != call.bot.id or message.origin:
        raise bad_request("poll can't be stopped")
    if poll["is_closed"]:
        raise bad_request("poll has already been closed")
    message.keyboard = checked_markup(shape, message.chat)
    poll["is_closed"] = True
    call.bot.updates.put("poll", dict(poll))
    api.telegram.changes.tell(Change("edited", chat=message.chat, message=message))
    return poll


def _words(call: Call, name: str, *, empty: bool = False) -> tuple[str, list[Entity]]:
    given = call.json(f"{name}_entities", "can't parse entities JSON object")
    mode = call.text(f"{name}_parse_mode")
    return formatted(call.text(name), mode, given, allow_empty=empty)


def _options(call: Call) -> list[Json]:
    if not call.given("options"):
        raise bad_request("can't parse options JSON object")
    options = call.json("options", "can't parse options JSON object")
    if not isinstance(options, list):
        raise bad_request("expected an Array of String as options")
    read = [_option(item, number) for number, item in enumerate(options)]
    if not read:
        raise bad_request("poll must have at least one answer option")
    if len(read) > _MAX_OPTIONS:
        raise bad_request(f"poll can't have more than {_MAX_OPTIONS} options")
    return read


def _option(item: Any, number: int) -> Json:
    given = {"text": item} if isinstance(item, str) else item
    if not isinstance(given, dict):
        raise bad_request("expected an option to be of type String")
    if not isinstance(given.get("text"), str):
        raise bad_request('Can\'t find field "text"')
    mode = str(given.get("text_parse_mode") or "")
    text, entities = formatted(given["text"], mode, given.get("text_entities"))
    if len(text) > _MAX_OPTION:
        raise bad_request(f"poll options length must not exceed {_MAX_OPTION}")
    view: Json = {"persistent_id": str(number), "text": text}
    if entities:
        view["text_entities"] = entities
    return {**view, "voter_count": 0}


def _open_for(api: Api, call: Call) -> Json:
    now, period = api.telegram.date(), call.integer("open_period", 0, 0, _MAX_OPEN)
    closes = now + period if period else call.integer("close_date")
    return {"open_period": closes - now, "close_date": closes} if closes > now else {}


def _flags(call: Call) -> Json:
    quiz = call.text("type") == "quiz"
    defaults = {
        "is_closed": False,
        "is_anonymous": True,
        "allows_multiple_answers": False,
        "allows_revoting": not quiz,
        "members_only": False,
    }
    return {
        name: call.flag(name) if call.given(name) else usual for name, usual in defaults.items()
    }


def _kind(call: Call, options: int) -> Json:
    kind = call.text("type") or "regular"
    if kind not in ("regular", "quiz"):
        raise bad_request("unsupported poll type specified")
    if kind == "regular":
        return {"type": kind}
    correct = _correct(call)
    if any(not 0 <= number < options for number in correct):
        raise bad_request("wrong quiz correct_option_id")
    view: Json = {"type": kind}
    if len(correct) == 1:
        view["correct_option_id"] = correct[0]
    view["correct_option_ids"] = correct
    text, entities = _words(call, "explanation", empty=True)
    return {**view, "explanation": text, "explanation_entities": entities} if text else view


def _correct(call: Call) -> list[int]:
    given = call.json("correct_option_ids", "can't parse correct option identifiers JSON object")
    if given is None and call.given("correct_option_id"):
        given = [call.integer("correct_option_id", -1)]
    if not isinstance(given or [], list):
        raise bad_request("expected an Array of correct option identifiers")
    if any(not isinstance(number, int) or isinstance(number, bool) for number in given or []):
        raise bad_request("correct option identifier must be of type Number")
    if not given:
        raise bad_request("correct quiz option list must be non-empty")
    if list(given) != sorted(set(given)):
        raise bad_request("correct quiz option list must be increasing")
    return list(given)
