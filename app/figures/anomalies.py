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
from app.formats.text import shorten

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
    """A sentence about a day, the ids of the anomalies that it covers, and their largest difference."""

    day: date
    sentence: str
    row_ids: tuple[str, ...]
    weight_usd: Decimal = Decimal(0)


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
    """Sentences about all anomalies that are not muted, the dearest first; `providers` maps id to name."""
    shown = sorted((row for row in rows if not row["muted_at"]), key=lambda row: row["day"], reverse=True)
    found: list[AnomalySummary] = []
    for _, group in groupby(shown, key=lambda row: row["day"]):
        day = list(group)
        spend = [row for row in day if row["kind"] == "spend"]
        found += [_describe_spend(related, providers, currency, today) for related in _group_related(spend)]
        found += [_describe_new_model(row, currency, today) for row in day if row["kind"] == "new_model"]
    return sorted(found, key=lambda summary: -summary.weight_usd)  # stable: of equal ones the newest first


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
    ids = tuple(str(one["id"]) for one in related)
    if is_compared_with_history(row):
        return AnomalySummary(day, _describe_spike(row, currency, today), ids, abs(difference))

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
    return AnomalySummary(day, " ".join(sentences), ids, abs(difference))


def is_compared_with_history(row: Row) -> bool:
    """Return whether a day was compared with the weeks around it, not with a forecast made before it."""
    return (row.get("cause") or {}).get("basis") == "history"


def _describe_spike(row: Row, currency: Currency, today: date) -> str:
    """A day as a multiple of a usual one of its weekday, and the model that caused it."""
    day, cause = row["day"], row["cause"]

    def money(amount_usd: str) -> str:
        return format_money(currency.convert(Decimal(amount_usd), day), currency.code)

    name, begin = _shorten(cause.get("model", "")), format_short_day(day, today)
    if name and (times := _describe_times(cause["model_usd"], cause["model_usual_usd"])):
        return f"{begin}: {name} cost {money(cause['model_usd'])}, {times} a usual {day:%A}."
    times = _describe_times(cause["usage_usd"], cause["usual_usd"]) or "more than"
    most = f", {money(cause['model_usd'])} of it {name}" if name else ""
    return f"{begin}: {money(cause['usage_usd'])}, {times} a usual {day:%A}{most}."


def _describe_times(amount: str, usual: str) -> str:
    """A multiple such as "4 times"; empty below 2 or where nothing is usual."""
    if Decimal(usual) <= 0 or Decimal(amount) < 2 * Decimal(usual):
        return ""
    ratio = Decimal(amount) / Decimal(usual)
    return f"{ratio:,.1f} times".replace(".0 ", " ") if ratio < 10 else f"{ratio:,.0f} times"


def _find_main_provider(rows: Iterable[Row], difference: Decimal) -> Row | None:
    if not difference:
        return None
    return next((row for row in rows if _difference(row) / difference >= MAIN_PROVIDER_SHARE), None)


def _describe_new_model(row: Row, currency: Currency, today: date) -> AnomalySummary:
    spent = sum(row["attribution"].values(), Decimal(0))
    share = f", {row['actual_usd'] / spent:.0%} of all spend up to the nightly run" if spent > 0 else ""
    cost = format_money(currency.convert(row["actual_usd"], row["day"]), currency.code)
    day, name = format_short_day(row["day"], today), _shorten(row["model_name"])
    sentence = f"{day}: {name} is new. It cost {cost}{share}."
    return AnomalySummary(row["day"], sentence, (str(row["id"]),), row["actual_usd"])


def _name_reasons(row: Row) -> list[tuple[str, Decimal]]:
    parts = {name: part for name, part in row["attribution"].items() if name in REASONS}
    least = MIN_REASON_SHARE * abs(_difference(row))
    largest = sorted(parts.items(), key=lambda item: -abs(item[1]))[:MAX_REASONS]
    return [(REASONS[name][part < 0], part) for name, part in largest if part and abs(part) >= least]


def _shorten(name: str) -> str:
    return shorten(" ".join(name.split()), MAX_NAME_LENGTH)


def _list_reasons(reasons: Sequence[str]) -> str:
    *first, last = reasons
    sentence = f"{', '.join(first)} and {last}" if first else last
    return f"{sentence[0].upper()}{sentence[1:]}."


def _difference(row: Row) -> Decimal:
    """The difference from the usual spend: the sum of its parts."""
    return sum(row["attribution"].values(), Decimal(0))


def _is_above(row: Row) -> bool:
    return bool(row["actual_usd"] > row["expected_usd"])
