"""Amounts of money: whole numbers of the smallest unit, and how people write them."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from dripline.errors import Invalid

INVALID_AMOUNT = "INVALID_AMOUNT"
# ISO 4217's exceptions from two decimals that Telegram or our providers take; XTR: Stars.
_DECIMALS: Final = {
    "CLP": 0, "ISK": 0, "JPY": 0, "KRW": 0, "PYG": 0, "UGX": 0, "VND": 0, "XTR": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
_MOST: Final = Decimal(10) ** 12


def currency_of(written: str) -> str:
    """Return a currency's code of three letters. Raises Invalid (INVALID_AMOUNT)."""
    code = written.strip().upper()
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise Invalid(
            f"“{written[:20]}” is no currency; write its three letters, such as RUB or USD.",
            code=INVALID_AMOUNT,
        )
    return code


def units_of(written: str, currency: str) -> int:
    """Return an amount such as `1500` or `14.90` in the smallest unit of a currency.

    Raises Invalid (INVALID_AMOUNT) for what is no amount, is not more than nothing, or is finer
    than the currency.
    """
    decimals = _DECIMALS.get(currency, 2)
    try:
        amount = Decimal(re.sub(r"[\s\u00a0_]", "", written).replace(",", "."))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 < amount <= _MOST:
        raise Invalid(
            f"“{written[:40]}” is no amount; write one such as 1500 or 14.90.", code=INVALID_AMOUNT
        )
    units = amount.scaleb(decimals)
    if units != units.to_integral_value():
        raise Invalid(
            f"{currency} has {decimals} decimals; {written[:40]} has more.", code=INVALID_AMOUNT
        )
    return int(units)


def written(amount: int, currency: str) -> str:
    """Return an amount as people read it, such as `14.90 USD`."""
    decimals = _DECIMALS.get(currency, 2)
    return f"{Decimal(amount).scaleb(-decimals):,.{decimals}f} {currency}"
