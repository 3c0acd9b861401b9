"""Keys sort by the time they were made."""

from dripline.ids import new_id


def test_keys_are_version_7_and_differ() -> None:
    keys = [new_id() for _ in range(1000)]
    assert len(set(keys)) == 1000
    assert {(key.version, key.variant) for key in keys} == {(7, "specified in RFC 4122")}


def test_keys_sort_by_time() -> None:
    keys = []
    for _ in range(200):
        keys.append(new_id())
        sum(range(200))  # a few microseconds: the fraction's step is a quarter of one
    assert keys == sorted(keys)
