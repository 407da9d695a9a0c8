"""Tables of the comparison of bills with estimates, and of each source's statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd

from app.figures.source_names import describe_dataset, describe_source
from app.formats.money import format_money
from app.parts.record_labels import BASES, IN_TOTALS, describe_use
from app.ui import columns
from app.ui.columns import Column
from tally.core.records import NO_MODEL
from tally.ledger.reconcile import Variance
from tally.ledger.statements import Statement, Unit, find_bill, group_units, list_estimators

ALL_MODELS = "All models"
PART_NAMES = {
    "volume": ("Volume", "Usage that only one of the two reports: retries, other machines, other tools"),
    "cache": ("Cache", "Cached tokens billed differently than estimated"),
    "tier": ("Tier", "Batch, long context, and priority or flex service"),
    "tax": ("Tax", "Taxes on the bill"),
    "credits": ("Credits", "Credits and adjustments on the bill"),
    "rest": ("Rest", "Discounts, other prices, and what the data doesn't explain"),
}


def format_difference(amount: Decimal, currency: str) -> str:
    """An amount with its sign."""
    return f"{'+' if amount > 0 else ''}{format_money(amount, currency)}"


def describe_parts(variance: Variance) -> pd.DataFrame:
    """The parts of a variance that are not zero, for `part_columns`."""
    lines = [
        {"part": PART_NAMES[name][0], "amount": part, "meaning": PART_NAMES[name][1]}
        for name, part in variance.parts.items()
        if part
    ]
    return pd.DataFrame(lines, columns=["part", "amount", "meaning"], dtype=object)


def part_columns(currency: str) -> dict[str, Column]:
    """The columns of `describe_parts`."""
    return {
        "part": columns.text("Part"),
        "amount": _difference("Amount", currency),
        "meaning": columns.text("Meaning"),
    }


def describe_units(variances: Mapping[Unit, Variance], statements: Sequence[Statement]) -> pd.DataFrame:
    """One row per day and model, newest first, without parts that are zero everywhere, for `unit_columns`."""
    units = group_units(statements)
    newest = sorted(variances.items(), key=lambda item: (-item[0].day.toordinal(), item[0].model))
    lines = [
        {
            "day": unit.day,
            "model": unit.model or ALL_MODELS,
            "billed": variance.billed_usd,
            "estimated": variance.estimated_usd,
            "difference": variance.total,
            **{name: part or None for name, part in variance.parts.items()},
            "money_from": describe_dataset(find_bill(units[unit]) or _find_estimate(units[unit])),
            "unpriced": variance.unpriced_records or None,
        }
        for unit, variance in newest
    ]
    frame = pd.DataFrame(lines, dtype=object)
    return frame.drop(columns=[name for name in (*PART_NAMES, "unpriced") if frame[name].isna().all()])


def unit_columns(currency: str) -> dict[str, Column]:
    """The columns of `describe_units`."""
    return {
        "day": columns.day("Day"),
        "model": columns.name("Model"),
        "billed": columns.money("Billed", currency),
        "estimated": columns.money("Estimated", currency),
        "difference": _difference("Difference", currency),
        **{name: _difference(title, currency) for name, (title, _) in PART_NAMES.items()},
        "money_from": columns.text("Money from"),
        "unpriced": columns.count("No price", "Records without a known price"),
    }


def _difference(label: str, currency: str) -> Column:
    return columns.number(label, partial(format_difference, currency=currency))


def _find_estimate(statements: Sequence[Statement]) -> str:
    estimators = (statement.dataset for statement in statements if statement.money_is_effective)
    return next(estimators, next(iter(list_estimators(statements)), ""))


def describe_statements(rows: pd.DataFrame) -> pd.DataFrame:
    """Statements of each source by day and model, newest first, for `statement_columns`."""
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    records: Any = rows.to_dict("records")
    for row in records:
        key = row["day"], row["model_name"], row["import_id"] or "", row["dataset"], row["cost_basis"]
        grouped[key].append(row)
    newest = sorted(grouped.items(), key=lambda item: (-item[0][0].toordinal(), *item[0][1:]))
    return pd.DataFrame([_describe_group(group) for _, group in newest], dtype=object)


def statement_columns(currency: str) -> dict[str, Column]:
    """The columns of `describe_statements`."""
    return {
        "day": columns.day("Day"),
        "model": columns.name("Model"),
        "source": columns.name("Source"),
        "basis": columns.text("Basis"),
        "reported": columns.money("Reported", currency),
        "in_totals": IN_TOTALS,
        "tokens": columns.count("Tokens", is_compact=True),
        "requests": columns.requests(),
        "dataset": columns.text("Dataset"),
    }


def _describe_group(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = rows[0]
    known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    return {
        "day": first["day"],
        "model": ALL_MODELS if first["model_name"] == NO_MODEL else first["model_name"],
        "source": describe_source(first),
        "basis": BASES[first["cost_basis"]],
        "reported": sum(known, Decimal(0)) if known else None,
        "in_totals": _describe_use(rows),
        "tokens": sum(row["tokens"] for row in rows),
        "requests": sum(row["requests"] for row in rows),
        "dataset": describe_dataset(first["dataset"]),
    }


def _describe_use(rows: Sequence[Mapping[str, Any]]) -> str:
    has_money = any(row["money_is_effective"] for row in rows)
    has_tokens = any(row["tokens_are_effective"] for row in rows)
    # Partly: for some events, another source's statement is effective.
    is_partial = len({row["is_effective"] for row in rows}) > 1 and (has_money or has_tokens)
    return describe_use(has_money, has_tokens) + (", partly" if is_partial else "")
