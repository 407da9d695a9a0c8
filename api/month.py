"""The month so far: today, the likely end, and the reasons for the spend of a day."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from api.figures import INCLUDED, Days, Sum, choose_days, load_rows, write_usd
from tally.budgets.month_end import MonthEnd, load_month_end
from tally.core.known_days import KnownDays
from tally.core.live_total import SpentSoFar
from tally.core.text import plural
from tally.digests.drivers import explain_change
from tally.digests.facts import Cost
from tally.storage.database import Database

USUAL_DAYS = 7
SHOWN = 10


def load_today(
    database: Database, project: UUID | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """Today, the month so far, and the month's likely end."""
    month = choose_days(database, None, None, now)
    rows = list(load_rows(database, month, project))
    days = _sum_by_day(rows)
    return {
        "day": month.last.isoformat(),
        "timezone": month.timezone,
        "currency": "USD",
        "today": days.get(month.last, Sum()).describe(),
        "month": _add(rows).describe(),
        "month_end": describe_end(_find_end(database, days, month.last, project)),
    }


def load_forecast(
    database: Database, project: UUID | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """The month's likely end with its ranges, and the predicted days to come."""
    month = choose_days(database, None, None, now)
    rows = list(load_rows(database, month, project))
    end = _find_end(database, _sum_by_day(rows), month.last, project)
    to_come = {} if end is None else {day: usd for day, usd in end.stored.days.items() if day > month.last}
    return {
        "day": month.last.isoformat(),
        "timezone": month.timezone,
        "currency": "USD",
        "spent_usd": write_usd(_add(rows).cost_usd),
        "month_end": describe_end(end),
        "days": [
            {"day": day.isoformat(), "cost_usd": write_usd(usd)} for day, usd in sorted(to_come.items())
        ],
    }


def explain_day(
    database: Database, day: date | None = None, project: UUID | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """The spend of a day beside the average of the week before it, with the models that changed most."""
    asked = choose_days(database, day, day, now)
    day = asked.last
    rows = list(load_rows(database, Days(day - timedelta(days=USUAL_DAYS), day, asked.timezone), project))
    of_day = [row for row in rows if row["date"] == day.isoformat()]
    before = [row for row in rows if row["date"] != day.isoformat()]
    known = count_usual_days(database, day)
    change = explain_change(_read_costs(before, known), _read_costs(of_day))
    return {
        "day": day.isoformat(),
        "timezone": asked.timezone,
        "currency": "USD",
        "cost_usd": write_usd(_add(of_day).cost_usd),
        "usual_usd": write_usd(round(_add(before).cost_usd / known, 2)) if known else None,
        "usual_is": _name_usual(known),
        "change_usd": write_usd(change.total) if known else None,
        "reasons": [{"reason": words, "usd": write_usd(usd)} for words, usd in change.reasons if known],
        "models": _compare_models(_read_costs(before, known), _read_costs(of_day)),
    }


def count_usual_days(database: Database, day: date) -> int:
    """The number of days before a day that are recorded, of those that are the usual ones."""
    found = database.call("first_cost_day")
    begins = None if found is None else date.fromisoformat(str(found))
    known = KnownDays(day - timedelta(days=USUAL_DAYS), day - timedelta(days=1), begins)
    if known.is_complete:
        return USUAL_DAYS
    return (day - known.since).days if known.since else 0


def _name_usual(days: int) -> str:
    if days == USUAL_DAYS:
        return f"the average of the {USUAL_DAYS} days before"
    return f"the average since records begin, {plural(days, 'day')} before" if days else "not known yet"


def describe_end(end: MonthEnd | None) -> dict[str, Any] | None:
    """The JSON object of a month's end; null without a forecast."""
    if end is None:
        return None
    return {
        "likely_usd": write_usd(round(end.stored.predicted, 2)),
        "range_80_usd": [write_usd(round(bound, 2)) for bound in end.range_80],
        "range_95_usd": [write_usd(round(bound, 2)) for bound in end.range_95],
        "made_at": end.made_at,
    }


def _find_end(
    database: Database, days: Mapping[date, Sum], today: date, project: UUID | None
) -> MonthEnd | None:
    stored = load_month_end(database, today, None if project is None else str(project))
    if stored is None:
        return None
    before = sum((found.cost_usd for day, found in days.items() if day < today), Decimal(0))
    return stored.update(SpentSoFar(before, days.get(today, Sum()).cost_usd), today)


def _sum_by_day(rows: Iterable[Mapping[str, Any]]) -> dict[date, Sum]:
    days: dict[date, Sum] = {}
    for row in rows:
        days.setdefault(date.fromisoformat(row["date"]), Sum()).add(row)
    return days


def _add(rows: Iterable[Mapping[str, Any]]) -> Sum:
    total = Sum()
    for row in rows:
        total.add(row)
    return total


def _read_costs(rows: Iterable[Mapping[str, Any]], days: int = 1) -> list[Cost]:
    """Money of the rows, on an average day of so many; none on one of no days."""
    if not days:
        return []
    return [
        Cost(
            date.fromisoformat(row["date"]),
            row["model"],
            row["charge_type"],
            Decimal(row["cost_usd"] or 0) / days,
            round(row["tokens"] / days),
        )
        for row in rows
        if row["cost_basis"] != INCLUDED
    ]


def _compare_models(before: Iterable[Cost], of_day: Iterable[Cost]) -> list[dict[str, Any]]:
    amounts: dict[str, list[Decimal]] = {}
    for place, costs in enumerate((before, of_day)):
        for cost in costs:
            amounts.setdefault(cost.model, [Decimal(0), Decimal(0)])[place] += cost.amount
    changed = sorted(amounts.items(), key=lambda each: -abs(each[1][1] - each[1][0]))
    return [
        {"model": model, "cost_usd": write_usd(now), "usual_usd": write_usd(round(usual, 2))}
        for model, (usual, now) in changed[:SHOWN]
    ]
