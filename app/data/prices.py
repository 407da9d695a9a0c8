"""A workspace's own prices, unpriced models, and previews of repricing."""

from datetime import date
from typing import Any, cast

from app.auth.identity import User, database_of
from app.data.reading import cached, call, data_version
from tally.pricing import reprice, workspace_prices
from tally.pricing.custom_prices import CustomPrice
from tally.pricing.model_aliases import ModelAlias
from tally.pricing.multipliers import Multiplier
from tally.pricing.workspace_prices import WorkspacePrices


def load_unpriced_models(user: User) -> list[dict[str, Any]]:
    """Models with unpriced records: their number and first day."""
    return _unpriced_models(user, data_version(user))


@cached
def _unpriced_models(user: User, version: str) -> list[dict[str, Any]]:  # noqa: ARG001
    return cast(list[dict[str, Any]], call(user, "unpriced_models"))


def load_workspace_prices(user: User) -> WorkspacePrices:
    """Custom prices, multipliers and aliases of models."""
    return _workspace_prices(user, data_version(user))


@cached
def _workspace_prices(user: User, version: str) -> WorkspacePrices:  # noqa: ARG001
    return workspace_prices.load_workspace_prices(database_of(user))


def load_custom_prices(user: User) -> list[CustomPrice]:
    """Custom prices by model."""
    prices = load_workspace_prices(user).custom
    return sorted(prices, key=lambda price: (price.model_name.casefold(), price.provider))


def load_multipliers(user: User) -> list[Multiplier]:
    """Multipliers of list prices by provider, account and first day."""
    multipliers = load_workspace_prices(user).multipliers
    return sorted(
        multipliers, key=lambda found: (found.provider, found.billing_account or "", found.valid_from)
    )


def load_model_aliases(user: User) -> list[ModelAlias]:
    """Names that the workspace said which model they are, by name."""
    models = load_workspace_prices(user).aliases.models
    return [ModelAlias(provider, name, model) for (provider, name), model in sorted(models.items())]


def load_price_differences(user: User, since: date) -> list[reprice.Difference]:
    """Differences that repricing from `since` on would make, by month and model."""
    return _price_differences(user, data_version(user), since)


@cached
def _price_differences(user: User, version: str, since: date) -> list[reprice.Difference]:  # noqa: ARG001
    return reprice.calculate_differences(database_of(user), since)
