"""Amounts as people write them become whole numbers of the smallest unit, and back."""

import pytest

from dripline.errors import Invalid
from dripline.payments.money import currency_of, units_of, written


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("1500", "RUB", 150_000),
        ("14.90", "USD", 1_490),
        ("14,9", "EUR", 1_490),
        ("1 500", "RUB", 150_000),
        ("500", "XTR", 500),
        ("1.234", "KWD", 1_234),
        ("0.01", "USD", 1),
    ],
)
def test_amounts_are_read(text: str, currency: str, units: int) -> None:
    assert units_of(text, currency) == units


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "RUB"), ("free", "RUB"), ("0", "RUB"), ("-5", "RUB"), ("NaN", "RUB"), ("inf", "RUB"),
        ("1e99", "RUB"), ("0.001", "USD"), ("1.5", "XTR"), ("1.500,00", "EUR"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(Invalid) as wrong:
        units_of(text, currency)
    assert wrong.value.code == "INVALID_AMOUNT"


def test_amounts_are_written() -> None:
    assert written(150_000, "RUB") == "1,500.00 RUB"
    assert written(500, "XTR") == "500 XTR"


def test_a_currency_has_three_letters() -> None:
    assert currency_of(" rub ") == "RUB"
    for wrong in ("", "R", "рубль", "US$"):
        with pytest.raises(Invalid):
            currency_of(wrong)
