"""The `lifecycle.json` that ships: who enters which program by what they do."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from dripline.clock import VirtualClock
from dripline.content.push import push
from dripline.content.shipped import add_programs
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.lifecycle import queries
from dripline.lifecycle.document import MENU
from lifecycle_world import World, folder, write


def course() -> dict[str, Any]:
    """Return the files of a folder with a start message and nothing else."""
    files = folder(None)
    registry = {"scenarios": [{"id": "course", "name": "course"}], "default_scenario_id": "course"}
    own = {name: value for name, value in files.items() if name.startswith("scenarios/course/")}
    return {"scenarios/registry.json": json.dumps(registry), **own}


async def test_members_are_nurtured_and_vips_onboarded_by_force(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    world = World(database, clock, write(tmp_path, course()))
    assert add_programs(tmp_path).lifecycle
    async with database.transaction() as session:
        await deliveries.ensure_pace(session, "telegram:main", 1.0)
        await queries.remember_bot(session, "main", "some_bot")
    await push(database, tmp_path, author="anna", now=clock.now())
    await world.join(1)
    assert await world.programs(1) == {"NURTURE_7_DAY": "active"}
    await world.join(2, by=1)
    assert await world.programs(1) == {"NURTURE_7_DAY": "active"}
    await world.join(3, by=1)
    assert await world.state(1) == "VIP"
    assert await world.programs(1) == {"NURTURE_7_DAY": "stopped", "ONBOARDING_7_DAY": "active"}
    await world.press(2, f"{MENU}gift:jars")  # whose state has not unlocked it
    assert world.said(2)[-1] == "This opens when you are VIP."
    await world.press(1, f"{MENU}gift:jars")
    assert world.said(1)[-1].startswith("<b>🎁 Your gift: the sheet of six jars</b>")
    await world.press(1, f"{MENU}gift:bonus")
    assert world.said(1)[-1] == "This opens when you are Super VIP."


def test_menus_grow_with_the_state() -> None:
    with as_file(files("dripline.content") / "programs" / "lifecycle.json") as place:
        menus = json.loads(place.read_text("utf-8"))["menus"]
    actions = {
        state: [button["action"] for row in menu["rows"] for button in row]
        for state, menu in menus.items()
    }
    assert actions["REGISTERED"] == ["progress", "share"]
    assert set(actions["REGISTERED"]) < set(actions["VIP"]) < set(actions["SUPER_VIP"])
    assert "gift:jars" in actions["VIP"]
    assert {"leaderboard", "gift:bonus"} <= set(actions["SUPER_VIP"])
