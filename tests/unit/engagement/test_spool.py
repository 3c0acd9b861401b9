"""The spool: nothing answered is lost, whatever happens to who wrote it."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dripline.engagement import spool as module
from dripline.engagement.spool import Spool, files, held


def drained(folder: Path) -> list[list[object]]:
    """Read everything that can be read, and remove it."""
    found = []
    for path in files(folder):
        with held(path) as file:
            if file is None:
                continue
            offset = 0
            while True:
                page = file.page(offset, 2)
                found += page.records
                offset = page.next_offset
                if page.is_last:
                    break
            file.remove()
    return found


def test_what_is_written_is_read_once_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new" / "folder")
    records = [[n, "текст"] for n in range(5)]
    assert all(spool.append(record) for record in records)
    spool.seal()
    assert drained(spool.folder) == records
    assert drained(spool.folder) == []


def test_an_idle_process_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.seal()
    assert not spool.folder.exists()


def test_a_file_that_is_written_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([1])
    assert drained(tmp_path) == []
    spool.seal(older_than_s=60)
    assert drained(tmp_path) == []
    spool.seal()
    assert drained(tmp_path) == [[1]]


def test_a_large_file_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LARGEST", 100)
    spool = Spool(tmp_path)
    records = [[n, "x" * 40] for n in range(10)]
    for record in records:
        spool.append(record)
    assert len(list(tmp_path.iterdir())) > 3
    spool.seal()
    assert drained(tmp_path) == records


def test_a_page_ends_with_a_whole_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 64)
    spool = Spool(tmp_path)
    records = [[n, "x" * 20] for n in range(20)]
    for record in records:
        spool.append(record)
    spool.seal()
    assert drained(tmp_path) == records


def test_a_torn_last_line_and_broken_ones_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "x.spool"
    file.write_bytes(b'[1]\nnonsense\n{"a":1}\n\n\xff\xfe\n[2]\n[3,"half of a li')
    assert drained(tmp_path) == [[1], [2]]
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_has_answered_is_there(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dripline.engagement.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1])); n = 0\n"
        "while True:\n"
        "    spool.append([n]); sys.stdout.write(f'{n}\\n'); sys.stdout.flush(); n += 1\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    answered = [int(process.stdout.readline()) for _ in range(500)]
    assert drained(tmp_path) == []  # it lives
    process.send_signal(signal.SIGKILL)
    answered += [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    found = [record[0] for record in drained(tmp_path)]
    assert found[: len(answered)] == answered
    assert len(found) - len(answered) <= 1  # the one it was killed over


def test_a_full_disk_loses_the_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    assert spool.append([1])
    whole = os.write

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(file: int, data: bytes) -> int:
        return whole(file, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", full)
    assert not spool.append([2])
    monkeypatch.setattr(os, "write", half)
    assert not spool.append([3, "x" * 30])
    monkeypatch.setattr(os, "write", whole)
    assert spool.append([4])
    spool.seal()
    assert drained(tmp_path) == [[1], [4]]


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not Spool(tmp_path / "file" / "spool").append([1])
