"""Advice of every kind, as the rules make it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from tally.advice.findings import KINDS, NOTHING, Advice, Kind, Saving
from tally.advice.kept import KeptAdvice
from tally.advice.stored import keep_advice

MODEL = {"agent": "support", "provider": "anthropic", "model": "claude-sonnet-4-5"}
CALLS = {"requests": 900, "tier": ""}
PAUSES = CALLS | {"conversations": 120, "pauses": 300, "long_pauses": 60, "worth_above": 90}
MONTHS = {"months": 3, "from_day": "2026-07-01", "to_day": "2026-09-30"}
SUBSCRIPTION = {
    "subscription_id": "00000000-0000-4000-8000-000000000001",
    "provider": "claude-desktop",
    "plan": "Claude Max",
}
FACTS: dict[Kind, tuple[dict[str, str], dict[str, Any]]] = {
    "experiment": (
        {"experiment_id": "e", "name": "Refunds on Haiku", "variant": "Haiku", "baseline": "Sonnet"},
        {"sentence": "Haiku costs 38% less (95%: 31 to 44%) at equal quality."},
    ),
    "model_switch": (
        MODEL | {"to_provider": "anthropic", "to_model": "claude-haiku-4-5"},
        {"requests": 412, "tier": "", "other_requests": 398, "other_share": 49, "unpriced": 0},
    ),
    "caching": (
        MODEL,
        CALLS | {"following": 700, "conversations": 90, "reusable_share": 60, "cached_share": 0},
    ),
    "cache_hour": (MODEL, PAUSES),
    "cache_minutes": (MODEL, PAUSES),
    "batch": (MODEL | {"processing": "batch"}, CALLS | {"requests": 18_440, "first_hour": 1, "end_hour": 3}),
    "long_context": (
        MODEL | {"over": "200000"},
        {"requests": 90, "tier": "", "all_requests": 400, "premium_usd": "61.20"},
    ),
    "priority": (MODEL | {"tier": "priority"}, {"requests": 300, "tier": "priority"}),
    "plan": (
        {"agent": "claude-code", "provider": "anthropic", "plan": "Claude Max 20x"},
        MONTHS | {"least_usd": "610.00", "plan_usd": "200", "cheaper_plan": "Claude Max 5x"},
    ),
    "api_instead": (SUBSCRIPTION, {"months": 3, "worth_usd": "12.00"}),
    "unused_subscription": (SUBSCRIPTION, {"last_used": "2026-09-01", "covered_days": 29}),
    "idle_key": ({"key_id": "k", "name": "old laptop"}, {"since": "2026-08-01", "was_used": True}),
    "repeats": (MODEL, CALLS | {"failed": 20, "repeats": 40}),
    "retirement": (
        {"provider": "anthropic", "model": "claude-sonnet-4-5", "to_model": "claude-sonnet-5-5"},
        {"retires_on": "2026-11-30", "requests": 38_760, "is_priced": True},
    ),
}  # fmt: skip


def make_piece(kind: Kind, **others: Any) -> Advice:
    """A piece of advice of a kind."""
    subject, evidence = FACTS[kind]
    saving = Saving.between(Decimal(20), Decimal(60))
    if kind == "idle_key":
        saving = NOTHING
    if kind == "retirement":
        saving = Saving.between(Decimal(-14), Decimal(-7))
    if kind in ("unused_subscription", "priority"):
        saving = Saving.exactly(Decimal(80))
    values: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        "current_usd": Decimal(100),
        "saving": saving,
        "confidence": "high",
        "basis": "measured",
        "evidence": evidence,
        "assumptions": ("Prompts begin alike.",),
    }
    return Advice(**values | others)


def every_piece() -> list[Advice]:
    """One of each kind."""
    return [make_piece(kind) for kind in KINDS]


def keep_pieces(
    connection: psycopg.Connection[Any], workspace: UUID | str, pieces: list[Advice], today: date
) -> None:
    """Keep these pieces as those that the last night found."""
    window = today - timedelta(days=28), today - timedelta(days=1)
    keep_advice(connection, UUID(str(workspace)), pieces, window)


def keep_piece(piece: Advice, found_at: datetime) -> KeptAdvice:
    """A piece as it is kept, open."""
    day = found_at.date()
    return KeptAdvice(
        id="a",
        kind=piece.kind,
        subject=piece.subject,
        project_id=None,
        current_usd=piece.current_usd,
        saving=piece.saving,
        confidence=piece.confidence,
        basis=piece.basis,
        evidence=piece.evidence,
        assumptions=piece.assumptions,
        window=(day - timedelta(days=28), day - timedelta(days=1)),
        status="open",
        found_at=found_at,
        decided_at=None,
        decided_by=None,
        verified=None,
    )
