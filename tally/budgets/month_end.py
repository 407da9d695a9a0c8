"""The stored forecast of a month's end, for programs that show the month."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tally.core.live_total import SpentSoFar, StoredTotal, calculate_live_total
from tally.core.months import last_day_of_month
from tally.storage.database import Database, Query

MONEY = (
    "predicted_cost_usd",
    "spent_usd",
    "lower_bound_80",
    "upper_bound_80",
    "lower_bound_95",
    "upper_bound_95",
)


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """The end of a month as the newest run saw it, in US dollars."""

    stored: StoredTotal
    range_80: tuple[Decimal, Decimal]
    range_95: tuple[Decimal, Decimal]
    made_at: str

    def update(self, spent: SpentSoFar, today: date) -> "MonthEnd":
        """The same as it is now: its amounts move together, and none is below what is spent."""
        predicted = calculate_live_total(self.stored, spent, today)
        change = predicted - self.stored.predicted

        def move(bounds: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
            lower, upper = (max(bound + change, spent.total) for bound in bounds)
            return lower, upper

        return MonthEnd(
            StoredTotal(max(predicted, spent.total), spent.total, self.stored.days),
            move(self.range_80),
            move(self.range_95),
            self.made_at,
        )


def load_month_end(database: Database, today: date, project_id: str | None = None) -> MonthEnd | None:
    """The newest forecast of this month's end, of everything or of a project; None without one."""
    last = last_day_of_month(today).isoformat()
    of_all = {"provider_id": None, "model_name": None, "project_id": project_id}
    columns = ",".join(f"{name}::text" for name in MONEY)
    totals = database.select(
        Query(
            "forecast_totals",
            f"id,run_id,created_at,{columns}",
            ["created_at", "id"],
            of_all | {"kind": "month_end", "period_end": last},
        )
    )
    if not totals:
        return None
    newest = totals[-1]
    days = database.select(
        Query(
            "forecast_results",
            "id,forecast_date,predicted_cost_usd::text",
            ["forecast_date", "id"],
            of_all | {"run_id": newest["run_id"]},
        )
    )
    predicted, spent, lower_80, upper_80, lower_95, upper_95 = (Decimal(newest[name]) for name in MONEY)
    by_day = {date.fromisoformat(day["forecast_date"]): Decimal(day["predicted_cost_usd"]) for day in days}
    return MonthEnd(
        StoredTotal(predicted, spent, by_day),
        (lower_80, upper_80),
        (lower_95, upper_95),
        newest["created_at"],
    )
