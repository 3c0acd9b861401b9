"""A power cut: what a disk holds of a SQLite database when nobody could say goodbye.

A killed process loses nothing that it has written, for the system still has it. After a power cut
there is only what was synced, and any part of the rest that the system happened to write already.
`power.c`, preloaded into the program, keeps what was synced in a file beside each file.
"""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

_SECTOR = 512
_SOURCE = Path(__file__).with_suffix(".c")
_SYNCED = ".synced"


class Disk:
    """A disk on which a database `file` stands, with what the program must be started with."""

    def __init__(self, file: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("what is on the disk is seen by a small C library: install a C compiler")
        library = file.parent / "power.so"
        flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
        subprocess.run([compiler, *flags, "-o", library, _SOURCE, "-ldl", "-lpthread"], check=True)
        self.settings = {"ld_preload": str(library), "power_of": str(file.parent)}
        self.sectors_behind = 0
        self._files = (file, file.with_name(f"{file.name}-wal"))
        self._memory = file.with_name(f"{file.name}-shm")

    def behind(self) -> bool:
        """Whether the program has written what it has not waited for."""
        log = self._files[1]
        return log.exists() and log.read_bytes() != log.with_name(log.name + _SYNCED).read_bytes()

    def cut(self, dice: random.Random) -> None:
        """Leave on the disk what was synced, and by chance some of what was not."""
        for file in self._files:
            synced = file.with_name(file.name + _SYNCED)
            if not file.exists():
                synced.unlink(missing_ok=True)
                continue
            left = self._left(file.read_bytes(), synced.read_bytes(), dice)
            file.write_bytes(left)
            synced.write_bytes(left)
        self._memory.unlink(missing_ok=True)

    def _left(self, written: bytes, synced: bytes, dice: random.Random) -> bytes:
        luck = dice.choice((0.0, 0.5, 0.95))
        size = len(written) if dice.random() < luck else len(synced)
        left = bytearray(synced[:size].ljust(size, b"\0"))
        for at in range(0, size, _SECTOR):
            newest = written[at : at + _SECTOR]
            if newest == left[at : at + _SECTOR]:
                continue
            self.sectors_behind += 1
            if dice.random() < luck:
                left[at : at + len(newest)] = newest
        return bytes(left)
