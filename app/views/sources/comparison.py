"""Bills beside estimates: which accounts several sources speak about, and frames of what they say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial, reduce
from operator import add
from typing import Any

import pandas as pd

from app.formats.dates import format_day
from app.formats.money import format_money
from app.parts.source_names import describe_dataset, describe_source
from tally.core.records import NO_MODEL
from tally.ledger.reconcile import (
    Statement,
    Unit,
    Variance,
    explain_variance,
    find_bill,
    find_rates,
    group_units,
    list_estimators,
)

PART_NAMES = {
    "volume": ("Volume", "Usage that only one of the two saw: retries, other machines, other tools"),
    "cache": ("Cache", "Cached tokens, billed otherwise than estimated"),
    "tier": ("Tier", "Batch, long contexts and faster or slower service"),
    "tax": ("Tax", "Taxes on the bill"),
    "credits": ("Credits", "Credits and corrections on the bill"),
    "rest": ("Rest", "Discounts, other prices, and what the statements do not tell"),
}
BASES = {"billed": "Billed", "estimated": "Estimated", "included": "Worth"}
STATEMENT_FIELDS = (
    "day",
    "ledger",
    "model",
    "dataset",
    "cost_basis",
    "cost_usd",
    "charge_type",
    "token_type",
    "is_special",
    "stands",
    "has_money",
    "unpriced_records",
    "tokens",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "requests",
)


def list_shared_ledgers(said: pd.DataFrame) -> list[str]:
    """The accounts about which more than one source spoke on some day, the dearest first."""
    if said.empty:
        return []
    speakers = said.groupby(["ledger", "day"])[["import_id", "dataset"]].apply(
        lambda page: len(page.drop_duplicates())
    )
    shared = set(speakers[speakers > 1].index.get_level_values("ledger"))
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for ledger, cost in zip(said["ledger"], said["cost_usd"], strict=True):
        if ledger in shared:
            totals[ledger] += cost or 0
    return sorted(totals, key=lambda ledger: (-totals[ledger], ledger))


def parse_statements(said: pd.DataFrame) -> list[Statement]:
    """The lines of data.load_statements as reconciling takes them."""
    columns = [said[name] for name in STATEMENT_FIELDS]
    return [
        Statement(**dict(zip(STATEMENT_FIELDS, line, strict=True))) for line in zip(*columns, strict=True)
    ]


def select_compared(statements: Sequence[Statement]) -> list[Statement]:
    """Those of days on which an account has both a bill and an estimate."""
    bases = defaultdict(set)
    for said in statements:
        if said.stands:
            bases[said.ledger, said.day].add(said.cost_basis)
    return [said for said in statements if bases[said.ledger, said.day] >= {"billed", "estimated"}]


def explain_units(statements: Sequence[Statement], estimator: str) -> dict[Unit, Variance]:
    """Why each unit's bill is not what this dataset estimated, in order of day and model."""
    units = group_units(statements)
    return {
        unit: explain_variance(unit, units[unit], estimator, find_rates)
        for unit in sorted(units)
        if any(said.stands and said.cost_basis in ("billed", "estimated") for said in units[unit])
    }


def sum_up(variances: Mapping[Unit, Variance]) -> Variance:
    """All of them as one."""
    return reduce(add, variances.values(), Variance())


def describe_parts(variance: Variance, currency: str) -> pd.DataFrame:
    """A line for each part that is something: what it is, how much, and what that means."""
    lines = [
        {
            "Part": PART_NAMES[name][0],
            "Amount": format_difference(part, currency),
            "Means": PART_NAMES[name][1],
        }
        for name, part in variance.parts.items()
        if part
    ]
    return pd.DataFrame(lines, columns=["Part", "Amount", "Means"])


def describe_units(
    variances: Mapping[Unit, Variance], statements: Sequence[Statement], currency: str
) -> pd.DataFrame:
    """A line for each day and model, the newest first; parts that are nothing anywhere are left out."""
    money = partial(format_money, currency=currency)
    units = group_units(statements)
    lines = [
        {
            "Day": format_day(unit.day),
            "Model": unit.model or "all models",
            "Billed": money(variance.billed_usd),
            "Estimated": money(variance.estimated_usd),
            "Difference": format_difference(variance.total, currency),
            **{
                PART_NAMES[name][0]: format_difference(part, currency) if part else None
                for name, part in variance.parts.items()
            },
            "Money from": describe_dataset(find_bill(units[unit]) or _find_estimate(units[unit])),
            "No price": variance.unpriced_records or None,
        }
        for unit, variance in sorted(
            variances.items(), key=lambda item: (-item[0].day.toordinal(), item[0].model)
        )
    ]
    frame = pd.DataFrame(lines)
    optional = [*(name for name, _ in PART_NAMES.values()), "No price"]
    return frame.drop(columns=[name for name in optional if frame[name].isna().all()])


def _find_estimate(statements: Sequence[Statement]) -> str:
    return next(
        (said.dataset for said in statements if said.has_money), next(iter(list_estimators(statements)), "")
    )


def describe_said(said: pd.DataFrame, currency: str) -> pd.DataFrame:
    """What each source said of each day and model, the newest first, and what of it counts."""
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    lines: Any = said.to_dict("records")
    for line in lines:
        about = (
            line["day"],
            line["model_name"],
            line["import_id"] or "",
            line["dataset"],
            line["cost_basis"],
        )
        grouped[about].append(line)
    ordered = sorted(grouped.items(), key=lambda item: (-item[0][0].toordinal(), *item[0][1:]))
    return pd.DataFrame([_describe_line(group, currency) for _, group in ordered])


def _describe_line(lines: Sequence[Mapping[str, Any]], currency: str) -> dict[str, Any]:
    first = lines[0]
    known = [line["cost_usd"] for line in lines if line["cost_usd"] is not None]
    return {
        "Day": format_day(first["day"]),
        "Model": "all models" if first["model_name"] == NO_MODEL else first["model_name"],
        "Source": describe_source(first),
        "Basis": BASES[first["cost_basis"]],
        "Said": format_money(sum(known, Decimal(0)), currency) if known else None,
        "Counts": _describe_counting(lines),
        "Tokens": sum(line["tokens"] for line in lines),
        "Requests": sum(line["requests"] for line in lines),
        "Statement": describe_dataset(first["dataset"]),
    }


def _describe_counting(lines: Sequence[Mapping[str, Any]]) -> str:
    parts = [
        name
        for name, column in (("money", "has_money"), ("tokens", "has_tokens"))
        if any(line[column] for line in lines)
    ]
    is_part = len({line["stands"] for line in lines}) > 1  # of some events another source's word counts
    return " and ".join(parts) + (", in part" if is_part and parts else "") or "no"


def sum_days(variances: Mapping[Unit, Variance]) -> pd.DataFrame:
    """Billed and estimated of each day, as floats for a chart."""
    days: dict[Any, Variance] = defaultdict(Variance)
    for unit, variance in variances.items():
        days[unit.day] += variance
    return pd.DataFrame(
        {
            "Billed": [float(day.billed_usd) for day in days.values()],
            "Estimated": [float(day.estimated_usd) for day in days.values()],
        },
        index=pd.to_datetime(list(days)),
    )


def format_difference(amount: Decimal, currency: str) -> str:
    """An amount that says which way it goes."""
    return f"{'+' if amount > 0 else ''}{format_money(amount, currency)}"
