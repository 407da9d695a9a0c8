"""Jobs of providers in words."""

from datetime import UTC, datetime
from decimal import Decimal

from app.figures.provider_jobs import (
    describe_savings,
    describe_state,
    describe_storage,
    describe_training,
    format_size,
    sum_savings,
)
from tally.connectors.jobs import Job
from tally.pricing.storage_prices import price_vector_stores

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def batch(cost: str | None, alone: str | None) -> Job:
    """A batch with its cost, and that of its requests without one."""
    usd = [None if text is None else Decimal(text) for text in (cost, alone)]
    return Job("batch", "b", "completed", NOW, cost_usd=usd[0], synchronous_usd=usd[1])


def test_savings_are_those_of_batches_with_both_prices() -> None:
    savings = sum_savings([batch("1", "2"), batch("0.5", "1"), batch(None, "9"), batch(None, None)])
    assert savings == (Decimal("1.5"), Decimal("1.5"), 2, 2)
    told = describe_savings(savings)
    assert told.startswith(
        "2 batches cost $1.50 at list prices, $1.50 less than the same requests without a batch."
    )
    assert "2 batches without a cost" in told
    assert describe_savings(sum_savings([])) == ""


def test_first_gigabyte_of_vector_stores_is_free() -> None:
    assert [price_vector_stores(size) for size in (0, 2**30, 3 * 2**30)] == [0, 0, Decimal("0.2")]
    assert describe_storage(0, 0) == "Nothing is stored now."
    assert describe_storage(1_500, 10**9) == "Stored now: 1.5 KB of files, 1 GB of vector stores."
    assert describe_storage(0, 3 * 2**30).endswith("about $0.20 a day at OpenAI's list price.")


def test_sizes_and_states_in_words() -> None:
    assert [format_size(size) for size in (0, 999, 1_000, 2_500_000, 12_340_000_000)] == [
        "0 B",
        "999 B",
        "1 KB",
        "2.5 MB",
        "12.3 GB",
    ]
    assert describe_state("in_progress") == "In progress"


def test_cost_of_training_is_summed() -> None:
    trained = Job("fine_tuning", "f", "succeeded", NOW, cost_usd=Decimal("1.25"))
    assert describe_training([trained, trained]).startswith("$2.50 for training at OpenAI's list prices.")
    assert describe_training([batch("1", "2")]) == ""
