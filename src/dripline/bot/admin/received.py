"""What an admin sent: text with its formatting, and files. Nothing of it is trusted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dripline.bot.admin.entities import to_template
from dripline.content.rendered import MediaKind

_LONGEST: Final = 4096
# An animation comes with a document of the same file beside it, so it is looked for first.
_KINDS: Final[tuple[MediaKind, ...]] = (
    "animation", "photo", "video", "document", "voice", "audio",
)  # fmt: skip
_EXTENSIONS: Final = {
    "animation": "mp4", "photo": "jpg", "video": "mp4", "voice": "ogg", "audio": "mp3",
    "document": "bin",
}  # fmt: skip
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_EXTENSION: Final = re.compile(r"\.([A-Za-z0-9]{1,8})$")


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file in a message: how Telegram calls it, and how many bytes it says it has."""

    kind: MediaKind
    file_id: str
    size: int
    extension: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message of an admin; `html` is the text as a template of ours."""

    text: str = ""
    html: str = ""
    file: SentFile | None = None
    group: str | None = None
    order: int = 0
    other: bool = False  # a sticker, a poll, a place: nothing a message is made of

    @property
    def word(self) -> str:
        """The text as a command-like word, in small letters."""
        return self.text.strip().lower().removeprefix("/")


def received(raw: Mapping[str, Any]) -> Received:
    """Return what a message holds."""
    key = "text" if isinstance(raw.get("text"), str) else "caption"
    found = raw.get(key)
    text = found[:_LONGEST] if isinstance(found, str) else ""
    entities = raw.get("entities" if key == "text" else "caption_entities")
    given = entities if isinstance(entities, list) else []
    file = next((one for kind in _KINDS if (one := _file(raw.get(kind), kind)) is not None), None)
    group, order = raw.get("media_group_id"), raw.get("message_id")
    return Received(
        _UNSTORABLE.sub("", text),
        _UNSTORABLE.sub("", to_template(text, given[:200])),
        file,
        str(group)[:64] if group else None,
        order if isinstance(order, int) else 0,
        not text and file is None,
    )


def _file(value: Any, kind: MediaKind) -> SentFile | None:
    if isinstance(value, list):  # a photo comes in several sizes, the biggest last
        value = value[-1] if value else None
    if not isinstance(value, Mapping):
        return None
    file_id, size = value.get("file_id"), value.get("file_size")
    if not isinstance(file_id, str) or not 0 < len(file_id) <= 256:
        return None
    named = _EXTENSION.search(str(value.get("file_name") or ""))
    extension = named[1].lower() if named else _EXTENSIONS[kind]
    return SentFile(kind, file_id, size if isinstance(size, int) else 0, extension)
