"""States on each database: registration, VIP, programs, decay, churn, menus, by an operator."""

import json
from pathlib import Path
from typing import Any

import pytest

from dripline.clock import VirtualClock
from dripline.content.pull import pull
from dripline.content.push import push
from dripline.database import Database
from dripline.errors import Invalid
from dripline.lifecycle import move
from dripline.lifecycle.document import rules_of
from lifecycle_world import DAY, HOUR, World

FEW = {
    "states": [
        {"id": "VISITOR"},
        {"id": "REGISTERED", "when": {"registered": True}, "enters": {"program": "NURTURE_7_DAY"}},
        {
            "id": "VIP",
            "name": "VIP",
            "when": {"referrals": 2},
            "enters": {"program": "ONBOARDING_7_DAY", "force": True},
            "unlocks": ["gift:jars"],
        },
        {
            "id": "SUPER_VIP",
            "name": "Super VIP",
            "badge": "💎",
            "when": {"referrals": 3},
            "unlocks": ["leaderboard"],
        },
    ],
    "decay": {"program": "REACTIVATION"},
    "churn": {"after": {"days": 60}},
    "menus": {
        "REGISTERED": {"rows": [[{"text": "My progress", "action": "progress"}]]},
        "VIP": {
            "text": "Your menu, {{ user.first_name }}",
            "rows": [
                [{"text": "Share", "texts": {"ru": "Поделиться"}, "action": "share"}],
                [{"text": "Gift", "action": "gift:jars"}, {"text": "About", "action": "text:us"}],
                [{"text": "More", "action": "scenario:course"}],
                [{"text": "Site", "action": "url:https://example.com"}],
            ],
        },
        "SUPER_VIP": {"rows": [[{"text": "Top", "action": "leaderboard"}]]},
    },
    "messages": {"jars": {"template_file": "jars.md"}, "us": {"template_file": "us.md"}},
}
FILES = {"lifecycle/messages/jars.md": "<b>Six jars</b>", "lifecycle/messages/us.md": "About us"}


@pytest.fixture
async def world(database: Database, clock: VirtualClock, tmp_path: Path) -> World:
    return await World(database, clock, tmp_path).prepare(FEW, **FILES)


@pytest.fixture
async def plain(database: Database, clock: VirtualClock, tmp_path: Path) -> World:
    return await World(database, clock, tmp_path).prepare(None)


async def climb(world: World, user: int, friends: int) -> None:
    """Register, and bring so many, each a little while after the other."""
    await world.join(user)
    for friend in range(friends):
        await world.join(user * 100 + friend, by=user)
        await world.wait(HOUR)


async def test_accepting_registers_and_enters_nurture(world: World) -> None:
    await world.start(1)
    assert await world.state(1) == "VISITOR"
    await world.press(1, "ACCEPT")
    assert await world.state(1) == "REGISTERED"
    assert await world.programs(1) == {"NURTURE_7_DAY": "active"}
    (change,) = await world.events(1)
    assert change == (
        "lifecycle.changed", {"from": "VISITOR", "to": "REGISTERED", "cause": "registered"},
    )  # fmt: skip
    assert [row[0].text for row in world.channel.sent[1].message.keyboard] == ["My progress"]
    assert world.said(1)[1:] == ["🎉 You are REGISTERED now!", "NURTURE_7_DAY 1"]


async def test_accepting_twice_registers_once(world: World) -> None:
    await world.start(1)
    await world.press(1, "ACCEPT")
    await world.press(1, "ACCEPT")
    assert len(await world.events(1, "registered")) == 1
    assert len(await world.events(1)) == 1


async def test_two_friends_make_a_vip_whose_onboarding_overrides_nurture(world: World) -> None:
    await climb(world, 1, 1)
    assert (await world.state(1), await world.count(1)) == ("REGISTERED", 1)
    assert "1 more, and you are VIP." in world.said(1)[-1]
    await climb(world, 1, 0)
    await world.join(102, by=1)
    assert (await world.state(1), await world.count(1)) == ("VIP", 2)
    assert await world.programs(1) == {"NURTURE_7_DAY": "stopped", "ONBOARDING_7_DAY": "active"}
    assert "🎉 You are VIP now!" in world.said(1)
    assert (await world.events(1))[-1][1]["cause"] == "referrals"


async def test_completing_a_program_changes_no_state(world: World) -> None:
    await world.join(1)
    await world.wait(3 * DAY)
    assert await world.programs(1) == {"NURTURE_7_DAY": "completed"}
    assert await world.state(1) == "REGISTERED"


async def test_without_rules_nothing_moves_by_itself(plain: World) -> None:
    await plain.join(1)
    await plain.happened(1, "registered")
    await plain.wait(DAY)
    assert await plain.state(1) == "VISITOR"
    assert await plain.programs(1) == {}
    await plain.write(1, "/menu")
    assert plain.said(1)[-1] == "There is no menu for you yet."
    await plain.write(1, "/top")
    assert plain.said(1)[-1] == "This part is not available any more."


async def test_an_empty_file_means_the_defaults(plain: World) -> None:
    await plain.push({})
    await climb(plain, 1, 2)
    assert await plain.state(1) == "VIP"
    assert plain.said(1).count("🎉 You are VIP now!") == 1
    found = await rules(plain)
    assert [state.id for state in found.states] == ["VISITOR", "REGISTERED", "VIP", "SUPER_VIP"]
    assert found.states[-1].referrals == 50
    assert found.decay.warn_after == 10 * DAY
    assert found.decay.hide_after == 14 * DAY


async def rules(world: World) -> Any:
    async with world.database.reading() as session:
        return rules_of(await world.store.current(session))


@pytest.mark.parametrize(
    ("way", "act"),
    [
        ("first_start", lambda world: world.start(1)),
        ("event:form.completed", lambda world: world.happened(1, "form.completed")),
        (["callback:GO", "callback:YES"], lambda world: world.press(1, "YES")),
    ],
)
async def test_ways_to_register(plain: World, way: Any, act: Any) -> None:
    if way != "first_start":
        await plain.start(1)
    await plain.push({"registration": way})
    await act(plain)
    assert await plain.state(1) == "REGISTERED"


async def test_registration_by_the_api_is_an_event(world: World) -> None:
    await world.start(1)
    await world.happened(1, "registered")
    assert await world.state(1) == "REGISTERED"


async def test_new_rules_move_everybody_up_once(plain: World) -> None:
    await plain.push({"states": [{"id": "VISITOR"}]})
    await plain.join(1)
    assert await plain.state(1) == "VISITOR"
    await plain.push(FEW, **FILES)
    assert await plain.state(1) == "REGISTERED"
    assert (await plain.events(1))[-1][1]["cause"] == "new_rules"


async def test_idle_super_vips_are_warned_hidden_reactivated_and_come_back(world: World) -> None:
    await climb(world, 1, 3)
    assert await world.state(1) == "SUPER_VIP"
    await world.press(1, "menu:leaderboard")
    assert world.said(1)[-1] == "🏆 Leaderboard\n1. \u2068P1\u2069: 3\n\nYou are number 1."

    await world.wait(10 * DAY - HOUR)
    assert [name for name, _ in await world.events(1)][-1] == "lifecycle.changed"
    await world.wait(HOUR)
    assert [name for name, _ in await world.events(1)][-1] == "lifecycle.warned"
    assert "leave the leaderboard" in world.said(1)[-1]

    await world.wait(4 * DAY)
    assert [name for name, _ in await world.events(1)][-1] == "lifecycle.decayed"
    assert (await world.programs(1))["REACTIVATION"] == "active"
    assert await world.state(1) == "SUPER_VIP"
    assert (await world.present(1)).decay_hidden_at is not None

    await world.write(1, "I am back")
    assert (await world.programs(1))["REACTIVATION"] == "stopped"
    await world.write(1, "/top")
    assert "You are number 1." in world.said(1)[-1]
    await world.wait(10 * DAY)
    assert [name for name, _ in await world.events(1)].count("lifecycle.warned") == 2


async def test_activity_before_the_warning_puts_it_off(world: World) -> None:
    await climb(world, 1, 3)
    await world.wait(9 * DAY)
    await world.write(1, "hello")
    await world.wait(9 * DAY)
    assert "lifecycle.warned" not in [name for name, _ in await world.events(1)]
    await world.wait(DAY)
    assert "lifecycle.warned" in [name for name, _ in await world.events(1)]


async def test_whoever_is_silent_for_long_has_churned_and_may_return(world: World) -> None:
    await world.join(1)
    await world.start(2)
    await world.wait(60 * DAY)
    assert (await world.state(1), await world.state(2)) == ("CHURNED", "CHURNED")
    assert (await world.programs(1))["REACTIVATION"] in {"active", "completed"}
    sent = len(world.channel.sent)
    await world.wait(60 * DAY)
    assert len(world.channel.sent) <= sent + 2  # the rest of the program, and nothing more

    await world.write(1, "hi")
    await world.write(2, "hi")
    assert (await world.state(1), await world.state(2)) == ("REGISTERED", "VISITOR")
    assert (await world.events(1))[-1][1]["cause"] == "returned"


async def test_an_operator_gives_a_state_that_counts_do_not_take(world: World) -> None:
    await world.join(1)
    async with world.database.transaction() as session:
        await move.give(
            session, await rules(world), await world.id(1), "VIP", "anna", world.clock.now()
        )
    await world.settle()
    assert await world.programs(1) == {"NURTURE_7_DAY": "stopped", "ONBOARDING_7_DAY": "active"}
    await world.join(101, by=1)
    assert await world.state(1) == "VIP"
    assert (await world.events(1))[-1][1] == {
        "from": "REGISTERED", "to": "VIP", "cause": "operator", "by": "anna",
    }  # fmt: skip


async def test_states_beside_the_ladder_stay(world: World) -> None:
    await world.join(1)
    async with world.database.transaction() as session:
        now = world.clock.now()
        await move.give(session, await rules(world), await world.id(1), "ADVOCATE", "anna", now)
    for friend in (101, 102):
        await world.join(friend, by=1)
    assert (await world.state(1), await world.count(1)) == ("ADVOCATE", 2)


async def test_an_unknown_state_is_refused(world: World) -> None:
    await world.join(1)
    async with world.database.transaction() as session:
        with pytest.raises(Invalid, match="no state KING"):
            await move.give(
                session, await rules(world), await world.id(1), "KING", "anna", world.clock.now()
            )


async def test_a_vips_menu_has_what_the_file_says(world: World) -> None:
    await climb(world, 1, 2)
    await world.write(1, "/menu", language_code="ru")
    menu = world.last(1)
    assert menu.text == "Your menu, P1"
    buttons = [(one.text, one.kind, one.value) for row in menu.keyboard for one in row]
    code = await world.code(1)
    assert buttons[0][2].endswith(f"start%3Dr_{code}")
    assert buttons[1:] == [
        ("Gift", "callback", "menu:gift:jars"),
        ("About", "callback", "menu:text:us"),
        ("More", "callback", "go:course"),
        ("Site", "url", "https://example.com"),
    ]
    await world.press(1, "menu:gift:jars")
    assert world.said(1)[-1] == "<b>Six jars</b>"
    await world.press(1, "menu:text:us")
    assert world.said(1)[-1] == "About us"


async def test_an_old_button_gives_no_more_than_the_state_allows(world: World) -> None:
    await world.join(1)
    await world.press(1, "menu:gift:jars")
    assert world.said(1)[-1] == "This opens when you are VIP."
    await world.press(1, "menu:leaderboard")
    assert world.said(1)[-1] == "This opens when you are Super VIP."


@pytest.mark.parametrize("data", ["menu:", "menu:gift:", "menu:gift:nope", "menu:text::warning"])
async def test_a_button_to_nowhere_says_so(world: World, data: str) -> None:
    await climb(world, 1, 2)
    await world.press(1, data)
    assert world.said(1)[-1] == "This part is not available any more."


async def test_progress_tells_of_scenarios_and_friends(world: World) -> None:
    await climb(world, 1, 1)
    await world.write(1, "/progress")
    assert world.said(1)[-1].splitlines()[-1] == (
        "You have brought 1 person. 1 more, and you are VIP."
    )
    await world.press(1, "menu:progress")
    assert world.said(1)[-1].startswith("✅ course: completed")


async def test_templates_know_link_count_and_what_is_left(world: World) -> None:
    await climb(world, 1, 1)
    await world.start(1)
    await world.settle()
    await world.start(7)
    hello = next(one for one in world.channel.sent if one.address.value == "7").message
    assert hello.text == "Hello! 0 of yours, 0 left."
    share = hello.keyboard[0][1].value
    assert f"https%3A%2F%2Ft.me%2Fsome_bot%3Fstart%3Dr_{await world.code(7)}" in share


async def test_the_leaderboard_shows_odd_names_in_one_line_each(world: World) -> None:
    await world.start(1, first_name="\u202e<b>evil\nname" + "x" * 300)
    await world.press(1, "ACCEPT", first_name="\u202e<b>evil\nname" + "x" * 300)
    for friend in (101, 102, 103):
        await world.join(friend, by=1)
    await world.press(1, "menu:leaderboard", first_name="\u202e<b>evil\nname" + "x" * 300)
    lines = world.said(1)[-1].splitlines()
    assert lines[1].startswith("1. \u2068&lt;b&gt;evil name")
    assert "\u202e" not in lines[1]
    assert len(lines) == 4


async def test_a_pull_gives_back_what_a_push_took(world: World, tmp_path: Path) -> None:
    pulled = tmp_path / "pulled"
    await pull(world.database, pulled)
    assert json.loads((pulled / "lifecycle.json").read_text("utf-8")) == FEW
    for name, text in FILES.items():
        assert (pulled / name).read_text("utf-8") == text
    again = await push(world.database, pulled, author="anna", now=world.clock.now())
    assert again.changes == ()


async def test_an_edit_of_a_gift_is_a_change(world: World) -> None:
    await climb(world, 1, 2)
    await world.push(FEW, **{**FILES, "lifecycle/messages/jars.md": "Seven jars"})
    await world.press(1, "menu:gift:jars")
    assert world.said(1)[-1] == "Seven jars"
