"""Where we run: cores to pin processes to, and what the table says of the machine."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import psutil

# The sender has a core to itself; the Bot API, PostgreSQL and whoever measures share the other.
SENDER = 0
OTHERS = 1


def pin(core: int) -> list[str]:
    """Return the beginning of a command that keeps a process on one core, if that is possible."""
    if not hasattr(os, "sched_setaffinity") or core not in os.sched_getaffinity(0):
        return []
    return ["taskset", "-c", str(core)]


def describe() -> list[str]:
    """Return what figures depend on: processor, cores, memory, versions."""
    memory = psutil.virtual_memory().total / 1024**3
    system = f"{platform.system()} {platform.release()}"
    return [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {system}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"priority: nice {os.getpriority(os.PRIO_PROCESS, 0)}",
    ]


def load() -> float:
    """Return how many processes other than ours wanted a core in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies; nan for none."""
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
