"""Tell when a content folder has changed: for `run --watch`."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from watchfiles import Change, awatch

from dripline.content import sync

_DEBOUNCE_MS: Final = 300  # an editor saves a file in several steps, a checkout many files


async def changes(root: Path, stop: asyncio.Event | None = None) -> AsyncIterator[frozenset[str]]:
    """Yield the names of files that were changed, in bundles, until `stop` is set.

    The first bundle may be empty: it says that the folder is watched from now on, so that whatever
    changed while that was set up can be looked for.
    Our own marker and temporary files do not count; what a push or pull writes says nothing new.
    """
    base = await asyncio.to_thread(root.resolve)

    def ours(_change: Change, path: str) -> bool:
        name = Path(path).name
        return name != sync.NAME and not name.startswith((".dripline-", ".git")) and name[-1] != "~"

    watched = False
    async for bundle in awatch(
        base,
        watch_filter=ours,
        debounce=_DEBOUNCE_MS,
        step=50,
        stop_event=stop,
        rust_timeout=1000,
        yield_on_timeout=True,
        recursive=True,
    ):
        if bundle or not watched:
            watched = True
            yield frozenset(_relative(base, path) for _, path in bundle)


def _relative(base: Path, path: str) -> str:
    found = Path(path)
    return str(found.relative_to(base)) if found.is_relative_to(base) else path
