"""Jobs of providers in words: kinds, states, sizes, and the savings of batches."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from app.formats.money import format_usd
from tally.connectors.jobs import Job, JobKind
from tally.pricing.storage_prices import price_vector_stores

KINDS: dict[JobKind, str] = {
    "batch": "Batches",
    "fine_tuning": "Fine-tuning",
    "file": "Files",
    "vector_store": "Vector stores",
}
SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "KB"))


class Savings(NamedTuple):
    """The cost and the saving of batches, and how many have no price."""

    cost_usd: Decimal
    saved_usd: Decimal
    priced: int
    unpriced: int


def format_size(size: int) -> str:
    """A number of bytes with a unit."""
    for unit, name in SIZES:
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} B"


def describe_state(state: str) -> str:
    """A state as its provider says it, without underscores."""
    return state.replace("_", " ").capitalize()


def sum_savings(jobs: Sequence[Job]) -> Savings:
    """The sum over batches."""
    batches = [job for job in jobs if job.kind == "batch"]
    priced = [job for job in batches if job.cost_usd is not None and job.saved_usd is not None]
    return Savings(
        sum((job.cost_usd or Decimal(0) for job in priced), Decimal(0)),
        sum((job.saved_usd or Decimal(0) for job in priced), Decimal(0)),
        len(priced),
        len(batches) - len(priced),
    )


def describe_savings(savings: Savings) -> str:
    """A sentence on what batches saved."""
    told = []
    if savings.priced:
        told.append(
            f"{_count(savings.priced)} cost {format_usd(savings.cost_usd)} at list prices, "
            f"{format_usd(savings.saved_usd)} less than the same requests without a batch."
        )
    if savings.unpriced:
        told.append(
            f"{_count(savings.unpriced)} without a cost: tokens aren't known yet, the provider doesn't tell "
            "them, or the model has no batch price."
        )
    return " ".join(told)


def _count(batches: int) -> str:
    return "1 batch" if batches == 1 else f"{batches:,} batches"


def describe_training(jobs: Sequence[Job]) -> str:
    """A sentence on what training cost."""
    priced = [job.cost_usd for job in jobs if job.kind == "fine_tuning" and job.cost_usd is not None]
    if not priced:
        return ""
    told = f"{format_usd(sum(priced, Decimal(0)))} for training at OpenAI's list prices"
    return f"{told}. Reinforcement fine-tuning is paid by the hour and has no cost here."


def describe_storage(file_bytes: int, store_bytes: int) -> str:
    """A sentence on what is stored, and what vector stores cost a day."""
    if not file_bytes and not store_bytes:
        return "Nothing is stored now."
    told = f"Stored now: {format_size(file_bytes)} of files, {format_size(store_bytes)} of vector stores"
    usd = price_vector_stores(store_bytes)
    return f"{told}, about {format_usd(usd)} a day at OpenAI's list price." if usd else f"{told}."
