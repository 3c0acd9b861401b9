"""Push a folder of content into a running engine, once or whenever it changes."""

import asyncio
from pathlib import Path
from typing import Final

import structlog

from dripline.content.push import push
from dripline.content.watch import changes
from dripline.errors import DriplineError
from dripline.wiring.engine import Engine

log = structlog.get_logger()
_AGAIN_S: Final = 3.0


async def push_folder(engine: Engine, folder: Path, *, force: bool) -> None:
    """Push a folder; raises what `content.push` raises, and then nothing has changed."""
    pushed = await push(engine.database, folder, author="run", now=engine.clock.now(), force=force)
    for problem in pushed.warnings:
        log.warning("content.warning", problem=str(problem))
    changed = [change.title for change in pushed.changes]
    log.info("content.pushed", folder=folder.name, version=pushed.version, changed=changed)


async def follow(engine: Engine, folder: Path, *, force: bool) -> None:
    """Push a folder again whenever it changes; what is wrong is told, and the old content stays."""
    async for _changed in changes(folder):
        pushed = await _tried(engine, folder, force=force)
        while not pushed:
            await asyncio.sleep(_AGAIN_S)
            pushed = await _tried(engine, folder, force=force)


async def _tried(engine: Engine, folder: Path, *, force: bool) -> bool:
    """Push a folder; return False if that failed for a reason that is not in the folder.

    The database may be away for a while, and nobody saves the file again when it is back.
    """
    try:
        await push_folder(engine, folder, force=force)
    except DriplineError as error:
        log.error("content.refused", reason=error.message)
    except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
        log.error("content.not_pushed", error=repr(error)[:500])
        return False
    return True
