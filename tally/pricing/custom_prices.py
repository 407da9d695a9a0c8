"""Custom prices: set by the user for models that no list has, or in place of list prices."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tally.catalog.models import canonical_model
from tally.core.records import CostRecord
from tally.pricing.list_prices import Priced
from tally.pricing.usage import MILLION, Usage
from tally.storage.database import Database, Query, select_all

CUSTOM_SOURCE = "own"
AMOUNTS = (
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "cache_write_1h_usd_per_mtok",
    "request_usd",
)
SELECTED = ",".join(
    [
        *("id", "user_id", "provider_id", "model_name", "valid_from", "replaces_list"),
        *(f"{name}::text" for name in AMOUNTS),
    ]
)


@dataclass(frozen=True, slots=True)
class CustomPrice:
    """One model's price from a day on, in US dollars per million tokens; None means the input price."""

    provider: str
    model_name: str
    valid_from: date
    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    cache_write_1h_usd_per_mtok: Decimal | None = None
    request_usd: Decimal = Decimal(0)
    replaces_list: bool = False
    id: str = ""
    user_id: str = ""  # of the member who set it

    def to_json(self, provider_id: str) -> dict[str, str | bool | None]:
        """The row of public.model_prices."""
        amounts = {name: getattr(self, name) for name in AMOUNTS}
        return {
            "provider_id": provider_id,
            "model_name": self.model_name,
            "valid_from": self.valid_from.isoformat(),
            "replaces_list": self.replaces_list,
            **{name: None if amount is None else format(amount, "f") for name, amount in amounts.items()},
        }

    def calculate(self, usage: Usage) -> Priced:
        """The cost of usage; audio is priced like other tokens, and web searches cost nothing."""
        uncached = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        if uncached < 0:
            return Priced(None, note="more cached tokens than input tokens")
        usd = self.by_class
        tokens_usd = (
            uncached * usd["uncached"]
            + usage.cached_input_tokens * usd["cached"]
            + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * usd["cache_write"]
            + usage.cache_write_1h_tokens * usd["cache_write_1h"]
            + usage.output_tokens * usd["output"]
        ) / MILLION
        cost_usd = self.request_usd * usage.requests + tokens_usd
        return Priced(
            cost_usd, CUSTOM_SOURCE, f"from {self.valid_from}", f"{self.provider}/{self.model_name}"
        )

    @property
    def by_class(self) -> dict[str, Decimal]:
        """US dollars for a million tokens of each class; caches without an own price cost as input."""
        write_usd = _first_set(self.cache_write_usd_per_mtok, self.input_usd_per_mtok)
        return {
            "uncached": self.input_usd_per_mtok,
            "cached": _first_set(self.cached_input_usd_per_mtok, self.input_usd_per_mtok),
            "cache_write": write_usd,
            "cache_write_1h": _first_set(self.cache_write_1h_usd_per_mtok, write_usd),
            "output": self.output_usd_per_mtok,
        }


def _first_set(price_usd: Decimal | None, fallback_usd: Decimal) -> Decimal:
    return fallback_usd if price_usd is None else price_usd


def _key(model_name: str) -> str:
    """The same for all names of a model."""
    return canonical_model(model_name).casefold()


class CustomPrices:
    """All custom prices of a workspace; a price is valid from the start of a day in its time zone."""

    def __init__(self, prices: Iterable[CustomPrice], timezone: str = "UTC") -> None:
        self._zone = ZoneInfo(timezone)
        self._by_model: dict[tuple[str, str], list[CustomPrice]] = defaultdict(list)
        for price in sorted(prices, key=lambda price: price.valid_from, reverse=True):
            self._by_model[price.provider, _key(price.model_name)].append(price)

    def __bool__(self) -> bool:
        return bool(self._by_model)

    def __iter__(self) -> Iterator[CustomPrice]:
        return (price for prices in self._by_model.values() for price in prices)

    def find(self, record: CostRecord) -> CustomPrice | None:
        """The price of the record's model that is valid on its day."""
        prices = self._by_model.get((record.provider, _key(record.model_name)))
        if not prices:
            return None
        return _find_valid(prices, record.day or record.timestamp.astimezone(self._zone).date())

    def find_on(self, provider: str, model_name: str, day: date) -> CustomPrice | None:
        """The price of a model that is valid on a local day."""
        return _find_valid(self._by_model.get((provider, _key(model_name)), ()), day)


def _find_valid(newest_first: Iterable[CustomPrice], day: date) -> CustomPrice | None:
    return next((price for price in newest_first if price.valid_from <= day), None)


NO_CUSTOM_PRICES = CustomPrices(())


def parse_price(row: Mapping[str, Any], provider: str) -> CustomPrice:
    """The price in a row of `model_prices` that was selected with the columns SELECTED."""
    amounts: dict[str, Any] = {name: None if row[name] is None else Decimal(row[name]) for name in AMOUNTS}
    return CustomPrice(
        provider=provider,
        model_name=row["model_name"],
        valid_from=date.fromisoformat(row["valid_from"]),
        replaces_list=row["replaces_list"],
        id=str(row["id"]),
        user_id=str(row["user_id"]),
        **amounts,
    )


def select_prices(database: Database) -> list[Mapping[str, Any]]:
    """The workspace's rows of `model_prices`."""
    return list(select_all(database, Query("model_prices", SELECTED, ["id"])))
