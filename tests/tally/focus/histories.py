"""Random histories of a workspace: every kind of charge, prices of every kind, and names that are hostile."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tally.core.records import JSON, CostRecord, day_instant, identity
from tally.ledger.save import save_batch
from tally.pricing.estimate import estimate_record
from tally.storage.database import Database
from tests.tally.moving.houses import add_source

FIRST = datetime(2026, 1, 20, 5, tzinfo=UTC)
DAYS = 60
LAST = date(2026, 4, 30)
MODELS: Sequence[tuple[str, str]] = (
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-opus-4-1"),
    ("openai", "gpt-5"),
    ("openai", "gpt-4o-mini"),
    ("google", "gemini-2.5-pro"),
    ("aws-bedrock", "claude-sonnet-4-5"),
    ("openai", "a model that nobody lists"),
    ("local", "llama-3.3-70b"),
    ("openai", '=HYPERLINK("http://x","y")'),
    ("openai", "(unspecified)"),
    ("mistral", 'Ünicode, with; "quotes"\n and lines'),
)
METADATA: Sequence[dict[str, JSON]] = (
    {},
    {"agent": "claude-code", "environment": "production"},
    {"tags": ["red", "blue"], "agent": "codex"},
    {"tag": "=1+1", "price_context": "not an object"},
    {"price_context": {"processing": "batch"}},
    {"invoice_id": "INV-1", "price_multiplier": "0.85", "price_list_usd": "1"},
    {"price_multiplier": "-1e9", "cache_write_1h_tokens": 10**30},
    {"cache_write_1h_tokens": 7, "model": "claude-sonnet-4-5-20250929"},
)


def make_history(seed: int, count: int) -> list[CostRecord]:
    """Records of two months, the same for the same seed."""
    chance = random.Random(seed)
    return [_make_record(chance, seed, number) for number in range(count)]


def _make_record(chance: random.Random, seed: int, number: int) -> CostRecord:
    provider, model = chance.choice(MODELS)
    at = FIRST + timedelta(minutes=chance.randrange(DAYS * 24 * 60))
    kind: Any = chance.choice(["usage"] * 12 + ["subscription", "credit", "tax", "adjustment"])
    is_usage = kind == "usage"
    cached, written, fresh = (chance.choice([0, 0, chance.randrange(50_000)]) for _ in range(3))
    usage: Any = {}
    if is_usage and chance.random() < 0.9:
        usage = {
            "input_tokens": cached + written + fresh,
            "cached_input_tokens": cached,
            "cache_write_tokens": written,
            "output_tokens": chance.choice([0, chance.randrange(9_000)]),
            "request_count": chance.choice([0, 1, 3]),
        }
    basis: Any = chance.choice(["billed", "estimated", "estimated", "included"]) if is_usage else "billed"
    cost = Decimal(chance.randrange(1, 10**12)) / 10**10
    day = at.date() if chance.random() < 0.2 else None
    record = CostRecord(
        provider,
        day_instant(day, "UTC") if day else at,
        model,
        -cost if kind in ("credit", "adjustment") and chance.random() < 0.8 else cost,
        identity("focus", seed, number),
        basis,
        kind,
        day=day,
        billing_account=chance.choice([None, None, f"{provider}:acme"]),
        dataset=chance.choice(["requests", "costs"]) if basis == "billed" else "requests",
        metadata=dict(chance.choice(METADATA)),
        **usage,
    )
    return estimate_record(record) if basis != "billed" else record


def save_history(database: Database, records: Sequence[CostRecord], seed: int) -> list[str]:
    """Save the records from three sources; returns the sources."""
    sources = [add_source(database, "file", f"{seed}-{number}.csv") for number in range(3)]
    for place, source in enumerate(sources):
        save_batch(database, list(records[place::3]), source)
    return sources
