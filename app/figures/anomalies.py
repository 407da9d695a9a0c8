"""Sentences about outliers: pure functions over the anomalies that the nightly run stored.

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

Row = Mapping[str, Any]  # a row of the table `anomalies`

MIN_REASON_SHARE = Decimal("0.15")  # of the difference
MAIN_PROVIDER_SHARE = Decimal("0.6")  # of the difference
MAX_REASONS = 3
MAX_NAME_LENGTH = 60
REASONS = {  # texts for an increase and a decrease
    "volume": ("more use", "less use"),
    "mix": ("a more expensive mix of models", "a cheaper mix of models"),
    "cache": ("less from the cache", "more from the cache"),
    "price": ("a higher price per token", "a lower price per token"),
    "rest": ("costs without token counts", "fewer costs without token counts"),
}


@dataclass(frozen=True, slots=True)
class AnomalySummary:
    """A sentence about a day, and the ids of the anomalies that it covers."""

    day: date
    sentence: str
    row_ids: tuple[str, ...]


def select_confirmed(rows: Iterable[Row], daily: pd.DataFrame, slugs: Mapping[str, str]) -> list[Row]:
    """The anomalies that current records confirm; the next nightly run re-evaluates changed days.

    `daily` has every day since the first of the rows; `slugs` maps provider id to slug.
    """
    by_day: dict[tuple[date, str | None], Decimal] = defaultdict(Decimal)
    by_model: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    money = select_money(daily)
    columns = (money["date"].dt.date, money["provider"], money["model"], money["cost_usd"])
    for day, provider, model, cost in zip(*columns, strict=True):
        if cost is not None:
            by_day[day, provider] += cost
            by_day[day, None] += cost
            by_model[model].append((day, cost))

    def is_confirmed(row: Row) -> bool:
        if row["kind"] == "new_model":
            costs = [cost for day, cost in by_model[row["model_name"]] if day >= row["day"]]
            return sum(costs, Decimal(0)) >= Decimal(row["actual_usd"])
        slug = slugs.get(row["provider_id"], "") if row["provider_id"] else None
        return by_day[row["day"], slug] == Decimal(row["actual_usd"])

    return [row for row in rows if is_confirmed(row)]


def describe_anomalies(
    rows: Iterable[Row], providers: Mapping[str, str], currency: Currency, today: date
) -> list[AnomalySummary]:
    """Sentences about all anomalies that are not muted, newest first; `providers` maps id to name."""
    shown = sorted((row for row in rows if not row["muted_at"]), key=lambda row: row["day"], reverse=True)
    found = []
    for _, group in groupby(shown, key=lambda row: row["day"]):
        day = list(group)
        spend = [row for row in day if row["kind"] == "spend"]
        found += [_describe_spend(related, providers, currency, today) for related in _group_related(spend)]
        found += [_describe_new_model(row, currency, today) for row in day if row["kind"] == "new_model"]
    return found


def _group_related(spend: Sequence[Row]) -> list[list[Row]]:
    """Group a day's total with the providers that deviate in the same direction; others stay alone."""
    total = next((row for row in spend if not row["provider_id"]), None)
    if total is None:
        return [[row] for row in spend]
    related: list[Row] = [total]
    opposed: list[Row] = []
    for row in spend:
        if row["provider_id"]:
            (related if _is_above(row) == _is_above(total) else opposed).append(row)
    return [related, *([row] for row in opposed)]


def _describe_spend(
    related: Sequence[Row], providers: Mapping[str, str], currency: Currency, today: date
) -> AnomalySummary:
    row, *others = related
    day, difference = row["day"], _difference(row)

    def money(amount_usd: Decimal) -> str:
        return format_money(currency.convert(amount_usd, day), currency.code)

    provider = f", {providers.get(row['provider_id'], 'a provider')}" if row["provider_id"] else ""
    usual = row["actual_usd"] - difference
    sentences = [
        f"{format_short_day(day, today)}{provider}: {money(row['actual_usd'])}, usually {money(usual)}."
    ]
    reasons = [f"{name} ({'+' if part > 0 else ''}{money(part)})" for name, part in _name_reasons(row)]
    if reasons:
        sentences.append(_list_reasons(reasons))
    main = _find_main_provider(others, difference)
    if main:
        sentences.append(f"Most of it at {providers.get(main['provider_id'], 'one provider')}.")
    return AnomalySummary(day, " ".join(sentences), tuple(str(one["id"]) for one in related))


def _find_main_provider(rows: Iterable[Row], difference: Decimal) -> Row | None:
    if not difference:
        return None
    return next((row for row in rows if _difference(row) / difference >= MAIN_PROVIDER_SHARE), None)


def _describe_new_model(row: Row, currency: Currency, today: date) -> AnomalySummary:
    spent = sum(row["attribution"].values(), Decimal(0))
    share = f", {row['actual_usd'] / spent:.0%} of all spend up to the nightly run" if spent > 0 else ""
    cost = format_money(currency.convert(row["actual_usd"], row["day"]), currency.code)
    day, name = format_short_day(row["day"], today), _shorten(row["model_name"])
    return AnomalySummary(row["day"], f"{day}: {name} is new. It cost {cost}{share}.", (str(row["id"]),))


def _name_reasons(row: Row) -> list[tuple[str, Decimal]]:
    parts = {name: part for name, part in row["attribution"].items() if name in REASONS}
    least = MIN_REASON_SHARE * abs(_difference(row))
    largest = sorted(parts.items(), key=lambda item: -abs(item[1]))[:MAX_REASONS]
    return [(REASONS[name][part < 0], part) for name, part in largest if part and abs(part) >= least]


def _shorten(name: str) -> str:
    plain = " ".join(name.split())
    return plain if len(plain) <= MAX_NAME_LENGTH else f"{plain[: MAX_NAME_LENGTH - 1]}…"


def _list_reasons(reasons: Sequence[str]) -> str:
    *first, last = reasons
    sentence = f"{', '.join(first)} and {last}" if first else last
    return f"{sentence[0].upper()}{sentence[1:]}."


def _difference(row: Row) -> Decimal:
    """The difference from the usual spend: the sum of its parts."""
    return sum(row["attribution"].values(), Decimal(0))


def _is_above(row: Row) -> bool:
    return bool(row["actual_usd"] > row["expected_usd"])
