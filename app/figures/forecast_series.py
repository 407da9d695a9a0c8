"""Identity of a forecast series."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """Everything, one provider or one model."""

    provider_id: str | None = None
    model_name: str | None = None
