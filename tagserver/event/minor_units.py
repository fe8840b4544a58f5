"""Amounts of money in minor units, as payment services write them: 1999 of EUR are 19.99, 1999 of JPY are 1999.

How many minor units make one of a currency: Stripe's tables of currencies without and with three decimals.
"""

from __future__ import annotations

from decimal import Decimal

WITHOUT_DECIMALS = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
    )
)
THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
LARGEST = 10**15
"""Amounts from here on are no money, and a float would not hold them exactly."""


def decimals(currency: str) -> int:
    """How many decimals a currency has; `currency` by ISO 4217, in any case."""
    code = currency.strip().upper()
    if code in WITHOUT_DECIMALS:
        return 0
    return 3 if code in THREE_DECIMALS else 2


def minor_units(amount: object, currency: object) -> float | None:
    """An amount in minor units as a number of the currency itself, with no more digits than the currency has. None when
    it is no whole number, or when nobody says of what currency."""
    if type(amount) is not int or abs(amount) >= LARGEST or type(currency) is not str or not currency.strip():
        return None
    return float(Decimal(amount).scaleb(-decimals(currency)))
