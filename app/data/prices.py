"""The prices that the person set, what has none, and what pricing anew would change."""

from datetime import date
from typing import Any

from app.auth.identity import User, database_of, supabase_client
from app.data.reading import as_rows, ask, cached, data_version
from tally.pricing import custom_prices, reprice
from tally.pricing.custom_prices import CustomPrice


def load_unpriced_models(user: User) -> list[dict[str, Any]]:
    """Models whose records have no price, with how many there are and since when."""
    return _unpriced_models(user, data_version(user))


@cached
def _unpriced_models(user: User, version: str) -> list[dict[str, Any]]:  # noqa: ARG001
    return as_rows(ask(lambda: supabase_client(user).rpc("unpriced_models").execute().data))


def load_custom_prices(user: User) -> list[CustomPrice]:
    """The prices that the person set, by model, the newest of each first."""
    return _own_prices(user, data_version(user))


@cached
def _own_prices(user: User, version: str) -> list[CustomPrice]:  # noqa: ARG001
    prices = custom_prices.load_custom_prices(database_of(user))
    return sorted(prices, key=lambda price: (price.model_name.casefold(), price.provider))


def load_price_differences(user: User, since: date) -> list[reprice.Difference]:
    """What pricing anew would change, by month and model."""
    return _price_differences(user, data_version(user), since)


@cached
def _price_differences(user: User, version: str, since: date) -> list[reprice.Difference]:  # noqa: ARG001
    return reprice.calculate_differences(database_of(user), since)
