"""People who start a scenario, and what must have reached them whatever was killed meanwhile.

A message's text says which message it is and for whom, so the stand-in's record alone tells what
was lost, mixed up or repeated. The database then tells whether a repeat was of a message that had
been settled: its row names the Bot API's id of the request that counted.
"""

import statistics
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

from outside import folder
from outside.evidence import Ask, count
from outside.program import Program, Programs
from outside.standin import Call, StandIn

_SENDERS = frozenset({"run", "worker"})
_ANSWERED_S = 1.0
_DATABASE_BACK_S = 5.0  # recovery, and the workers' own pause before they try again


@dataclass
class Blow:
    """Something was killed, at a moment of `time.monotonic`."""

    what: str
    at: float


@dataclass
class Tally:
    """What a campaign came to."""

    title: str
    contacts: int
    messages: int
    blows: int
    repeats: int
    most_of_one: int
    unanswered: int = 0
    cut_off: int = 0
    lags_ms: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        lags = sorted(self.lags_ms)
        told = f" ({statistics.median(lags):.0f} ms before, at most {lags[-1]:.0f})" if lags else ""
        return (
            f"\n{self.title}: {self.blows} kills, {self.contacts} contacts, "
            f"{self.messages} messages, none lost; {self.repeats} repeated "
            f"(at most {self.most_of_one} of one message): {self.unanswered} were not answered, "
            f"{len(lags)} answered but not settled{told}, "
            f"{self.cut_off} answered while the database was away"
        )


class Crowd:
    """Contacts fed to a bot, each to be taken through one scenario."""

    def __init__(self, telegram: StandIn, messages: int, prefix: str = "m", first: int = 1) -> None:
        self.telegram = telegram
        self.contacts: list[int] = []
        self.blows: list[Blow] = []
        self._prefix = prefix
        self._count = messages
        self._next = first

    def come(self, how_many: int) -> None:
        """More people press Start."""
        for _ in range(how_many):
            self.telegram.says(self._next, "/start")
            self.contacts.append(self._next)
            self._next += 1

    def struck(self, what: str) -> None:
        """Remember that something has just been killed."""
        self.blows.append(Blow(what, time.monotonic()))

    def expected(self, contact: int) -> list[str]:
        """Return the texts a contact is to get, in order."""
        return [f"{self._prefix}{n} for c{contact}" for n in range(1, self._count + 1)]

    def wait_until_done(self, seconds: float) -> None:
        """Wait until everybody has got everything; so many seconds without any progress are enough.

        Raises AssertionError with who has not.
        """
        waiting = set(self.contacts)

        def done() -> bool:
            for contact in tuple(waiting):
                if not self._got_last(contact):
                    return False
                waiting.discard(contact)
            return True

        before = -1
        while not done() and self._progress() > before:
            before = self._progress()
            with suppress(AssertionError):
                self.telegram.wait_for(done, seconds)
        missing = {c: self.telegram.texts(c) for c in waiting if not self._got_last(c)}
        assert not missing, (
            f"{len(missing)} of {len(self.contacts)} did not get everything: "
            f"{dict(list(missing.items())[:5])}"
        )

    def _progress(self) -> int:
        return sum(len(texts) for texts in tuple(self.telegram.reached.values()))

    def _got_last(self, contact: int) -> bool:
        return self.expected(contact)[-1] in self.telegram.reached[contact]

    def verify(self, ask: Ask, title: str) -> Tally:
        """Check that nothing was lost, mixed up or counted twice. Raises AssertionError."""
        by_contact: dict[int, list[Call]] = defaultdict(list)
        for call in self.telegram.sent():
            by_contact[call.chat].append(call)
        settled = _settled(ask)
        tally = Tally(title, len(self.contacts), 0, len(self.blows), 0, 1)
        for contact in self.contacts:
            self._verify_one(contact, by_contact[contact], settled, tally)
        _verify_rows(ask)
        return tally

    def _verify_one(
        self, contact: int, calls: list[Call], settled: dict[tuple[str, str], str], tally: Tally
    ) -> None:
        expected = self.expected(contact)
        texts = [call.text for call in calls]
        assert _without_repeats(texts) == expected, f"contact {contact} got {texts}"
        tally.messages += len(expected)
        for number, text in enumerate(expected, 1):
            same = [call for call in calls if call.text == text]
            tally.repeats += len(same) - 1
            tally.most_of_one = max(tally.most_of_one, len(same))
            for call in same[:-1]:
                self._classify(call, tally)
            counted = settled.get((str(contact), f"{self._prefix}{number}"))
            assert same[-1].ok, f"{text} was never answered"
            assert counted == str(same[-1].message_ids[0]), (
                f"“{text}” was sent again after it had been settled: the row counts {counted}, "
                f"requests were {[(c.message_ids, c.at) for c in same]}"
            )

    def _classify(self, call: Call, tally: Tally) -> None:
        """Count why a request did not settle, by the first blow to a sender after it came."""
        blow = next((b for b in self.blows if b.what in _SENDERS and b.at >= call.at), None)
        away = [b for b in self.blows if b.what == "database" and b.at < call.at + _ANSWERED_S]
        if call.answered_at is None or (blow is not None and call.answered_at > blow.at):
            tally.unanswered += 1
        elif blow is None or (away and call.at - away[-1].at < _DATABASE_BACK_S):
            tally.cut_off += 1
        else:
            tally.lags_ms.append((blow.at - call.answered_at) * 1000)


def _without_repeats(texts: list[str]) -> list[str]:
    """Return the texts with those left out that repeat the one just before."""
    return [text for n, text in enumerate(texts) if n == 0 or text != texts[n - 1]]


def _settled(ask: Ask) -> dict[tuple[str, str], str]:
    rows = ask(
        "SELECT recipient, message_id, provider_ids FROM message_deliveries"
        " WHERE status = 'sent' AND resend = 0"
    )
    assert len(rows) == len({row[:2] for row in rows}), "a message was counted twice"
    return {(row[0], row[1]): row[2] for row in rows}


def _verify_rows(ask: Ask) -> None:
    twice = """
        SELECT contact_id, lane FROM enrollments WHERE status = 'active'
        GROUP BY contact_id, lane HAVING count(*) > 1
    """
    assert ask(twice) == []
    twice = """
        SELECT origin_id, run, message_id, channel, resend FROM message_deliveries
        WHERE status = 'sent'
        GROUP BY origin_id, run, message_id, channel, resend HAVING count(*) > 1
    """
    assert ask(twice) == []
    for nothing in (
        "SELECT count(*) FROM inflight",
        "SELECT count(*) FROM queue",
        "SELECT count(*) FROM enrollments WHERE status <> 'completed'",
        "SELECT count(*) FROM inbox WHERE error IS NOT NULL OR done_at IS NULL",
        "SELECT count(*) FROM message_deliveries WHERE status <> 'sent'",
    ):
        assert count(ask, nothing) == 0, nothing


def under_way(programs: Programs, telegram: StandIn, messages: int) -> tuple[Program, Crowd]:
    """Take twenty people as far as their first messages; return the program, and who they are."""
    folder.write(programs.folder / "content", {"course": folder.course(messages)})
    crowd = Crowd(telegram, messages)
    telegram.latency_s = 0.2
    run = programs.start("run", "--content", "content").ready()
    crowd.come(20)
    telegram.wait_for(lambda: len(telegram.sent()) >= 20)
    return run, crowd
