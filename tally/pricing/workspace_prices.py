"""A workspace's own prices: custom prices, multipliers of list prices, and aliases of models."""

from dataclasses import dataclass

from tally.core.records import CostRecord
from tally.pricing.custom_prices import NO_CUSTOM_PRICES, CustomPrices, parse_price, select_prices
from tally.pricing.model_aliases import NO_ALIASES, ModelAliases, select_aliases
from tally.pricing.multipliers import NO_MULTIPLIERS, Multipliers, parse_multiplier, select_multipliers
from tally.storage.database import Database, Query
from tally.storage.workspaces import load_timezone


@dataclass(frozen=True, slots=True)
class WorkspacePrices:
    """Everything that changes a workspace's estimates beside the price list."""

    custom: CustomPrices = NO_CUSTOM_PRICES
    multipliers: Multipliers = NO_MULTIPLIERS
    aliases: ModelAliases = NO_ALIASES

    def __bool__(self) -> bool:
        return bool(self.custom or self.multipliers or self.aliases)

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal prices."""
        return tuple(self.custom), tuple(self.multipliers), tuple(sorted(self.aliases.models.items()))

    def concern(self, record: CostRecord, named: CostRecord) -> bool:
        """Check whether a record may cost something else than its parser, which knows list prices, says."""
        return (
            named is not record
            or self.custom.find(named) is not None
            or self.multipliers.find(named) is not None
        )


LIST_PRICES = WorkspacePrices()


def load_workspace_prices(database: Database) -> WorkspacePrices:
    """The workspace's prices, valid on days in its time zone. Raises DatabaseError."""
    custom, multipliers, aliases = (
        select_prices(database),
        select_multipliers(database),
        select_aliases(database),
    )
    if not (custom or multipliers or aliases):
        return LIST_PRICES
    names = {row["id"]: row["name"] for row in database.select(Query("providers", "id,name", ["name"]))}
    timezone = load_timezone(database)
    return WorkspacePrices(
        CustomPrices([parse_price(row, names[row["provider_id"]]) for row in custom], timezone),
        Multipliers([parse_multiplier(row, names[row["provider_id"]]) for row in multipliers], timezone),
        ModelAliases({(names[row["provider_id"]], row["name"]): row["model_name"] for row in aliases}),
    )
