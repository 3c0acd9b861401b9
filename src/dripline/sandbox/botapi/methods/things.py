"""sendDice, sendLocation, sendVenue, sendContact: what is neither words nor a file."""

from __future__ import annotations

import math
import secrets
from copy import deepcopy

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.botapi.methods.posting import Content, find_place, post, sent
from dripline.sandbox.world.messages import Json

_SIDES = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}
_VARIANT = "\ufe0f"  # an emoji in colours is the same emoji
_MIN_LIVE, _MAX_LIVE, _FOR_EVER = 60, 86_400, 0x7FFFFFFF
_MAX_HEADING = 360
_MAX_RADIUS = 100_000
_MAX_ACCURACY = 1500.0


def send_dice(api: Api, call: Call) -> Json:
    """sendDice."""
    emoji = (call.text("emoji") or "🎲").replace(_VARIANT, "")
    if emoji not in _SIDES:
        raise bad_request("EMOTICON_INVALID")
    return send_thing(api, call, {"dice": _thrown(emoji)})


def _thrown(emoji: str) -> Json:
    return {"emoji": emoji, "value": 1 + secrets.randbelow(_SIDES[emoji])}


def send_location(api: Api, call: Call) -> Json:
    """sendLocation."""
    location = _point(call, "invalid location specified")
    if live := call.integer("live_period"):
        location.update(_live(call, live))
    return send_thing(api, call, {"location": location})


def send_venue(api: Api, call: Call) -> Json:
    """sendVenue."""
    location = _point(call, "wrong venue location specified")
    venue = {"location": location, "title": call.text("title"), "address": call.text("address")}
    for provider in ("foursquare", "google_place"):
        given = {name: call.text(name) for name in (f"{provider}_id", f"{provider}_type")}
        if found := {name: value for name, value in given.items() if value}:
            venue.update(found)
            break
    return send_thing(api, call, {"venue": venue, "location": location})


def send_contact(api: Api, call: Call) -> Json:
    """sendContact."""
    contact = {name: call.required(name) for name in ("phone_number", "first_name")}
    more = {name: call.text(name) for name in ("last_name", "vcard")}
    contact.update({name: value for name, value in more.items() if value})
    return send_thing(api, call, {"contact": contact})


def send_thing(api: Api, call: Call, thing: Json) -> Json:
    """Send it, with the keyboard and the reply of the call."""
    place = find_place(api, call)
    return sent(api, call, post(api, call, place, [Content(thing=thing)])[0])


def copied(api: Api, thing: Json) -> Json:
    """The same once more: a die is thrown again, a poll has an id and votes of its own."""
    copy = deepcopy(thing)
    if dice := copy.get("dice"):
        copy["dice"] = _thrown(dice["emoji"])
    if poll := copy.get("poll"):
        poll.update(id=new_poll_id(api), total_voter_count=0, is_closed=False)
        for option in poll["options"]:
            option["voter_count"] = 0
    return copy


def new_poll_id(api: Api) -> str:
    """An id no other poll has."""
    return str(5_000_000_000_000_000_000 + api.telegram.new_number())


def _point(call: Call, problem: str) -> Json:
    for name in ("latitude", "longitude"):
        if not call.text(name).strip():
            raise bad_request(f"{name} is empty")
    latitude, longitude = _number(call, "latitude"), _number(call, "longitude")
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise bad_request(problem)
    point: Json = {"latitude": latitude, "longitude": longitude}
    accuracy = min(_number(call, "horizontal_accuracy"), _MAX_ACCURACY)
    return {**point, "horizontal_accuracy": accuracy} if accuracy > 0 else point


def _number(call: Call, name: str) -> float:
    """What is no number is 0, as on the server; what is beyond all numbers is outside the world."""
    try:
        value = float(call.text(name).strip() or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else math.inf


def _live(call: Call, period: int) -> Json:
    heading, radius = call.integer("heading"), call.integer("proximity_alert_radius")
    if period != _FOR_EVER and not _MIN_LIVE <= period <= _MAX_LIVE:
        raise bad_request("wrong live location period specified")
    if not 0 <= heading <= _MAX_HEADING:
        raise bad_request("wrong live location heading specified")
    if not 0 <= radius <= _MAX_RADIUS:
        raise bad_request("wrong live location proximity alert radius specified")
    told = {"live_period": period, "heading": heading, "proximity_alert_radius": radius}
    return {name: value for name, value in told.items() if value}
