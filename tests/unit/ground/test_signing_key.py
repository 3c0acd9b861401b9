"""The key that signs links: made once, kept, and never one that anybody could guess."""

import subprocess
import sys
from pathlib import Path

import pytest

from dripline.errors import Invalid
from dripline.settings import Settings


def key_in(folder: Path) -> bytes:
    return Settings(database_url=f"sqlite:///{folder}/data.db").signing_key


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = key_in(tmp_path)
    assert len(made) >= 48
    assert key_in(tmp_path) == made
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_file_that_a_full_disk_left_empty_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_bytes(b"\n")
    made = key_in(tmp_path)
    assert len(made) >= 48
    assert key_in(tmp_path) == made


def test_a_file_that_was_cut_off_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_bytes(b"abc")
    with pytest.raises(Invalid, match=r"too short.*backup"):
        key_in(tmp_path)


def test_a_place_where_none_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(Invalid, match="SECRET_KEY"):
        key_in(tmp_path)


def test_processes_that_start_together_get_the_same(tmp_path: Path) -> None:
    program = (
        "from dripline.settings import Settings;"
        f"print(Settings(database_url='sqlite:///{tmp_path}/data.db').signing_key.decode())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    keys = {process.communicate()[0].strip() for process in started}
    assert len(keys) == 1
    assert len(keys.pop()) >= 48
