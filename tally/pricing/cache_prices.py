"""Money that reading a token from a cache saves: the price of input less that of cached input, day by day."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from tally.pricing.class_prices import NOON
from tally.pricing.list_prices import find_prices
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices

MAX_PRICES = 5_000  # that the database takes in one question


class CachePrice(NamedTuple):
    """US dollars that a million cached tokens of a model save from a day on; None where no price is known."""

    provider: str
    model: str
    valid_from: date
    usd_per_mtok: Decimal | None

    def describe(self) -> dict[str, str | None]:
        """The object that `explore_costs` takes."""
        usd = self.usd_per_mtok
        return {
            "provider": self.provider,
            "model": self.model,
            "from": self.valid_from.isoformat(),
            "usd_per_mtok": None if usd is None else format(usd, "f"),
        }


def list_cache_prices(
    models: Iterable[tuple[str, str]], first: date, last: date, prices: WorkspacePrices = LIST_PRICES
) -> list[CachePrice]:
    """Prices of (provider, model) on the days of a period, at standard conditions.

    A custom price applies where it replaces the list price or the list has none; multipliers do not apply.
    """
    found = (
        price
        for provider, model in dict.fromkeys(models)
        for price in _list_changes(provider, model, first, last, prices)
    )
    return [price for price, _ in zip(found, range(MAX_PRICES), strict=False)]


def find_saving(
    provider: str, model: str, day: date, prices: WorkspacePrices = LIST_PRICES
) -> Decimal | None:
    """US dollars that a million cached tokens save on a day; None where no price is known."""
    custom = prices.custom.find_on(provider, model, day)
    listed = None if custom and custom.replaces_list else _find_listed(provider, model, day)
    if listed is not None or custom is None:
        return listed
    cached = custom.cached_input_usd_per_mtok
    return custom.input_usd_per_mtok - (custom.input_usd_per_mtok if cached is None else cached)


def _find_listed(provider: str, model: str, day: date) -> Decimal | None:
    try:
        found = find_prices(provider, model, 0, datetime.combine(day, NOON))
    except Exception:
        return None  # no failure of the price library may lose the usage itself
    if found is None:
        return None
    uncached, cached = found.by_class["uncached"], found.by_class["cached"]
    return None if uncached is None or cached is None else uncached - cached


def _list_changes(
    provider: str, model: str, first: date, last: date, prices: WorkspacePrices
) -> Iterator[CachePrice]:
    """The price of the first day, and each that differs from that before."""
    before = find_saving(provider, model, first, prices)
    yield CachePrice(provider, model, first, before)
    start = first
    for end in _list_checks(first, last, prices):
        if find_saving(provider, model, end, prices) != before:
            for day in _list_days(start, end):
                if (now := find_saving(provider, model, day, prices)) != before:
                    yield CachePrice(provider, model, day, now)
                    before = now
        start = end


def _list_checks(first: date, last: date, prices: WorkspacePrices) -> list[date]:
    """Days between which a price stays if it is the same on both: months, and changes of custom prices."""
    months = (day for day in _list_days(first, last) if day.day == 1)
    changes = (price.valid_from for price in prices.custom if first < price.valid_from <= last)
    return sorted({*months, *changes, last})


def _list_days(after: date, last: date) -> list[date]:
    return [after + timedelta(days=n) for n in range(1, (last - after).days + 1)]
