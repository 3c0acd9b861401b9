"""Draft the next step of the schema: what the tables have and the steps so far do not.

    make migration NAME=0002_what_changes

Read what it wrote: Alembic cannot see renames, `WITHOUT ROWID` or storage parameters.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import Connection

from dripline.database import Database, Id, Json, UtcDateTime
from dripline.database.upgrade import MIGRATIONS, alembic_config, upgrade
from dripline.wiring.models import import_models


def render(kind: str, item: Any, context: Any) -> str | bool:
    """Write our own column types by their names."""
    if kind == "type" and isinstance(item, Id | Json | UtcDateTime):
        context.imports.add("from dripline.database import Id, Json, UtcDateTime")
        return f"{type(item).__name__}()"
    return False


async def draft(name: str) -> None:
    """Bring an empty SQLite file to the newest step, then write down what is missing."""

    def write(connection: Connection) -> None:
        config = alembic_config(connection, metadata=import_models(), render=render)
        command.revision(config, message=name, rev_id=name, autogenerate=True)

    with tempfile.TemporaryDirectory() as folder:
        database = Database.from_url(f"sqlite:///{Path(folder) / 'draft.db'}")
        await upgrade(database)
        async with database.writer.begin() as connection:
            await connection.run_sync(write)
        await database.close()
    _tidy(MIGRATIONS / "versions" / f"{name}.py")


def _tidy(file: Path) -> None:
    text = re.sub(r"(?m)^ *# ###.*\n", "", file.read_text())
    used = [word for word in ("Id", "Json", "UtcDateTime") if f"{word}()" in text]
    imported = f"from dripline.database import {', '.join(used)}\n"
    file.write_text(
        re.sub(r"^from dripline.database import .*\n", imported, text, flags=re.MULTILINE)
    )
    for tidy in (("check", "--fix", "-q"), ("format", "-q")):
        subprocess.run([sys.executable, "-m", "ruff", *tidy, str(file)], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.fullmatch(r"\d{4}_[a-z0-9_]+", sys.argv[1]):
        sys.exit("Name the step, such as 0002_email: make migration NAME=0002_email")
    asyncio.run(draft(sys.argv[1]))
