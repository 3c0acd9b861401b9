"""States and referrals of a running `dripline run`, from outside: links, menus, review, fall."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lifecycle_world import folder, write
from outside.program import Programs
from outside.standin import TOKEN, StandIn

pytestmark = pytest.mark.slow
ANNA, FRIENDS = 11, (21, 22)


def link_of(telegram: StandIn, user: int) -> str:
    """Return the payload of the link that a user's menu shares."""
    (url,) = {b["url"] for call in telegram.sent(user) for b in call.buttons if "url" in b}
    shared = parse_qs(urlsplit(url).query)["url"][0]
    assert shared.startswith("https://t.me/out_bot?start=r_")
    return parse_qs(urlsplit(shared).query)["start"][0]


def join(telegram: StandIn, user: int, payload: str = "") -> None:
    """Start the bot by a link, and accept."""
    telegram.says(user, f"/start {payload}".strip())
    telegram.wait_for(lambda: bool(telegram.texts(user)), what="the first message")
    telegram.presses(user, "ACCEPT")


def test_friends_make_a_vip_and_a_rejection_takes_it_back(tmp_path: Path) -> None:
    content = write(tmp_path / "content", folder({}))
    settings = {"database_url": f"sqlite:///{tmp_path / 'd.db'}", "telegram_bot_token": TOKEN}
    with (
        StandIn(tmp_path) as telegram,
        Programs(tmp_path, telegram_api_base=telegram.url, **settings) as programs,
    ):
        programs.start("run", "--content", str(content)).ready()
        join(telegram, ANNA)
        telegram.wait_for(lambda: "🎉 You are Member now!" in telegram.texts(ANNA), what="menu")
        for friend in FRIENDS:
            join(telegram, friend, link_of(telegram, ANNA))
        telegram.wait_for(lambda: "🎉 You are VIP now!" in telegram.texts(ANNA), what="VIP")
        telegram.wait_for(lambda: "ONBOARDING_7_DAY 1" in telegram.texts(ANNA), what="program")
        told = programs.ask("lifecycle", "show", str(ANNA)).stdout
        assert "REGISTERED → VIP: referrals" in told

        assert programs.ask("referrals", "reject", str(FRIENDS[0])).stdout == "1 of 1 rejected.\n"
        told = programs.ask("lifecycle", "show", str(ANNA)).stdout
        assert "VIP → REGISTERED: fewer_referrals" in told
        telegram.says(ANNA, "/progress")
        telegram.wait_for(lambda: "1 more, and you are VIP." in telegram.texts(ANNA)[-1])
    assert json.loads((content / "lifecycle.json").read_text()) == {}


def test_a_menu_may_take_the_place_of_the_keyboard(tmp_path: Path) -> None:
    content = write(tmp_path / "content", folder({"menu_keyboard": "reply"}))
    settings = {"database_url": f"sqlite:///{tmp_path / 'd.db'}", "telegram_bot_token": TOKEN}
    with (
        StandIn(tmp_path) as telegram,
        Programs(tmp_path, telegram_api_base=telegram.url, **settings) as programs,
    ):
        programs.start("run", "--content", str(content)).ready()
        join(telegram, ANNA)
        telegram.wait_for(lambda: bool(_keyboards(telegram)), what="the menu")

        def said() -> list[str]:
            return telegram.texts(ANNA)

        markup = _keyboards(telegram)[-1]
        assert "inline_keyboard" not in markup
        texts = [button["text"] for row in markup["keyboard"] for button in row]
        for text in texts:
            telegram.says(ANNA, text)
        for answer in ("you are VIP", "start=r_"):  # their progress, their link
            telegram.wait_for(
                lambda answer=answer: any(answer in one.replace("%3D", "=") for one in said()),
                what=answer,
            )


def _keyboards(telegram: StandIn) -> list[dict[str, Any]]:
    markups = [call.fields.get("reply_markup") or {} for call in telegram.sent(ANNA)]
    return [markup for markup in markups if "keyboard" in markup]
