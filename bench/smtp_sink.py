"""A mail server that takes everything and keeps nothing: PIPELINING, 8BITMIME, SMTPUTF8.

python bench/smtp_sink.py           prints its port; `STAT` answers how many messages came
"""

import asyncio
import re
from typing import Final

_HELLO: Final = (
    b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 50000000\r\n"
)
_COMMANDS: Final = re.compile(rb"(?i)(EHLO|HELO|MAIL|RCPT|DATA|RSET|NOOP|QUIT|STAT)")
_END: Final = b"\r\n.\r\n"
counts = {"messages": 0, "bytes": 0}


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answers: list[bytes] = []
        self._in_data = self._ends = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer what came in one write in one write, as servers do (RFC 2920, 3.2)."""
        self._buffer += data
        while self._data() if self._in_data else self._command():
            pass
        if self._answers:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()
            if self._ends:
                self._transport.close()

    def _data(self) -> bool:
        at = self._buffer.find(_END)
        if at < 0:
            return False
        counts["messages"] += 1
        counts["bytes"] += at
        self._buffer, self._in_data = self._buffer[at + len(_END) :], False
        self._say(b"250 2.0.0 taken\r\n")
        return True

    def _command(self) -> bool:
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        match = _COMMANDS.match(line)
        word = match[1].upper() if match else b""
        if word in (b"EHLO", b"HELO"):
            self._say(_HELLO)
        elif word == b"DATA":
            self._in_data = True
            self._say(b"354 go on\r\n")
        elif word == b"STAT":
            self._say(b"250 %d %d\r\n" % (counts["messages"], counts["bytes"]))
        elif word == b"QUIT":
            self._say(b"221 bye\r\n")
            self._ends = True
        else:
            self._say(b"250 2.1.0 fine\r\n" if word else b"500 what?\r\n")
        return True

    def _say(self, answer: bytes) -> None:
        self._answers.append(answer)


async def main() -> None:
    """Serve until ended."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
