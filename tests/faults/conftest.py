"""How much is done to the program: a little in each run, the full matrix by a flag."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outside.standin import StandIn

FULL_ROUNDS = 200


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the full matrix the time it takes."""
    if os.environ.get("DRIPLINE_FAULT_ROUNDS") is None:
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(7200), append=False)


@pytest.fixture(scope="session")
def rounds() -> Callable[[int], int]:
    """How many rounds a campaign has: its own number, or `DRIPLINE_FAULT_ROUNDS` (200: full)."""
    wanted = os.environ.get("DRIPLINE_FAULT_ROUNDS")

    def of(usually: int) -> int:
        return usually if wanted is None else int(wanted)

    return of


@pytest.fixture
def telegram(tmp_path: Path) -> Iterator[StandIn]:
    """A Bot API that records and fails."""
    with StandIn(tmp_path) as started:
        yield started
