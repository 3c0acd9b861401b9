"""Measure everything, print the table, and write it to docs/benchmarks.md.

python -m bench                       all of it: a quarter of an hour, two cores to itself
python -m bench --quick               smaller sizes, a few minutes; written nowhere
python -m bench --only starts,ticks   some of it; written nowhere
"""

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.analytics import measure_numbers
from bench.emails import measure_emails
from bench.engagement import measure_scores
from bench.plan import (
    FULL,
    QUICK,
    Sizes,
    measure_audiences,
    measure_redirects,
    measure_starts,
    measure_stores,
    measure_ticks,
)
from bench.rows import Row, table

_REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_KINDS = ("SQLite", "PostgreSQL")
_PARTS: dict[str, Callable[[Sizes, tuple[str, ...]], Iterator[Row]]] = {
    "starts": measure_starts,
    "ticks": measure_ticks,
    "stores": measure_stores,
    "redirects": measure_redirects,
    "audiences": measure_audiences,
    "emails": measure_emails,
    "scores": measure_scores,
    "numbers": measure_numbers,
}
_ABOUT = """\
# Benchmarks

`make bench` measures all of this and writes this page. The installed program runs as it is, pinned
to one core; a stand-in for the Bot API that answers after 50 ms (`bench/telegram_stub.py`),
PostgreSQL and whoever measures have the other core. Everything is on: the decision, a Liquid
template, the delivery row, its key, its event, the next step queued; only the pace is set out of
the way. SQLite runs with `synchronous=FULL`, PostgreSQL with `fsync=on`. What the Bot API got is
compared with what the log says.

{machine}

{table}

The queue runs through the crowd as a seven-message course has it: seven groups, each in the order
in which they came. Figures swing by a tenth from run to run, and more beside other work: in the
minute before this run began {load:.1f} processes wanted a core on average.
"""


def main() -> None:
    """Measure what the command line asks for."""
    options = _options()
    load = machine.load()
    sizes = QUICK if options.quick else FULL
    kinds = tuple(kind for kind in _KINDS if kind.lower() in options.on)
    rows = []
    for name, measure in _PARTS.items():
        if name in options.only:
            for row in measure(sizes, kinds):
                print(f"{row.what}: {row.found} (goal {row.goal or '-'})", flush=True)
                rows.append(row)
    print(f"\n{table(rows)}")
    if options.complete:
        about = [f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", *machine.describe()]
        lines = "\n".join(f"- {line}" for line in about)
        _REPORT.write_text(_ABOUT.format(machine=lines, table=table(rows), load=load))
        print(f"\nwritten to {_REPORT}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, a few minutes")
    parser.add_argument("--only", default=",".join(_PARTS), help=f"of: {', '.join(_PARTS)}")
    parser.add_argument("--on", default=",".join(_KINDS).lower(), help="sqlite, postgresql")
    options = parser.parse_args()
    options.only, options.on = options.only.split(","), options.on.lower().split(",")
    everything = set(options.only) == set(_PARTS) and len(options.on) == len(_KINDS)
    options.complete = everything and not options.quick
    return options


if __name__ == "__main__":
    main()
