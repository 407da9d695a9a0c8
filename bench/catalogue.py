"""The catalogue of models: reading it once, searching it with and without slips, and its prices at a mix."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from bench.measurement import Measurement, Options, seconds
from tally.catalog.entries import FILE, read_file
from tally.catalog.search import Index
from tally.pricing.catalogue_prices import price_entries
from tally.pricing.custom_prices import NO_CUSTOM_PRICES

QUERIES = (
    "gpt-5.2",
    "claude",
    "cluade sonet 4.5",
    "gemini 2.5 flsh",
    "deepsek v3",
    "amazon bedrock llamma 3.3",
    "zzzzqqqq wwwwxxxx",
    "x" * 1_000,
)
MIX = {"input": Decimal("0.6"), "cached": Decimal("0.3"), "output": Decimal("0.1")}
SEARCH_SECONDS, READ_SECONDS, REPEATS = 0.05, 0.5, 5


def measure(_options: Options) -> Iterator[Measurement]:
    """Measure the slowest of the queries, each as the best of its repeats."""
    entries = read_file(FILE).entries
    index = Index(entries)
    yield _measure("reading the file", min(seconds(lambda: read_file(FILE)) for _ in range(3)), READ_SECONDS)
    yield _measure("its words", min(seconds(lambda: Index(entries)) for _ in range(3)), READ_SECONDS)
    searches = [partial(index.search, query) for query in QUERIES]
    slowest = max(min(seconds(search) for _ in range(REPEATS)) for search in searches)
    yield _measure(f"slowest of {len(QUERIES)} searches of {len(entries):,} models", slowest, SEARCH_SECONDS)
    today = datetime.now(UTC).date()
    yield _measure(
        "all by their price at a mix",
        min(seconds(lambda: price_entries(entries, MIX, NO_CUSTOM_PRICES, today)) for _ in range(REPEATS)),
        SEARCH_SECONDS,
    )


def _measure(name: str, value: float, most: float) -> Measurement:
    return Measurement(f"catalogue: {name}", value, "s", most, value / most, 1)
