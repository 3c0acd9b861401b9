"""What every test may ask for: a database of each kind, a clock that stands still.

`database` runs a test twice, on a SQLite file and on a real PostgreSQL server. One server serves
the whole run (all workers of pytest-xdist); no test sees what another has left in its database.
"""

import compileall
import gc
import importlib
import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from sqlalchemy import MetaData, create_mock_engine, event

import compiled
import dripline
import sharing
from dripline.clock import VirtualClock
from dripline.database import Base, Database
from dripline.database.upgrade import known_versions
from postgres import (
    PostgresMissing,
    PostgresServer,
    end_shared_server,
    quickest_folder,
    shared_server,
)

# The same examples at each run, so that a red suite is red again; DRIPLINE_EXPLORE=1 looks for new.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("explore" if os.environ.get("DRIPLINE_EXPLORE") else "repeatable")

TEMPLATE = "dripline_template"
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
_numbers = itertools.count()
_spare: list[tuple[str, str]] = []  # PostgreSQL databases that no test has just now, each's shape
compiled.share()


def pytest_configure(config: pytest.Config) -> None:
    """Compile the program once, for tests start it a few hundred times; keep files in memory.

    A process that is killed leaves its files the same there as on a disk; what a power cut leaves,
    the tests of it bring about themselves.
    """
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(dripline.__file__).parent, quiet=2)
        os.environ.setdefault("TMPDIR", str(quickest_folder()))
        tempfile.tempdir = None  # to be looked up again


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker begin with what takes long."""
    if hasattr(config, "workerinput"):
        items[:] = sharing.spread(items, config.workerinput["workercount"])


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking through modules and tests again and again."""
    gc.set_threshold(10_000)
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run's PostgreSQL, once all workers are done."""
    if not hasattr(config, "workerinput"):
        end_shared_server(os.getpid())


@pytest.fixture(autouse=True)
def own_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees how another has set up its logs; a logger that is cached would keep to it."""
    configure = structlog.configure

    def without_a_cache(**given: Any) -> None:
        configure(**{**given, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", without_a_cache)
    yield
    structlog.reset_defaults()


def models() -> MetaData:
    """Return the metadata with the tables of every room."""
    for file in sorted(Path(dripline.__file__).parent.glob("*/models.py")):
        importlib.import_module(f"dripline.{file.parent.name}.models")
    return Base.metadata


def schema(dialect: str) -> str:
    """Return the statements that make all tables on `sqlite` or `postgresql`."""
    statements: list[str] = []

    def keep(statement: Any, *_: Any, **__: Any) -> None:
        statements.append(str(statement.compile(dialect=engine.dialect)).strip())

    engine = create_mock_engine(f"{dialect}://", keep)
    models().create_all(engine, checkfirst=False)
    # As the migrations leave it: `dripline run` on such a database has nothing to make.
    statements.append(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    statements.append(f"INSERT INTO alembic_version VALUES ('{known_versions()[-1]}')")
    return ";\n".join([*statements, ""])


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows."""
    file = tmp_path_factory.mktemp("template") / "template.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript(schema("sqlite"))
    connection.close()
    return file


@pytest.fixture(scope="session")
def fast_postgres(request: pytest.FixtureRequest) -> PostgresServer:
    """The run's PostgreSQL server, without fsync: fast, and not for tests that kill it."""
    owner = os.getppid() if hasattr(request.config, "workerinput") else os.getpid()
    try:
        return shared_server(owner, schema("postgresql"), TEMPLATE)
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """A durable PostgreSQL server of this test's own, to be killed and started again.

    `create_database(name, TEMPLATE)` makes a database with all tables.
    """
    folder = Path(tempfile.mkdtemp(prefix="dripline-durable-"))
    folder.chmod(0o711)
    try:
        server = PostgresServer.create(folder / "server", durable=True)
    except PostgresMissing as missing:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(str(missing))
    try:
        server.create_database(TEMPLATE)
        server.sql(schema("postgresql"), TEMPLATE)
        yield server
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """The address of a fresh SQLite file with all tables."""
    file = tmp_path / "dripline.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(fast_postgres: PostgresServer) -> Iterator[str]:
    """The address of a PostgreSQL database with all tables and no rows.

    It serves one test after the other, unless one has changed more in it than rows.
    """
    if not _spare:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        fast_postgres.create_database(name, TEMPLATE)
        _spare.append((name, fast_postgres.shape(name)))
    name, shape = _spare.pop()
    yield fast_postgres.url(name)
    if fast_postgres.empty_database(name) == shape:
        _spare.append((name, shape))
    else:
        fast_postgres.drop_database(name)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh database with all tables, of each kind in turn."""
    return str(request.getfixturevalue({"sqlite": "sqlite_url"}.get(request.param, "postgres_url")))


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("fast_postgres")
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database with all tables, of each kind in turn."""
    opened = Database.from_url(database_url)
    if opened.is_sqlite:
        for engine in (opened.writer, opened.reader):
            event.listen(engine.sync_engine, "connect", _without_sync)
    yield opened
    await opened.close()


def _without_sync(connection: Any, _entry: object) -> None:
    # No test that asks for `database` cuts the power; syncing would be most of its time.
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands at a Monday noon until a test moves it."""
    return VirtualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
