"""How the workers of a run (pytest-xdist) share its tests."""

import itertools
from collections.abc import Sequence

import pytest


def spread(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests so that each worker's share begins with its part of the slow files.

    Workers take equal shares from one list, then from each other's ends: whatever is slow and comes
    last would be waited for. A file stays together, for its tests may have one set-up.
    """
    files = [list(tests) for _, tests in itertools.groupby(items, lambda item: item.path)]
    slow = [tests for tests in files if any(one.get_closest_marker("slow") for one in tests)]
    quick = [one for tests in files if tests not in slow for one in tests]
    order: list[pytest.Item] = []
    for number in range(workers):
        ours = [one for tests in slow[number::workers] for one in tests]
        # As many as the scheduler will give it: what is left, by those who have got nothing yet.
        wanted = (len(items) - len(order)) // (workers - number) - len(ours)
        order += ours + quick[: max(0, wanted)]
        del quick[: max(0, wanted)]
    return order + quick
