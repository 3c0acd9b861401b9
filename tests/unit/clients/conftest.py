"""Clients run on both loops: their transports differ in when they tell us what."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each test of this folder on asyncio's own loop and on the one that production uses."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
