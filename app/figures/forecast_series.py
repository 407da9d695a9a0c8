"""Identity of a forecast series."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """Everything, one provider, one model or one project."""

    provider_id: str | None = None
    model_name: str | None = None
    project_id: str | None = None

    @property
    def keys(self) -> dict[str, str | None]:
        """Values by the column that stores them."""
        return {
            "provider_id": self.provider_id,
            "model_name": self.model_name,
            "project_id": self.project_id,
        }
