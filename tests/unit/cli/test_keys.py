"""`dripline keys` and `dripline stats`, as a user meets them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def dripline(tmp_path: Path) -> object:
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dripline", *arguments],
            env=plain,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_a_key_is_made_listed_and_revoked(dripline: object, tmp_path: Path) -> None:
    assert callable(dripline)
    assert "no keys yet" in dripline("keys", "list").stdout
    made = dripline("keys", "create", "CRM", "--role", "editor")
    key = made.stdout.strip()
    assert re.fullmatch(r"drip_[0-9a-f]{12}_[\w-]{43}", key)
    assert "this one time only" in made.stderr
    prefix = key.split("_")[1]
    listed = dripline("keys", "list").stdout
    assert f"{prefix}  editor  CRM" in listed
    assert key not in listed
    assert "is revoked" in dripline("keys", "revoke", prefix).stdout
    assert dripline("keys", "revoke", prefix).returncode != 0
    assert "no role" in dripline("keys", "create", "x", "--role", "king").stderr
    assert "no key" in dripline("keys", "revoke", "nothing").stderr
    assert key.encode() not in (tmp_path / "dripline.db").read_bytes()


def test_the_numbers_of_an_empty_installation(dripline: object) -> None:
    assert callable(dripline)
    shown = dripline("stats").stdout
    assert "Contacts: 0" in shown
    assert "Messages in 30 days: 0 sent" in shown
    assert "no scenario nothing" in dripline("stats", "nothing").stderr
