"""Amounts of a period as bars that lead into Explore."""

from collections.abc import Mapping

import pandas as pd

from app.formats.money import format_money
from app.ui.bar_list import Bar
from app.ui.theme import current_palette


def list_bars(
    totals: pd.Series,
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    currency: str,
    places: Mapping[str, str],
) -> list[Bar]:
    """Bars in the given order; `totals` maps name to money, `places` to the address it leads to."""
    longest = max(float(totals.max()), 0.0) or 1.0
    other = current_palette().other
    return [
        Bar(
            labels.get(str(name), str(name)),
            format_money(float(cost), currency),
            float(cost) / longest,
            colours.get(str(name), other),
            places.get(str(name), ""),
        )
        for name, cost in totals.items()
    ]
