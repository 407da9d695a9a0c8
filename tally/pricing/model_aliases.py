"""Aliases of models: what a workspace said that a name is which no price list has, as of a deployment.

The name as it was stays in the metadata of a record, so that taking an alias back restores it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tally.core.records import CostRecord
from tally.storage.database import Database, Query, select_all

MODEL_ALIAS = "model_alias"  # in metadata: the name that a record had before


@dataclass(frozen=True, slots=True)
class ModelAlias:
    """One name of a provider, and the model that it is."""

    provider: str
    name: str
    model_name: str


@dataclass(frozen=True, slots=True)
class ModelAliases:
    """All aliases of a workspace: the model by provider and name."""

    models: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.models)

    def apply(self, record: CostRecord) -> CostRecord:
        """The record under its model's name; the same one where its name has no alias."""
        model = self.models.get((record.provider, record.model_name))
        if model is None or MODEL_ALIAS in record.metadata:
            return record
        metadata = record.metadata | {MODEL_ALIAS: record.model_name}
        return replace(record, model_name=model, metadata=metadata)


NO_ALIASES = ModelAliases()


def select_aliases(database: Database) -> list[Mapping[str, Any]]:
    """The workspace's rows of `model_aliases`."""
    return list(select_all(database, Query("model_aliases", "id,provider_id,name,model_name", ["id"])))
