"""What was out of the ordinary, in sentences: pure functions over what the night flagged.

Names in the sentences come from outside: show them as text.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

import pandas as pd

from app.figures.currencies import Currency
from app.figures.spend import select_money
from app.formats.dates import format_short_day
from app.formats.money import format_money

Row = Mapping[str, Any]

LEAST_SHARE = Decimal("0.15")  # of the difference; smaller reasons are not worth a word
MOST = Decimal("0.6")
REASONS_SAID = 3
LONGEST_NAME = 60
REASONS = {  # for a part that adds, and for one that takes away
    "volume": ("more use", "less use"),
    "mix": ("a dearer mix of models", "a cheaper mix of models"),
    "cache": ("less from the cache", "more from the cache"),
    "price": ("a higher price per token", "a lower price per token"),
    "rest": ("costs without token counts", "fewer costs without token counts"),
}


@dataclass(frozen=True, slots=True)
class Unusual:
    """A sentence about a day, and the rows that it stands for."""

    day: date
    sentence: str
    row_ids: tuple[str, ...]


def select_true(rows: Iterable[Row], daily: pd.DataFrame, slugs: Mapping[str, str]) -> list[Row]:
    """The rows that today's records bear out; what changed since the night looked is judged again tonight.

    `daily` has every day since the first of the rows; `slugs` is provider id -> slug.
    """
    money = select_money(daily)
    by_day: dict[tuple[date, str | None], Decimal] = defaultdict(Decimal)
    by_model: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    columns = (money["date"].dt.date, money["provider"], money["model"], money["cost_usd"])
    for day, provider, model, cost in zip(*columns, strict=True):
        if cost is not None:
            by_day[day, provider] += cost
            by_day[day, None] += cost
            by_model[model].append((day, cost))

    def is_true(row: Row) -> bool:
        if row["kind"] == "new_model":
            costs = [cost for day, cost in by_model[row["model_name"]] if day >= row["day"]]
            return sum(costs, Decimal(0)) >= Decimal(row["actual_usd"])
        slug = slugs.get(row["provider_id"], "") if row["provider_id"] else None
        return by_day[row["day"], slug] == Decimal(row["actual_usd"])

    return [row for row in rows if is_true(row)]


def describe_unusual(
    rows: Iterable[Row], providers: Mapping[str, str], currency: Currency, today: date
) -> list[Unusual]:
    """The rows that nobody muted as sentences, newest first; `providers` is id -> name."""
    shown = sorted((row for row in rows if not row["muted_at"]), key=lambda row: row["day"], reverse=True)
    found = []
    for _, group in groupby(shown, key=lambda row: row["day"]):
        day = list(group)
        found += [_describe_spend(led, providers, currency, today) for led in _gather(day)]
        found += [_describe_model(row, currency, today) for row in day if row["kind"] == "new_model"]
    return found


def _gather(day: Sequence[Row]) -> list[list[Row]]:
    """Rows of a day that say one thing: a total, and behind it the providers that went the same way."""
    spend = [row for row in day if row["kind"] == "spend"]
    total = next((row for row in spend if not row["provider_id"]), None)
    if total is None:
        return [[row] for row in spend]
    alike = [row for row in spend if row["provider_id"] and _is_above(row) == _is_above(total)]
    apart = [row for row in spend if row["provider_id"] and _is_above(row) != _is_above(total)]
    return [[total, *alike], *([row] for row in apart)]


def _describe_spend(
    led: Sequence[Row], providers: Mapping[str, str], currency: Currency, today: date
) -> Unusual:
    row, *behind = led
    day, difference = row["day"], _difference(row)

    def money(amount_usd: Decimal) -> str:
        return format_money(currency.convert(amount_usd, day), currency.code)

    about = f", {providers.get(row['provider_id'], 'a provider')}" if row["provider_id"] else ""
    said = f"{format_short_day(day, today)}{about}: {money(row['actual_usd'])}, "
    said += f"usually {money(row['actual_usd'] - difference)}."
    reasons = [f"{name} ({'+' if part > 0 else ''}{money(part)})" for name, part in _name_reasons(row)]
    if reasons:
        said += f" {_sentence(reasons)}"
    most = (
        next((one for one in behind if _difference(one) / difference >= MOST), None) if difference else None
    )
    if most:
        said += f" Most of it at {providers.get(most['provider_id'], 'one provider')}."
    return Unusual(day, said, tuple(str(one["id"]) for one in led))


def _describe_model(row: Row, currency: Currency, today: date) -> Unusual:
    parts = row["attribution"]
    spent = sum(parts.values(), Decimal(0))
    share = f", {row['actual_usd'] / spent:.0%} of all spend since" if spent > 0 else ""
    cost = format_money(currency.convert(row["actual_usd"], row["day"]), currency.code)
    said = (
        f"{format_short_day(row['day'], today)}: {_shorten(row['model_name'])} is new. It cost {cost}{share}."
    )
    return Unusual(row["day"], said, (str(row["id"]),))


def _name_reasons(row: Row) -> list[tuple[str, Decimal]]:
    parts = {name: part for name, part in row["attribution"].items() if name in REASONS}
    least = LEAST_SHARE * abs(_difference(row))
    large = sorted(parts.items(), key=lambda item: -abs(item[1]))[:REASONS_SAID]
    return [(REASONS[name][part < 0], part) for name, part in large if part and abs(part) >= least]


def _shorten(name: str) -> str:
    plain = " ".join(name.split())
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}…"


def _sentence(reasons: Sequence[str]) -> str:
    *first, last = reasons
    said = f"{', '.join(first)} and {last}" if first else last
    return f"{said[0].upper()}{said[1:]}."


def _difference(row: Row) -> Decimal:
    """By how much a day differs from the usual: what its parts add up to."""
    return sum(row["attribution"].values(), Decimal(0))


def _is_above(row: Row) -> bool:
    return bool(row["actual_usd"] > row["expected_usd"])
