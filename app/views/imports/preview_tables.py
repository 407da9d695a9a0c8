"""Chart data and tables of previews."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd

from app.ui import columns
from app.ui.columns import Column
from app.views.imports.choices import Choices
from app.views.imports.previews import Preview, convert_cost
from tally.core.records import CostRecord

FIRST_REJECTED = 200
TOTAL_NAMES = ("provider", "billed", "estimated", "included", "unpriced", "records")


def daily_frame(preview: Preview) -> pd.DataFrame:
    """Spend for the chart: date, provider, cost."""
    keys = sorted(preview.daily)
    return pd.DataFrame(
        {
            "date": pd.to_datetime([day for day, _ in keys]),
            "provider": [provider for _, provider in keys],
            "cost": [float(preview.daily[key]) for key in keys],
        }
    )


def describe_totals(preview: Preview, labels: Mapping[str, str]) -> pd.DataFrame:
    """Totals by provider, most expensive first, without unused columns, for `total_columns`."""
    ordered = sorted(preview.totals.items(), key=lambda item: item[1].spent, reverse=True)
    lines = [
        {
            "provider": labels.get(provider, provider),
            "billed": total.billed,
            "estimated": total.estimated,
            "included": total.included,
            "unpriced": total.unpriced,
            "records": total.records,
        }
        for provider, total in ordered
    ]
    together = preview.total
    unused = [name for name in ("estimated", "included", "unpriced") if not getattr(together, name)]
    return pd.DataFrame(lines, columns=list(TOTAL_NAMES), dtype=object).drop(columns=unused)


def total_columns(currency: str) -> dict[str, Column]:
    """The columns of `describe_totals`."""
    return {
        "provider": columns.name("Provider"),
        "billed": columns.money("Billed", currency),
        "estimated": columns.money("Estimated", currency, "Tokens at your custom prices or list prices"),
        "included": columns.money("Included", currency, "Covered by a subscription, so not in spend"),
        "unpriced": columns.count("No price", "Records without a known price, excluded from totals"),
        "records": columns.count("Records"),
    }


def describe_first_rows(preview: Preview, labels: Mapping[str, str], choices: Choices) -> pd.DataFrame:
    """The first records as they will be saved, for `first_row_columns`."""
    zone = ZoneInfo(choices.timezone)
    lines = [
        {
            "when": _read_moment(record),
            "provider": record.metadata.get("provider_name") or labels.get(record.provider, record.provider),
            "model": record.model_name,
            "cost": convert_cost(record, zone, choices.currency),
            "tokens": record.tokens_used,
            "requests": record.request_count,
            "note": record.metadata.get("note") or "",
        }
        for record in preview.first_records
    ]
    return pd.DataFrame(lines, dtype=object)


def first_row_columns(choices: Choices) -> dict[str, Column]:
    """The columns of `describe_first_rows`."""
    return {
        "when": columns.instant("When", ZoneInfo(choices.timezone)),
        "provider": columns.name("Provider"),
        "model": columns.name("Model"),
        "cost": columns.money("Cost", choices.currency.code),
        "tokens": columns.count("Tokens", is_compact=True),
        "requests": columns.requests(),
        "note": columns.text("Note"),
    }


def _read_moment(record: CostRecord) -> date:
    """A datetime, or a date where the record covers a whole day."""
    return record.day or record.timestamp
