"""Files are written whole or not at all, and never outside of their folder."""

import asyncio
from pathlib import Path

import pytest

from dripline.content import files, sync
from dripline.content.json_source import JsonError, line_and_column, parse
from dripline.content.links import APP_SCHEMES, button_link, safe_link
from dripline.content.unparse import json_text
from dripline.content.watch import changes
from dripline.errors import Invalid
from dripline.sandbox.formatting.links import BadUrl, checked_link


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    files.write(tmp_path, "a/b.md", b"one")
    files.write(tmp_path, "a/b.md", b"two")
    assert (tmp_path / "a/b.md").read_bytes() == b"two"
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["b.md"]


def test_a_crash_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(tmp_path, "a.md", b"old")

    def power_cut(_self: Path, _target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", power_cut)
    with pytest.raises(KeyboardInterrupt):
        files.write(tmp_path, "a.md", b"new")
    assert (tmp_path / "a.md").read_bytes() == b"old"


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.dripline-x.tmp").write_text("half")
    files.sweep(tmp_path)
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.parametrize("name", ["../x.md", "a/../../x.md", "/tmp/x.md", "link/x.md", "out.md"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "out.md").symlink_to(tmp_path / "x.md")
    with pytest.raises(Invalid):
        files.write(root, name, b"x")
    assert not (tmp_path / "x.md").exists()


def test_removing_takes_empty_folders_along(tmp_path: Path) -> None:
    files.write(tmp_path, "a/b/c.md", b"x")
    files.write(tmp_path, "a/d.md", b"x")
    files.remove(tmp_path, "a/b/c.md")
    files.remove(tmp_path, "a/b/c.md")  # twice is no harm
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a", "d.md"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"revisions": 1}', '{"revisions": {}}'])
def test_a_marker_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / sync.NAME).write_text(text)
    assert sync.read(tmp_path) is None


def test_a_marker_comes_back(tmp_path: Path) -> None:
    marker = sync.Marker({"scenario/a": "1"}, {"x.md": "2"})
    sync.write(tmp_path, marker)
    assert sync.read(tmp_path) == marker


def test_json_is_written_the_same_whatever_its_order() -> None:
    one = {"name": "Я", "id": "a", "z": 1, "b": [{"type": "url", "text": "x"}]}
    other = {key: one[key] for key in reversed(one)}
    assert json_text(one) == json_text(other)
    assert json_text(one).startswith('{\n  "id": "a",\n  "name": "Я",\n')


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (' {"a": [1, -2.5, true, null, "\\u0416\\n"]} ', {"a": [1, -2.5, True, None, "Ж\n"]}),
        ("[]", []),
        ("{}", {}),
        ("9007199254740992", 2**53),
    ],
)
def test_json_values(text: str, value: object) -> None:
    assert parse(text).value == value


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0), ("{", 1), ('{"a"}', 4), ("[1,]", 2), ("[1 2]", 3), ('"a', 0), ('["a\nb"]', 3),
        ("[01]", 2), ("nul", 0), ("NaN", 0), ("1e999", 0), ("12345678901234567890", 0),
        ('{"a":1,"a":2}', 7), ('"\\u0000"', 0), ('"\\ud800"', 0), ("[" * 99, 41), ("{} x", 3),
    ],
)  # fmt: skip
def test_bad_json_is_found_at_its_place(text: str, offset: int) -> None:
    with pytest.raises(JsonError) as caught:
        parse(text)
    assert caught.value.offset == offset


def test_places_in_json() -> None:
    text = '{"a": [1,\n {"b": 2}]}'
    assert line_and_column(text, parse(text).offset(("a", 1, "b"))) == (2, 8)
    assert parse(text).offset(("a", 1, "missing")) == parse(text).offset(("a", 1))


@pytest.mark.parametrize(
    ("link", "safe"),
    [
        ("https://example.com/a?b=1#c", "https://example.com/a?b=1#c"),
        ("HTTPS://example.com", "HTTPS://example.com"),
        ("example.com/x", "https://example.com/x"),
        ("пример.рф", "https://пример.рф"),
        ("mailto:a@b.c", "mailto:a@b.c"),
        ("tg://resolve?domain=x", "tg://resolve?domain=x"),
        ("javascript:alert(1)", None),
        ("java.script:alert(1)", None),
        ("https:///path", None),
        ("//example.com", None),
        ("file:///etc/passwd", None),
        ("https://a b", None),
        ("x" * 3_000, None),
        ("", None),
    ],
)
def test_links(link: str, safe: str | None) -> None:
    assert safe_link(link) == safe


@pytest.mark.parametrize(
    ("link", "fits"),
    [
        ("https://example.com", True),
        ("example.com:8080/a?b", True),
        ("http://127.0.0.1:8001/", True),
        ("https://[::1]/", True),
        ("https://user:secret@пример.рф?x", True),
        ("tg://resolve?domain=x", True),
        ("https://localhost/x", False),
        ("http://localhost:8001", False),
        ("https://example", False),
        ("https://example/a.b", False),
        ("https://example.com:99999/", False),
        ("https://example.com:0", False),
        ("https://example.com:", False),
        ("https://example.com:80x/", False),
        ("https://exa[mple.com", False),
        ("https://ex%4mple.com", False),
        ("https://./", False),
        ("mailto:a@b.c", False),
    ],
)
def test_links_of_buttons_are_those_that_telegram_takes(link: str, *, fits: bool) -> None:
    assert (button_link(link) is not None) == fits
    try:
        checked_link(link)
    except BadUrl:
        assert not fits


def test_a_web_app_needs_https() -> None:
    assert safe_link("http://example.com", APP_SCHEMES) is None


async def test_a_change_is_told_once(tmp_path: Path) -> None:
    stop = asyncio.Event()
    seen: list[frozenset[str]] = []

    async def watch() -> None:
        async for bundle in changes(tmp_path, stop):
            seen.append(bundle)
            stop.set()

    task = asyncio.create_task(watch())
    # The watcher needs a moment to begin; it is done when it has seen one of our saves.
    for number in range(100):
        (tmp_path / sync.NAME).write_text(str(number))
        files.write(tmp_path, "a/m.md", str(number).encode())
        await asyncio.wait([task], timeout=0.1)
        if task.done():
            break
    await task
    assert seen
    assert all(sync.NAME not in name and ".tmp" not in name for name in seen[0])
