"""Runs the sandbox on loopback inside this process: for tests, demos and `python -m`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from dripline.sandbox.app import SandboxApp
from dripline.serving import Server, listen


@asynccontextmanager
async def serving(app: SandboxApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; yields the address, such as `http://127.0.0.1:8081`.

    Port 0 takes a free one. Raises OSError if the port is taken.
    """
    listener = listen(host, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,  # as long as the real server's: bots keep idle connections
        server_header=False,
    )
    server = Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.ready.wait()
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        await app.state.sandbox.close()
        server.should_exit = True
        await running
        listener.close()
