"""The commands of admins: which there are, and what each does, for `/help` and Telegram's list."""

from collections.abc import Iterable
from typing import Final

from dripline.content import variables as known_variables
from dripline.content.telegram_html import escape
from dripline.texts import gettext as _
from dripline.texts import marked

ADMIN_COMMANDS: Final = (
    ("scenarios", marked("All scenarios")),
    ("create_scenario", marked("Make a new scenario")),
    ("create_broadcast", marked("Write one message to many")),
    ("send_broadcast", marked("Choose a broadcast, and send it")),
    ("rotations", marked("Posts into channels")),
    ("referrals", marked("Referrals that wait for a decision")),
    ("payment", marked("Record a payment by hand")),
    ("stats", marked("People and messages")),
    ("cancel", marked("Leave what is under way")),
    ("help", marked("All commands")),
)
# Those that take an id are in /help only: Telegram's list sends a command as it is.
COMMANDS: Final = frozenset(
    {
        "help", "scenarios", "create_scenario", "edit_scenario", "demo_scenario",
        "set_default_scenario", "delete_scenario", "undo", "stats", "cancel",
        "create_broadcast", "send_broadcast", "referrals", "payment", "rotations",
    }
)  # fmt: skip


def help_text(variables: Iterable[str], language: str | None) -> str:
    """Return what `/help` says; `variables` are those of the content itself."""
    names = [
        f"<code>{{{{ {scope}.{name} }}}}</code>"
        for scope in ("user", "scenario")
        for name in known_variables.known(scope)
    ] + [f"<code>{{{{ bot.{escape(name)} }}}}</code>" for name in variables]
    return _(
        "<b>For admins</b>\n"
        "/scenarios – all scenarios\n"
        "/create_scenario – make a new one\n"
        "/edit_scenario id – change one\n"
        "/demo_scenario id – see every message, variables by name\n"
        "/set_default_scenario id – where a bare /start leads\n"
        "/delete_scenario id – delete one\n"
        "/undo id – take the last change back\n"
        "/create_broadcast – write one message to many\n"
        "/send_broadcast id – choose to whom, and send it\n"
        "/referrals – referrals that wait for your decision\n"
        "/rotations – posts into channels: how they stand, start, stop, post now\n"
        "/payment @anna 1500 – record a payment by hand\n"
        "/stats – people and messages\n"
        "/cancel – leave what is under way\n\n"
        "In texts you can use: {variables}",
        language,
        variables=", ".join(names),
    )
