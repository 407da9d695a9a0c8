"""List prices of storage by the day, which no list of models has."""

from decimal import Decimal

GB = 10**9
# platform.openai.com, Pricing, built-in tools: vector stores of file search; the first gigabyte is free.
VECTOR_STORE_USD_PER_GB_DAY = Decimal("0.10")
FREE_BYTES = GB


def price_vector_stores(stored_bytes: int) -> Decimal:
    """Dollars a day for the vector stores of an organization at OpenAI, at the list price."""
    return VECTOR_STORE_USD_PER_GB_DAY * max(stored_bytes - FREE_BYTES, 0) / GB
