"""The commands of admins, with what each does: for `/help` and for Telegram's own list."""

from typing import Final

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
