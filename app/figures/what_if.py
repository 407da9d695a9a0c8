"""A forecast total with more or less usage of one model."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import pandas as pd

ZERO = Decimal(0)


class Outcome(NamedTuple):
    """A total and its 80% range."""

    predicted: Decimal
    lower_80: Decimal
    upper_80: Decimal


def change_usage(total: Mapping[str, Any], renewals: Decimal, part: Decimal, change: Decimal) -> Outcome:
    """The total if a model's usage, predicted to cost `part`, changes by `change` (-1 removes it).

    Spend so far and renewals stay the same; the rest scales, its range included.
    """
    known = total["spent_usd"] + renewals
    amounts = (total["predicted_cost_usd"], total["lower_bound_80"], total["upper_bound_80"])
    usage = amounts[0] - known
    factor = 1 + change * min(max(part, ZERO), usage) / usage if usage > 0 else Decimal(1)
    return Outcome(*(known + max(amount - known, ZERO) * factor for amount in amounts))


def predict_part(
    own: Mapping[str, Any] | None, total: Mapping[str, Any], renewals: Decimal, share: Decimal
) -> Decimal:
    """The part of a total's remaining usage that a model causes: its own forecast, else its recent share."""
    if own is not None:
        return Decimal(own["predicted_cost_usd"] - own["spent_usd"])
    remaining = Decimal(total["predicted_cost_usd"] - total["spent_usd"]) - renewals
    return share * max(remaining, ZERO)


def calculate_shares(daily: pd.DataFrame) -> dict[str, Decimal]:
    """Each model's share of metered spend, largest first."""
    usage = daily[(daily["charge_type"] == "usage") & daily["amount"].notna()]
    spent: dict[str, Decimal] = {}
    for model, amount in zip(usage["model"], usage["amount"], strict=True):
        spent[str(model)] = spent.get(str(model), ZERO) + amount
    positive = {model: amount for model, amount in spent.items() if amount > 0}
    whole = sum(positive.values(), ZERO)
    return {model: positive[model] / whole for model in sorted(positive, key=lambda name: -positive[name])}
