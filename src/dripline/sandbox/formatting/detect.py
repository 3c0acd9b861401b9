"""Finds what Telegram makes clickable by itself: urls, mentions, commands, hashtags, emails."""

from __future__ import annotations

import re

from dripline.sandbox.formatting.entities import Entity, entity, utf16_length

_WORTH_A_LOOK = re.compile(r"[/@#$.:]")
_COMMAND = re.compile(r"(?<![\w/<>])/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\w/<>@])")
_MENTION = re.compile(r"(?<!\w)@[a-zA-Z0-9_]{5,32}(?!\w)")
_HASHTAG = re.compile(r"(?<![\w#])#(?=\w*[^\W\d_])\w{1,256}(?![\w#])")
_CASHTAG = re.compile(r"(?<![\w$])\$(?:1INCH|[A-Z]{1,8})(?![\w$])")
_EMAIL = re.compile(r"(?<![\w.+-])[a-zA-Z0-9_.+-]{1,64}@(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(?![\w-])")

# Without http:// only the usual endings make a word a link; Telegram's own list is longer.
_TLDS = (
    "com|org|net|info|biz|edu|gov|mil|int|io|dev|app|me|ai|co|tv|cc|eu|xyz|online|site|shop|store|"
    "ru|ua|by|kz|uz|de|fr|it|es|nl|be|ch|at|pl|cz|se|no|fi|dk|uk|us|ca|au|nz|in|jp|cn|br|tr|il|ae|"
    "ir|id|su|club|pro|tech|top|live|link|page|blog|academy|school|training|courses|рф"
)
_HOST = r"(?:[\w-]{1,63}\.)+"
_PATH = r"(?:[/?#][^\s<>\"«»„“”]*)?"
_URL = re.compile(
    rf"(?:(?:https?|ftp)://(?:[^\s/?#@:<>]*@)?(?:{_HOST}[\w-]{{2,63}}|localhost)(?::\d{{1,5}})?{_PATH}"
    rf"|(?<![\w@./-]){_HOST}(?:{_TLDS})(?![\w-])(?!\.\w)(?::\d{{1,5}})?{_PATH}"
    r"|(?:tg|ton|tonsite)://[\w.-]+[^\s<>\"]*)",
    re.IGNORECASE,
)
_TRAILING = ".,:;!?'\"…"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def detect(text: str, *, commands: bool = True) -> list[Entity]:
    """Entities found in the words themselves, in order, not crossing each other."""
    if not _WORTH_A_LOOK.search(text):
        return []
    spans: list[tuple[int, int, str]] = []
    for begin, stop, kind in _candidates(text, commands=commands):
        if not any(begin < other[1] and other[0] < stop for other in spans):
            spans.append((begin, stop, kind))
    return [
        entity(kind, utf16_length(text[:begin]), utf16_length(text[begin:stop]))
        for begin, stop, kind in sorted(spans)
    ]


def _candidates(text: str, *, commands: bool) -> list[tuple[int, int, str]]:
    found = [(*match.span(), "email") for match in _EMAIL.finditer(text)]
    found += [(m.start(), _url_end(text, m.start(), m.end()), "url") for m in _URL.finditer(text)]
    for pattern, kind in (
        (_MENTION, "mention"),
        (_HASHTAG, "hashtag"),
        (_CASHTAG, "cashtag"),
    ):
        found += [(*match.span(), kind) for match in pattern.finditer(text)]
    if commands:
        found += [(*match.span(), "bot_command") for match in _COMMAND.finditer(text)]
    return found


def _url_end(text: str, begin: int, stop: int) -> int:
    """A full stop or an unopened bracket at the end belongs to the sentence, not to the url."""
    while stop > begin + 1:
        last = text[stop - 1]
        opened = _BRACKETS.get(last)
        words = text[begin:stop]
        if last in _TRAILING or (opened and words.count(last) > words.count(opened)):
            stop -= 1
        else:
            break
    return stop
