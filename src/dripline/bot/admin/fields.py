"""What the wizard asks, section by section: data; `answers.py` says what an answer means."""

from dataclasses import dataclass
from typing import Final

from dripline.bot.admin.draft import BROADCAST, GENERAL, LETTER, MESSAGE, SUMMARY
from dripline.texts import marked


@dataclass(frozen=True, slots=True)
class Field:
    """One question: its name in lists, what is asked, whether it may be skipped.

    One that is not `asked` has an answer by itself, and comes up under *Edit* only.
    """

    key: str
    title: str
    ask: str
    optional: bool = False
    asked: bool = True


NAME: Final = Field(
    "name",
    marked("Name"),
    marked("What is the scenario called? Up to 200 characters; contacts may see it."),
)
ID: Final = Field(
    "id",
    marked("Id"),
    marked(
        "Which id shall it have? It stands in links such as t.me/your_bot?start=id, so it has "
        "Latin letters, digits, - and _ only, and never changes once it is saved."
    ),
    asked=False,
)
TEXT_HELP: Final = marked(
    "Format it as usual in Telegram. Where the contact's own data should stand, write for "
    "example {{ user.first_name }}."
)
FIRST_TIMING: Final = marked(
    "When does it go out, counted from the start? For example: now, 30m, 1d 2h, tomorrow 9:00."
)
FILES_HELP: Final = marked(
    "Send photos or an album (up to 10), a video, a document or a voice message."
)
TEXT: Final = Field("text", marked("Text"), marked("Send the text of the message."))
FILES: Final = Field("files", marked("Photos and files"), FILES_HELP, optional=True)
BUTTONS: Final = Field(
    "buttons",
    marked("Buttons"),
    marked(
        "Which buttons shall stand under it? One a line:\n"
        "<code>url|Buy now|https://example.com</code>\n"
        "<code>callback|Done|DONE</code>\n"
        "<code>payment|Pay</code>\n"
        "<code>start_scenario|More|id of a scenario</code>"
    ),
    optional=True,
)

OTHER_LANGUAGE: Final = Field(
    "language",
    marked("Text in another language"),
    marked(
        "Which language? Contacts who speak it get that text instead. Press one, or send its "
        "code, such as ru or pt-br."
    ),
)

SECTIONS: Final[dict[str, tuple[Field, ...]]] = {
    BROADCAST: (
        Field(
            "name",
            marked("Name"),
            marked("What is the broadcast called? Only admins see this name."),
        ),
        Field(
            "id",
            marked("Id"),
            marked("Which id shall it have? Latin letters, digits, - and _ only."),
            asked=False,
        ),
    ),
    LETTER: (TEXT, FILES, BUTTONS),
    GENERAL: (
        NAME,
        ID,
        Field(
            "product_name",
            marked("Product"),
            marked("What does it sell? Send the product's name."),
            optional=True,
        ),
        Field(
            "product_price",
            marked("Price"),
            marked("What does it cost? A whole number from 1 to 1,000,000."),
            optional=True,
        ),
        Field(
            "paid_content",
            marked("After payment"),
            marked("What shall the contact get after paying? Send the text."),
            optional=True,
        ),
        Field(
            "private_group_id",
            marked("Private group"),
            marked(
                "Which private group do buyers get into? Send its id, such as -1001234567890. "
                "Add the bot to the group as an administrator."
            ),
            optional=True,
        ),
    ),
    SUMMARY: (
        Field(
            "text",
            marked("Text"),
            marked(
                "Now the summary: what somebody gets who has finished the scenario and asks for "
                "it again. Send its text."
            ),
            optional=True,
        ),
        FILES,
        BUTTONS,
    ),
    MESSAGE: (
        TEXT,
        FILES,
        Field(
            "timing",
            marked("When"),
            marked(
                "When does it go out, counted from the message before it? For example: 1h 30m, "
                "1d, tomorrow 9:00, at 18:00, monday 10:00, or “after DONE”: when the button DONE "
                "of the message before it is pressed."
            ),
        ),
        BUTTONS,
    ),
}

TITLES: Final = {
    GENERAL: marked("General"),
    SUMMARY: marked("Summary"),
    MESSAGE: marked("Message {n}"),
    BROADCAST: marked("Broadcast"),
    LETTER: marked("Message"),
}


def field_of(section: str, key: str) -> Field:
    """Return a section's field."""
    if key == OTHER_LANGUAGE.key:
        return OTHER_LANGUAGE
    return next(field for field in SECTIONS[section] if field.key == key)


def following(section: str, key: str) -> Field | None:
    """Return the field that is asked next, or None at the section's end."""
    fields = SECTIONS[section]
    at = next(number for number, field in enumerate(fields) if field.key == key)
    return next((field for field in fields[at + 1 :] if field.asked), None)
