"""Corrections of the price list where it differs from the provider's published prices."""

from datetime import UTC, date, time
from decimal import Decimal

from genai_prices.types import (
    ConditionalPrice,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
    Tier,
    TieredPrices,
)

from tally.pricing.peak_hours import PeakHours

LONG = 200_000  # input tokens above which a request to Claude costs more


def _claude(input_usd: str, output_usd: str, long: tuple[str, str] | None = None) -> ModelPrice:
    """US dollars per million tokens, of input and output; `long` has those of more than 200,000 input tokens.

    Reads from the cache cost a tenth of input, writes for 5 minutes 1.25 times as much, for an hour twice.
    """
    factors = {
        "input_mtok": "1",
        "cache_read_mtok": "0.1",
        "cache_write_mtok": "1.25",
        "cache_write_1h_mtok": "2",
    }
    prices: dict[str, Decimal | TieredPrices] = {}
    for name, factor in factors.items():
        prices[name] = _tiered(
            Decimal(input_usd) * Decimal(factor), long and Decimal(long[0]) * Decimal(factor)
        )
    output = _tiered(Decimal(output_usd), long and Decimal(long[1]))
    return ModelPrice(**prices, output_mtok=output, web_searches_kcount=Decimal(10))


def _tiered(base: Decimal, long: Decimal | None) -> Decimal | TieredPrices:
    return base if long is None else TieredPrices(base, [Tier(LONG, long)])


def _since(day: date, input_usd: str, cached_usd: str, output_usd: str, **others: str) -> ConditionalPrice:
    """US dollars per million tokens from the start of a UTC day."""
    prices = ModelPrice(
        input_mtok=Decimal(input_usd),
        cache_read_mtok=Decimal(cached_usd),
        output_mtok=Decimal(output_usd),
        **{name: Decimal(amount) for name, amount in others.items()},
    )
    return ConditionalPrice(constraint=StartDateConstraint(day), prices=prices)


# api-docs.deepseek.com, Models & Pricing: the off-peak discount ended on 2025-09-05 at 16:00 UTC, V3.2-Exp
# halved the prices, and from V4 both names were aliases of V4 Flash until they were retired in July 2026.
_DEEPSEEK = (
    _since(date(2025, 9, 6), "0.56", "0.07", "1.68"),
    _since(date(2025, 9, 29), "0.28", "0.028", "0.42"),
    _since(date(2026, 4, 24), "0.14", "0.028", "0.28"),
    _since(date(2026, 4, 27), "0.14", "0.0028", "0.28"),
)
# api-docs.deepseek.com, Models & Pricing: peak hours since 2026-08-17 in Beijing, at twice the other price;
# weekends have none since 2026-08-23. The list has the hours without their days and their first day.
_PEAK_HOURS = ((time(1, tzinfo=UTC), time(4, tzinfo=UTC)), (time(6, tzinfo=UTC), time(10, tzinfo=UTC)))
_FIRST_PEAK, _NO_WEEKENDS = date(2026, 8, 17), date(2026, 8, 23)


def _at_peak(day: date, input_usd: str, cached_usd: str, output_usd: str) -> tuple[ConditionalPrice, ...]:
    """US dollars per million tokens from a day on, and twice as much in the peak hours."""
    usual = _since(day, input_usd, cached_usd, output_usd)
    doubled = ModelPrice(
        input_mtok=Decimal(input_usd) * 2,
        cache_read_mtok=Decimal(cached_usd) * 2,
        output_mtok=Decimal(output_usd) * 2,
    )
    return usual, *(
        ConditionalPrice(constraint=PeakHours(start, end, day, _NO_WEEKENDS), prices=doubled)
        for start, end in _PEAK_HOURS
    )


_V4_FLASH = (
    _since(date(2026, 4, 24), "0.14", "0.0028", "0.28"),
    *_at_peak(_FIRST_PEAK, "0.22", "0.007", "0.66"),
    *_at_peak(date(2026, 9, 10), "0.15", "0.003", "0.60"),
)
_V4_PRO = (
    _since(date(2026, 4, 24), "0.435", "0.003625", "0.87"),
    *_at_peak(_FIRST_PEAK, "0.66", "0.022", "1.98"),
)
_FLASH = _at_peak(date(2026, 9, 10), "0.15", "0.003", "0.60")
_OPENAI_TOOLS = {"web_searches_kcount": "10", "storage_searches_kcount": "2.5"}
# Cached input costs a quarter of other input, both before and after the price cut.
_O3 = (
    _since(date(2025, 4, 16), "10", "2.50", "40", **_OPENAI_TOOLS),
    _since(date(2025, 6, 10), "2", "0.50", "8", **_OPENAI_TOOLS),
)
# platform.claude.com, Pricing: requests above 200,000 input tokens, possible since 2025-08-12.
_SONNET_4 = (
    ConditionalPrice(
        constraint=StartDateConstraint(date(2025, 8, 12)), prices=_claude("3", "15", ("6", "22.50"))
    ),
)
CORRECTIONS: dict[str, tuple[ConditionalPrice, ...]] = {
    "anthropic/claude-sonnet-4-0": _SONNET_4,
    "deepseek/deepseek-chat": _DEEPSEEK,
    "deepseek/deepseek-flash": _FLASH,
    "deepseek/deepseek-reasoner": _DEEPSEEK,
    "deepseek/deepseek-v4-flash": _V4_FLASH,
    "deepseek/deepseek-v4-pro": _V4_PRO,
    "openai/o3": _O3,
}
# docs.mistral.ai, Models: Mistral Large 3 is mistral-large-2512. Other lists have both names, at one price.
NAMES = {"mistral-large-3": "mistral-large-2512"}
_FAST = {"speed": "fast"}
# Variants that the list lacks; the first that is valid applies. platform.claude.com, Fast mode: six times the
# standard price; long contexts cost more until 2026-03-13, when a million tokens became standard.
VARIANTS: dict[str, tuple[PriceVariant, ...]] = {
    "anthropic/claude-opus-4-6": (
        PriceVariant(_FAST, _claude("30", "150"), StartDateConstraint(date(2026, 3, 13))),
        PriceVariant(_FAST, _claude("30", "150", ("60", "225"))),
    ),
    "anthropic/claude-opus-4-7": (PriceVariant(_FAST, _claude("30", "150")),),
}
