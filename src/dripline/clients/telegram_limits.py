"""Whose limit was hit: Telegram's 429 does not say, so we look at what we have just sent.

Limits (Bot API FAQ): about 30 messages a second over all, one a second in a chat, 20 a minute in a
group. Holding a whole bot for one busy group would stop everyone; holding one chat while the bot is
over its limit would only draw more refusals. In doubt we hold the bot: that costs time, not bans.
Only where it would cost more than a minute, and others are being answered just now, we hold the
chat first: if the bot is meant, the next one who is refused tells.
"""

from dripline.clients.telegram_errors import is_group

_LONG_S = 60.0
_BURST = 2  # requests into one chat within a second or two that explain a limit of that chat


class RecentSends:
    """How often each chat was written to within the last one to two seconds.

    Two generations of counters, swapped each second: nothing is ever searched or trimmed.
    """

    def __init__(self) -> None:
        self._now: dict[object, int] = {}
        self._before: dict[object, int] = {}
        self._swapped = 0.0
        self._accepted = self._accepted_before = False
        self._limited: dict[object, float] = {}

    def sent(self, chat_id: object, now: float) -> None:
        """Count a request; `now` is monotonic, in seconds."""
        if now - self._swapped >= 1.0:
            self._before = self._now if now - self._swapped < 2.0 else {}
            self._accepted_before = self._accepted and now - self._swapped < 2.0
            self._now, self._accepted = {}, False
            self._swapped = now
        self._now[chat_id] = self._now.get(chat_id, 0) + 1

    def accepted(self) -> None:
        """Note that a request has just been accepted."""
        self._accepted = True

    def is_whole_bot(self, chat_id: object, after: float, now: float) -> bool:
        """Return whether a 429 for this chat is the whole bot's; `after` is its retry_after."""
        self._limited = {chat: until for chat, until in self._limited.items() if until > now}
        others = any(chat != chat_id for chat in self._limited)
        self._limited[chat_id] = now + after
        if chat_id is None:
            return True
        if is_group(chat_id):
            # Several groups can each be over their own 20 a minute; a person too means the bot is.
            return any(not is_group(chat) for chat in self._limited)
        often = self._now.get(chat_id, 0) + self._before.get(chat_id, 0)
        if after > _LONG_S and (self._accepted or self._accepted_before):
            return others
        return others or often < _BURST
