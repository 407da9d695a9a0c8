"""Corrections of the price list where it differs from the provider's published prices."""

from datetime import date
from decimal import Decimal

from genai_prices.types import ConditionalPrice, ModelPrice, StartDateConstraint


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
_OPENAI_TOOLS = {"web_searches_kcount": "10", "storage_searches_kcount": "2.5"}
# Cached input costs a quarter of other input, both before and after the price cut.
_O3 = (
    _since(date(2025, 4, 16), "10", "2.50", "40", **_OPENAI_TOOLS),
    _since(date(2025, 6, 10), "2", "0.50", "8", **_OPENAI_TOOLS),
)
CORRECTIONS: dict[str, tuple[ConditionalPrice, ...]] = {
    "deepseek/deepseek-chat": _DEEPSEEK,
    "deepseek/deepseek-reasoner": _DEEPSEEK,
    "openai/o3": _O3,
}
