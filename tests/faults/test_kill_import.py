"""An import of contacts whose process is killed half way, on both databases.

Whole pages have come; the same file completes them, and nothing comes twice.
"""

from pathlib import Path

import pytest

from outside.evidence import Ask, count, of_postgres, of_sqlite
from outside.program import Programs
from postgres import PostgresServer

PEOPLE = 6_000
PAGE = 2_000


def write_people(file: Path) -> Path:
    rows = "".join(f"{n},p{n}@example.com,yes,a;b\n" for n in range(1, PEOPLE + 1))
    file.write_text(f"telegram_id,email,email_consent,tags\n{rows}")
    return file


def kill_half_way(root: Path, url: str, ask: Ask) -> None:
    people = "SELECT count(*) FROM contacts"
    with Programs(root, database_url=url) as programs:
        assert programs.ask("db", "upgrade").returncode == 0
        file = str(write_people(root / "people.csv"))
        importing = programs.start("contacts", "import", file)
        importing.wait_for(lambda: count(ask, people), 60)
        importing.kill()
        half = count(ask, people)
        assert half % PAGE == 0
        done = programs.ask("contacts", "import", file)
        assert done.returncode == 0, done.stderr
        assert f"{half:,}  contacts known before" in done.stdout
    assert count(ask, people) == PEOPLE
    for table in ("addresses", "contact_tags"):
        assert count(ask, f"SELECT count(*) FROM {table}") == 2 * PEOPLE
    for table in ("consent_log", "events"):
        assert count(ask, f"SELECT count(*) FROM {table}") == PEOPLE


def test_an_import_goes_on_after_a_kill_on_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    kill_half_way(tmp_path, f"sqlite:///{file}", of_sqlite(file))


@pytest.mark.postgres
def test_an_import_goes_on_after_a_kill_on_postgresql(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = postgres_server.create_database("kept")
    kill_half_way(tmp_path, url, of_postgres(postgres_server, "kept"))
