"""Push a folder of content into a running engine, once or whenever it changes."""

from pathlib import Path

import structlog

from dripline.content.push import push
from dripline.content.watch import changes
from dripline.errors import DriplineError
from dripline.wiring.engine import Engine

log = structlog.get_logger()


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
        try:
            await push_folder(engine, folder, force=force)
        except DriplineError as error:
            log.error("content.refused", reason=error.message)
