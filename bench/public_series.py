"""Public daily series, for measurements of forecasts over months."""

import csv
from datetime import date
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import numpy as np

from forecasting.model.level import Array
from forecasting.model.series import Series

FILE = Path(__file__).with_name("data") / "public_series.csv"


class PublicSeries(NamedTuple):
    """A series from its first day on."""

    name: str
    first_day: date
    y: Array

    def before(self, days: int) -> Series:
        """Its first days as the history of a forecast."""
        return Series(UUID(int=0), self.name, self.first_day, self.y[:days], days)


def load_public_series() -> list[PublicSeries]:
    """All of them, by name."""
    with FILE.open(encoding="utf-8") as lines:
        return [
            PublicSeries(
                row["unique_id"],
                date.fromisoformat(row["first_day"]),
                np.array([float(amount) for amount in row["amounts"].split()]),
            )
            for row in csv.DictReader(lines)
        ]
