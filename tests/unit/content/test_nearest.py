"""What was meant: a slip of the keys, a part of it; nothing far-fetched."""

import pytest

from dripline.content.nearest import nearest

NAMES = ["first_name", "user_name", "payment_link", "email", "product_price", "course"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("frist_name", "first_name"),
        ("FirstName", "first_name"),
        ("emial", "email"),
        ("price", "product_price"),
        ("cours", "course"),
        ("courses", "course"),
        ("x", None),
        ("", None),
        ("shoe_size", None),
        ("car", None),
    ],
)
def test_is_found_or_not(written: str, meant: str | None) -> None:
    assert nearest(written, NAMES) == meant
