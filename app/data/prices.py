"""Custom prices, unpriced models, and a preview of repricing."""

from datetime import date
from typing import Any, cast

from app.auth.identity import User, database_of
from app.data.reading import cached, call, data_version
from tally.pricing import custom_prices, reprice
from tally.pricing.custom_prices import CustomPrice


def load_unpriced_models(user: User) -> list[dict[str, Any]]:
    """Models with unpriced records: their number and first day."""
    return _unpriced_models(user, data_version(user))


@cached
def _unpriced_models(user: User, version: str) -> list[dict[str, Any]]:  # noqa: ARG001
    return cast(list[dict[str, Any]], call(user, "unpriced_models"))


def load_custom_prices(user: User) -> list[CustomPrice]:
    """Custom prices by model."""
    return _custom_prices(user, data_version(user))


@cached
def _custom_prices(user: User, version: str) -> list[CustomPrice]:  # noqa: ARG001
    prices = custom_prices.load_custom_prices(database_of(user))
    return sorted(prices, key=lambda price: (price.model_name.casefold(), price.provider))


def load_price_differences(user: User, since: date) -> list[reprice.Difference]:
    """Differences that repricing from `since` on would make, by month and model."""
    return _price_differences(user, data_version(user), since)


@cached
def _price_differences(user: User, version: str, since: date) -> list[reprice.Difference]:  # noqa: ARG001
    return reprice.calculate_differences(database_of(user), since)
