"""How big content may be: Telegram's limits, and ours against what would hurt the engine."""

from typing import Final

TEXT_UNITS: Final = 4096  # sendMessage, UTF-16 units after entities are parsed (Bot API)
CAPTION_UNITS: Final = 1024  # sendPhoto and its neighbours
ALBUM_FILES: Final = 10  # sendMediaGroup
CALLBACK_BYTES: Final = 64  # InlineKeyboardButton.callback_data
PAYLOAD_CHARACTERS: Final = 64  # deep-link payload, [A-Za-z0-9_-]
PHOTO_BYTES: Final = 10 * 1024 * 1024  # photo upload
PHOTO_SIDES: Final = 10_000  # width and height of a photo together, in pixels
PHOTO_RATIO: Final = 20  # the longer side to the shorter
FILE_BYTES: Final = 50 * 1024 * 1024  # upload of any other file
KEYBOARD_BUTTONS: Final = 100  # inline keyboard; more are refused
ROW_BUTTONS: Final = 8

TEMPLATE_CHARACTERS: Final = 64 * 1024  # source of one template
RENDERED_CHARACTERS: Final = 40_000  # about ten of Telegram's messages
LOOP_ITERATIONS: Final = 500
BLOCK_DEPTH: Final = 12
TAG_DEPTH: Final = 40  # tags inside tags, of a text
LAYOUT_DEPTH: Final = 100  # and of a layout: its compiler goes down as deep as it does
TEMPLATE_MARKS: Final = 500  # {{ … }} and {% … %} in one template
RENDER_WORK: Final = 5_000_000  # characters that one rendering's filters may go through
LOCAL_BYTES: Final = 200_000
LIST_ITEMS: Final = 1_000
NUMBER_DIGITS: Final = 30

JSON_BYTES: Final = 4 * 1024 * 1024
JSON_DEPTH: Final = 40
FOLDER_FILES: Final = 10_000
SCENARIO_MESSAGES: Final = 1_000
ID_CHARACTERS: Final = 61  # with `go:` before it a scenario's id is callback data of 64 bytes
