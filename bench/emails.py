"""Emails a second on one core, to a mail server that takes everything.

python -m bench.emails
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import OTHERS, SENDER, pin
from bench.processes import HERE, ended, peer
from bench.rows import Row, at_least

if TYPE_CHECKING:
    from bench.plan import Sizes

GOAL = 4_000


def measure(count: int) -> Row:
    """Send `count` emails our way, and a tenth of that the usual way."""
    with sink() as port, tempfile.TemporaryDirectory(prefix="dripline-bench-") as folder:
        ours = _sender(port, count)
        usual = peer("email_stdlib", str(port), str(max(count // 10, 500)), *_texts(Path(folder)))
    return at_least(
        "emails to an SMTP server on one core: a layout, 3 tracked links, a pixel, both parts",
        GOAL,
        ours["rate_per_core"],
        note=f"; {ours['rate']:,.0f}/s at {ours['share']:.0%} of the core",
        peer=f"EmailMessage and aiosmtplib: {usual['rate_per_core']:,.0f}/s",
    )


def measure_emails(sizes: "Sizes", _kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure emails as a part of everything."""
    yield measure(sizes.emails)


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Run the mail server on the other core; return its port."""
    command = [*pin(OTHERS), sys.executable, str(HERE / "smtp_sink.py")]
    with ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def _sender(port: int, count: int) -> dict[str, Any]:
    command = [*pin(SENDER), sys.executable, "-m", "bench.email_sender", str(port), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=HERE.parent)
    if done.returncode:
        raise RuntimeError(f"the sender failed:\n{done.stderr[-1500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _texts(folder: Path) -> list[str]:
    """Write our own texts for the peer, a mark where the name stands; return their files."""
    from bench.email_sender import made, message
    from dripline.engagement.links import Links

    links = Links(b"key" * 11, "https://mail.example.com")
    parts = made(1, message(), links, datetime.now(UTC)).parts
    places = {"html": parts.html, "plain": parts.plain}
    for name, text in places.items():
        (folder / name).write_text(text.replace("Анна 1", "NAME"))
    return [str(folder / name) for name in places]


if __name__ == "__main__":
    print(measure(20_000))
