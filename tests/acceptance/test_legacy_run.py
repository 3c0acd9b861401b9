"""An old bot's folder, imported and run: people go on, new ones come, a payment brings content."""

import json
import sqlite3
from contextlib import closing
from copy import deepcopy
from pathlib import Path

import pytest

from old_bot import MESSAGES, old_bot
from outside.program import Programs
from outside.standin import TOKEN, StandIn

pytestmark = pytest.mark.slow
NEW, FRESH, LATE, STOPPED, DONE = 77, 1, 3, 5, 4


def hurried(root: Path) -> Path:
    """Return the folder of an old bot whose messages follow each other at once."""
    old_bot(root)
    flow = deepcopy(MESSAGES)
    for name in flow["messages_list"]:
        flow["messages"][name]["timing"] = {"hours": 0, "minutes": 0}
    flow["messages"]["msg_3"]["timing"] = {"hours": 24, "minutes": 0}
    (root / "data/messages.json").write_text(json.dumps(flow))
    return root


def test_an_imported_bot_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "d.db"
    settings = {"database_url": f"sqlite:///{file}", "telegram_bot_token": TOKEN}
    with (
        StandIn(tmp_path) as telegram,
        Programs(tmp_path, telegram_api_base=telegram.url, **settings) as programs,
    ):
        old = hurried(tmp_path / "old")
        planned = programs.ask("import", "legacy", str(old), "--dry-run")
        assert planned.returncode == 0, planned.stderr
        assert "nothing was changed" in planned.stdout
        imported = programs.ask("import", "legacy", str(old))
        assert imported.returncode == 0, imported.stderr
        assert "people counted again, all there" in imported.stdout
        programs.start("run").ready()

        # Somebody new goes the whole way.
        telegram.says(NEW, "/start")
        telegram.wait_for(lambda: telegram.texts(NEW) == ["<b>Welcome!</b>"], what="the start")
        [accept] = telegram.sent(NEW)[0].buttons
        telegram.presses(NEW, accept["callback_data"])
        telegram.wait_for(lambda: len(telegram.texts(NEW)) == 3, what="the next messages")
        assert telegram.texts(NEW)[1:] == ["One", "Two costs 1500"]
        assert telegram.sent(NEW)[1].method == "sendPhoto"

        # A payment is recorded by hand, and brings what was bought, once.
        for _twice in range(2):
            paid = programs.ask("payments", "record", str(NEW), "1500", "--id", "cash-1")
            assert paid.returncode == 0, paid.stderr
        telegram.wait_for(lambda: "Thank you!" in telegram.texts(NEW), what="paid content")

        # Those who were on their way go on; a button in an old chat still works.
        telegram.wait_for(lambda: bool(telegram.texts(LATE)), what="what was due long ago")
        assert [text.strip() for text in telegram.texts(LATE)] == ["Three for"]
        telegram.presses(FRESH, accept["callback_data"])
        telegram.wait_for(lambda: "One" in telegram.texts(FRESH), what="after the old button")
        assert telegram.texts(STOPPED) == []
        assert telegram.texts(DONE) == []

        again = programs.ask("import", "legacy", str(old), "--no-backup")
        assert again.returncode == 0, again.stderr
        telegram.says(DONE, "/start")
        telegram.wait_for(lambda: bool(telegram.sent(DONE)), what="an answer to who is done")
        assert telegram.texts(NEW).count("Thank you!") == 1
    with closing(sqlite3.connect(file)) as connection:
        [payments] = connection.execute(
            "SELECT count(*) FROM payments WHERE provider = 'manual'"
        ).fetchall()
    assert payments == (1,)
