"""A message of a folder as an email: a page for a browser, a file for a mail program."""

import sys
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from dripline.content.check import examine
from dripline.content.preview import SAMPLE, email_of, message_of
from dripline.errors import Invalid, NotFound
from dripline.wiring import import_models

sys.path.insert(0, str(Path(__file__).parent))
import folders

import_models()


def test_a_message_with_pictures_is_whole(tmp_path: Path) -> None:
    files = folders.formats()
    content = examine(folders.write(tmp_path, files))
    message = message_of(content, "default", "msg_1")
    shown = email_of(content, message, SAMPLE, "en")
    assert "cid:" not in shown.page()
    assert "data:image/png;base64," in shown.page()
    found = message_from_bytes(shown.eml(datetime(2026, 1, 1, tzinfo=UTC)), policy=policy.default)
    assert found.get_content_type() == "multipart/related"
    assert found["Subject"] == shown.parts.subject


@pytest.mark.parametrize("message_id", ["summary", "paid_content", "msg_2"])
def test_each_message_can_be_shown(tmp_path: Path, message_id: str) -> None:
    content = examine(folders.write(tmp_path, folders.formats()))
    shown = email_of(content, message_of(content, "default", message_id), SAMPLE, "ru")
    assert "Отписаться" in shown.page()
    assert shown.parts.subject


def test_what_is_not_there(tmp_path: Path) -> None:
    content = examine(folders.write(tmp_path, folders.formats()))
    with pytest.raises(NotFound, match="msg_1, msg_2"):
        message_of(content, "default", "msg_9")
    with pytest.raises(NotFound, match="default"):
        message_of(content, "nope", "msg_1")


def test_content_with_errors_is_not_shown(tmp_path: Path) -> None:
    content = examine(folders.write(tmp_path, folders.one_message("{{ user.nope }}")))
    with pytest.raises(Invalid, match="nope"):
        message_of(content, "default", "m")
