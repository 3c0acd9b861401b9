"""How long the program takes to say what it can, and to be ready."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.machine import percentile
from bench.processes import product, stub

_COURSE = Path(__file__).parents[1] / "src" / "dripline" / "sandbox" / "course"


def help_s(times: int) -> float:
    """Return the median seconds of `dripline --help`."""
    program = str(Path(sys.executable).with_name("dripline"))
    took = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - began)
    return percentile(took, 0.5)


def ready_s(times: int) -> float:
    """Return the median seconds of `dripline run` until ready: new database, sample course."""
    took = []
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="dripline-bench-") as folder, stub() as api:
            url = f"sqlite:///{folder}/new.db"
            with product("run", url, api.base, "--content", str(_COURSE)) as ours:
                took.append(ours.ready_s)
    return percentile(took, 0.5)
