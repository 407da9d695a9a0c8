"""One person's part in a night: which of their series are due, what became of each, what is stored."""

from dataclasses import dataclass, field
from typing import Any

from forecasting.model.forecast import Forecast
from forecasting.model.series import MIN_DAYS, TOTAL, Series
from forecasting.nightly.results import (
    Known,
    Result,
    calculate_renewals_only,
    calculate_result,
    count_days_left,
)
from forecasting.nightly.store import Person
from forecasting.workers.pool import Failure, Outcome, Task

SWITCHED_OFF = "Forecasts are switched off in the settings."


@dataclass(slots=True)
class Part:
    """Complete once every series that is long enough has an outcome."""

    person: Person
    known: Known
    series: list[Series]
    models_left_out: int = 0
    forecasts: list[Forecast] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def tasks(self) -> list[Task]:
        days_left = count_days_left(self.person.today)
        return [Task(series, days_left) for series in self.series if not series.days_missing]

    @property
    def is_complete(self) -> bool:
        return len(self.forecasts) + len(self.failures) == len(self.tasks)

    def add(self, outcome: Outcome) -> None:
        """Take in what became of one of the tasks."""
        if isinstance(outcome, Failure):
            self.failures.append(outcome)
        else:
            self.forecasts.append(outcome)

    def results(self) -> list[Result]:
        """What is to be stored, in the order of the series' names."""
        metered = {series.unique_id for series in self.series}
        results = [calculate_result(forecast, self.known) for forecast in self.forecasts]
        results += [
            calculate_renewals_only(unique_id, self.known)
            for unique_id in self.known.renewals
            if unique_id not in metered
        ]
        return sorted(results, key=lambda result: result.unique_id)

    def too_little_history(self) -> list[dict[str, Any]]:
        """The series that cannot be forecast yet, and how many days each still needs."""
        if not self.person.forecast_enabled:
            return []
        if not self.series and not self.known.renewals:
            return [{"series": TOTAL, "days": 0, "days_missing": MIN_DAYS}]
        return [
            {"series": series.unique_id, "days": series.days, "days_missing": series.days_missing}
            for series in self.series
            if series.days_missing
        ]

    def step(self, count: int) -> dict[str, Any]:
        """The part's line in job_runs.steps: `count` series forecast, and what was not, with the reason."""
        if not self.person.forecast_enabled:
            return {"step": "forecast", "count": 0, "skipped": SWITCHED_OFF}
        return {
            "step": "forecast",
            "series": len(self.series),
            "count": count,
            "models_left_out": self.models_left_out,
            "failed": [{"series": f.series.unique_id, "reason": f.reason} for f in self.failures],
            "too_little_history": self.too_little_history(),
        }
