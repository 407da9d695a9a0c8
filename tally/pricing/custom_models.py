"""A workspace's own models, which no list has: fine-tuned ones and those of its own servers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tally.catalog.entries import Entry, find_entry
from tally.catalog.models import canonical_model
from tally.storage.database import Database, Query, select_all

TABLE = "custom_models"
SELECTED = "id,provider_id,model_name,base_model,note"


@dataclass(frozen=True, slots=True)
class CustomModel:
    """A model under the name of its records, and the one that it was made from, if that is known."""

    provider: str
    model_name: str
    base_model: str | None = None
    note: str = ""
    id: str = ""

    def to_json(self, provider_id: str) -> dict[str, str | None]:
        """The row of public.custom_models."""
        return {
            "provider_id": provider_id,
            "model_name": self.model_name,
            "base_model": self.base_model,
            "note": self.note,
        }


def load_custom_models(database: Database) -> list[CustomModel]:
    """The workspace's models by provider and name. Raises DatabaseError."""
    rows = list(select_all(database, Query(TABLE, SELECTED, ["id"])))
    if not rows:
        return []
    names = {row["id"]: row["name"] for row in database.select(Query("providers", "id,name", ["name"]))}
    found = [
        CustomModel(
            names[row["provider_id"]], row["model_name"], row["base_model"], row["note"], str(row["id"])
        )
        for row in rows
    ]
    return sorted(found, key=lambda model: (model.provider, model.model_name))


def make_entries(models: Iterable[CustomModel]) -> list[Entry]:
    """Entries of the catalogue: a model can do what its base can, and has no list price."""
    return [_make_entry(model) for model in models]


def _make_entry(model: CustomModel) -> Entry:
    named = Entry(model.provider, model.model_name, title=model.note, base=model.base_model, is_own=True)
    base = model.base_model and find_entry(model.provider, canonical_model(model.base_model))
    if not base:
        return named
    return replace(
        named,
        mode=base.mode,
        takes=base.takes,
        gives=base.gives,
        context=base.context,
        answer=base.answer,
        can=base.can,
        min_cache_tokens=base.min_cache_tokens,
        has_open_weights=base.has_open_weights,
    )
