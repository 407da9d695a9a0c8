"""Daily series with rolling cutoffs, read from files, to calibrate and score forecasts.

A folder has series.csv (unique_id, ds, y), cutoffs.csv (unique_id, cutoff) and meta.csv (unique_id, family,
source, licence). The cutoff is the last day of data that a forecast may use.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from forecasting.model.intervals import HORIZON_DAYS
from forecasting.model.level import Array
from forecasting.model.series import MIN_DAYS
from tally.core.errors import TallyError

SERIES, CUTOFFS, META = "series.csv", "cutoffs.csv", "meta.csv"
UNKNOWN_FAMILY = "unknown"
MAX_SPAN_DAYS = 36_525  # a longer series means a mistyped date


class DataProblem(TallyError):
    """The folder of series cannot be used."""


@dataclass(frozen=True, slots=True)
class DailySeries:
    """A whole series without gaps; `family` is the kind of data in it."""

    unique_id: str
    family: str
    first_day: date
    y: Array


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The last day of a series that a forecast may use. An id without data has an empty series."""

    series: DailySeries
    day: date

    @property
    def history(self) -> Array:
        """All days up to the cutoff; days after the end of the data are 0."""
        days = (self.day - self.series.first_day).days + 1
        y = self.series.y[: max(days, 0)]
        return np.pad(y, (0, max(days, 0) - len(y))) if len(y) else y

    @property
    def actual(self) -> Array:
        """The known days after the cutoff, up to the horizon."""
        start = max((self.day - self.series.first_day).days + 1, 0)
        return self.series.y[start : start + HORIZON_DAYS]


def load_cutoffs(folder: Path) -> tuple[list[Cutoff], list[str]]:
    """Load all rows of cutoffs.csv, and the reasons why rows of series.csv were rejected."""
    amounts, rejected = _parse_series(folder)
    families = load_families(folder)
    series = {
        unique_id: _fill_days(unique_id, families.get(unique_id, UNKNOWN_FAMILY), days)
        for unique_id, days in amounts.items()
    }
    rows = _rows(folder / CUTOFFS, ("unique_id", "cutoff"))
    cutoffs = [_parse_cutoff(line, row, series) for line, row in rows]
    if not cutoffs:
        raise DataProblem(f"{CUTOFFS} has no rows: there is nothing to forecast.")
    return cutoffs, rejected


def add_rolling_cutoffs(cutoffs: Sequence[Cutoff], every: int) -> list[Cutoff]:
    """The cutoffs, and more of the same series: every so many days, each followed by a full horizon."""
    series = {cutoff.series.unique_id: cutoff.series for cutoff in cutoffs}
    known = {(cutoff.series.unique_id, cutoff.day) for cutoff in cutoffs}
    rolling = [
        Cutoff(each, each.first_day + timedelta(days=days - 1))
        for each in series.values()
        for days in range(MIN_DAYS, len(each.y) - HORIZON_DAYS + 1, every)
    ]
    return [*cutoffs, *(each for each in rolling if (each.series.unique_id, each.day) not in known)]


def _parse_cutoff(line: int, row: dict[str, str], series: dict[str, DailySeries]) -> Cutoff:
    day = _parse_day(row["cutoff"])
    if day is None:
        raise DataProblem(f"{CUTOFFS} line {line}: {row['cutoff']!r} is not a date such as 2026-11-01.")
    empty = DailySeries(row["unique_id"], UNKNOWN_FAMILY, day + timedelta(days=1), np.zeros(0))
    found = series.get(row["unique_id"], empty)
    if (day - found.first_day).days > MAX_SPAN_DAYS:
        raise DataProblem(f"{CUTOFFS} line {line}: {day} is more than a hundred years after the first day.")
    return Cutoff(found, day)


def load_families(folder: Path) -> dict[str, str]:
    """The family of each series; empty without a meta.csv."""
    if not (folder / META).exists():
        return {}
    return {row["unique_id"]: row["family"] for _, row in _rows(folder / META, ("unique_id", "family"))}


def load_licences(folder: Path) -> dict[str, str]:
    """The licence of each source of the series."""
    rows = _rows(folder / META, ("source", "licence"))
    return dict(sorted({row["source"]: row["licence"] for _, row in rows}.items()))


def _parse_series(folder: Path) -> tuple[dict[str, dict[date, float]], list[str]]:
    amounts: dict[str, dict[date, float]] = defaultdict(dict)
    rejected = []
    for line, row in _rows(folder / SERIES, ("unique_id", "ds", "y")):
        day, amount = _parse_day(row["ds"]), _parse_amount(row["y"])
        if day is None:
            rejected.append(f"line {line}: {row['ds']!r} is not a date")
        elif amount is None:
            rejected.append(f"line {line}: {row['y']!r} is not a finite amount of at least 0")
        elif day in amounts[row["unique_id"]]:
            rejected.append(f"line {line}: {row['unique_id']} has this day twice")
        else:
            amounts[row["unique_id"]][day] = amount
    return amounts, rejected


def _fill_days(unique_id: str, family: str, amounts: dict[date, float]) -> DailySeries:
    first, last = min(amounts), max(amounts)
    if (last - first).days > MAX_SPAN_DAYS:
        raise DataProblem(f"{SERIES}: the days of {unique_id} are more than a hundred years apart.")
    y = np.zeros((last - first).days + 1)
    for day, amount in amounts.items():
        y[(day - first).days] = amount
    return DailySeries(unique_id, family, first, y)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise DataProblem(f"{path.name} has no column {', '.join(sorted(missing))}.")
            for row in reader:
                yield reader.line_num, {column: (row[column] or "").strip() for column in columns}
    except OSError:
        raise DataProblem(
            f"{path} cannot be read. The folder needs {SERIES}, {CUTOFFS} and {META}."
        ) from None
    except (UnicodeDecodeError, csv.Error):
        raise DataProblem(f"{path.name} is not a CSV file in UTF-8.") from None


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _parse_amount(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None
