"""The series that forecasts are stored for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """What a forecast is about: everything, one provider or one model."""

    provider_id: str | None = None
    model_name: str | None = None
