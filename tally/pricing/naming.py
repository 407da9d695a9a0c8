"""Naming models: saying which model a name is that no price list has, and taking it back."""

from dataclasses import dataclass
from datetime import date

from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord
from tally.pricing.model_aliases import MODEL_ALIAS
from tally.pricing.reprice import apply_prices
from tally.storage.database import Database


@dataclass(frozen=True, slots=True)
class Named:
    """Counts of statements that were renamed and of estimates that got another price."""

    records: int
    repriced: int


def name_model(
    database: Database, provider: str, name: str, model: str, on_progress: Progress = ignore_progress
) -> Named:
    """Say once that a name of a provider is this model; an empty model takes that back. Safe to repeat."""
    answer = database.call("name_model", provider=provider, name=name, model=model)
    if answer["first_day"] is None:
        return Named(0, 0)

    def concerns(record: CostRecord) -> bool:
        return record.provider == provider and record.metadata.get(MODEL_ALIAS, record.model_name) == name

    done = apply_prices(database, date.fromisoformat(answer["first_day"]), on_progress, concerns)
    return Named(int(answer["records"]), done.applied)
