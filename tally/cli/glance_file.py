"""The file of `tally today`: written after logs were collected, from the account or from the logs alone."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tally.budgets.month_end import load_month_end
from tally.budgets.status import find_month_budget, load_statuses
from tally.cli.glance import FILE, FORMAT, first_day
from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.currency.rates import to_usd
from tally.currency.stored_rates import load_rates
from tally.storage.database import Database
from tally.storage.workspaces import load_timezone

INCLUDED = "included"


def store_account(folder: Path, database: Database) -> None:
    """Store the figures of the account's workspace; what cannot be asked now stays as it was."""
    with suppress(TallyError, OSError, ValueError, KeyError, TypeError):
        timezone = load_timezone(database)
        today = datetime.now(ZoneInfo(timezone)).date()
        columns = database.call(
            "daily_costs", from_date=first_day(today).isoformat(), to_date=today.isoformat()
        )
        rows = zip(columns["date"], columns["cost_basis"], columns["cost_usd"], strict=True)
        _store(
            folder,
            timezone=timezone,
            days=sum_days(rows),
            month_end=_load_forecast(database, today),
            limit_usd=_load_limit(database, today),
            is_signed_in=True,
        )


def store_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Store the figures of a report on this machine's logs, unless those of an account are stored."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if (folder / "account.json").exists() or report["since"]:
            return
        zone = report["timezone"]
        first = first_day(datetime.now(ZoneInfo(zone)).date()).isoformat()
        rows = [row for source in report["sources"] for row in source["days"] if row["day"] >= first]
        days = sum_days((row["day"], row["cost_basis"], row["cost_usd"]) for row in rows)
        _store(folder, timezone=zone, days=days, month_end={}, limit_usd=None, is_signed_in=False)


def sum_days(rows: Iterable[tuple[str, str, str | None]]) -> dict[str, list[str]]:
    """Money and the worth of plans by day, of rows with a day, a cost basis and a cost."""
    days: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for day, basis, cost_usd in rows:
        days[day][basis == INCLUDED] += Decimal(cost_usd or 0)
    return {day: [f"{usd:f}" for usd in amounts] for day, amounts in days.items()}


def _load_forecast(database: Database, today: date) -> dict[str, Any]:
    """The newest forecast of the month's end by month, with its days; empty where there is none."""
    found = load_month_end(database, today)
    if found is None:
        return {}
    forecast = {
        "predicted_usd": f"{found.stored.predicted:f}",
        "spent_usd": f"{found.stored.spent:f}",
        "days": {day.isoformat(): f"{usd:f}" for day, usd in found.stored.days.items()},
    }
    return {f"{today:%Y-%m}": forecast}


def _load_limit(database: Database, today: date) -> str | None:
    """The limit of the whole month in US dollars, from the oldest budget of it."""
    status = find_month_budget(load_statuses(database))
    if status is None:
        return None
    return f"{to_usd(status.limit, status.budget.currency, today, load_rates(database)):f}"


def _store(folder: Path, **figures: Any) -> None:
    saved_at = datetime.now(UTC).isoformat(timespec="seconds")
    write_private(folder / FILE, json.dumps({"format": FORMAT, "saved_at": saved_at, **figures}) + "\n")
