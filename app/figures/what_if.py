"""What a total would be with more or less use of one model: pure, over what is stored of the forecast."""

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
    """The total when the use of a model, of which `part` is predicted, changes by `change` (-1 = none of it).

    What is spent and what renews stays; the range of the rest widens and narrows with it.
    """
    known = total["spent_usd"] + renewals
    amounts = (total["predicted_cost_usd"], total["lower_bound_80"], total["upper_bound_80"])
    usage = amounts[0] - known
    factor = 1 + change * min(max(part, ZERO), usage) / usage if usage > 0 else Decimal(1)
    return Outcome(*(known + max(amount - known, ZERO) * factor for amount in amounts))


def predict_part(
    own: Mapping[str, Any] | None, total: Mapping[str, Any], renewals: Decimal, share: Decimal
) -> Decimal:
    """How much of a total's usage to come is a model's: its own forecast, else its share of the last days."""
    if own is not None:
        return Decimal(own["predicted_cost_usd"] - own["spent_usd"])
    to_come = Decimal(total["predicted_cost_usd"] - total["spent_usd"]) - renewals
    return share * max(to_come, ZERO)


def calculate_shares(daily: pd.DataFrame) -> dict[str, Decimal]:
    """Each model's share of the metered money in a frame of daily costs, the largest first."""
    usage = daily[(daily["charge_type"] == "usage") & daily["amount"].notna()]
    spent: dict[str, Decimal] = {}
    for model, amount in zip(usage["model"], usage["amount"], strict=True):
        spent[str(model)] = spent.get(str(model), ZERO) + amount
    positive = {model: amount for model, amount in spent.items() if amount > 0}
    whole = sum(positive.values(), ZERO)
    return {model: positive[model] / whole for model in sorted(positive, key=lambda name: -positive[name])}
