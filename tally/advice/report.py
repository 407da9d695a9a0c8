"""Advice as programs read it: each piece with its range. Savings overlap, so that nothing here is a sum."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tally.advice.kept import COLUMNS, KeptAdvice, Status, Verified, parse_kept
from tally.advice.titles import name_advice
from tally.core.encoding import canonical_decimal
from tally.storage.database import Database, Query, select_all


def load_advice(
    database: Database, status: Status = "open", project_id: UUID | None = None
) -> list[KeptAdvice]:
    """Load what is open, applied or dismissed, largest saving first; of a project, that on it alone."""
    rows = select_all(database, Query("advice", COLUMNS, ["id"], {"status": status}))
    found = [parse_kept(row) for row in rows if project_id is None or row["project_id"] == str(project_id)]
    return sorted(found, key=lambda one: (-one.saving.mid, one.id))


def describe_all(advice: Sequence[KeptAdvice]) -> dict[str, Any]:
    """The answer of the API, and of the command with --json."""
    return {"currency": "USD", "advice": list(map(describe_advice, advice))}


def describe_advice(advice: KeptAdvice) -> dict[str, Any]:
    """One piece; amounts are US dollars a month, as text."""
    low, mid, high = map(canonical_decimal, advice.saving)
    return {
        "id": advice.id,
        "kind": advice.kind,
        "title": name_advice(advice),
        "status": advice.status,
        "subject": dict(advice.subject),
        "current_usd": canonical_decimal(advice.current_usd),
        "saving_usd": {"low": low, "likely": mid, "high": high},
        "confidence": advice.confidence,
        "basis": advice.basis,
        "evidence": dict(advice.evidence),
        "assumptions": list(advice.assumptions),
        "from": advice.window[0].isoformat(),
        "to": advice.window[1].isoformat(),
        "decided_at": advice.decided_at.isoformat() if advice.decided_at else None,
        "verified": _describe_verified(advice.verified) if advice.verified else None,
    }


def _describe_verified(verified: Verified) -> dict[str, Any]:
    amounts = {
        "month_usd": verified.month_usd,
        "low_usd": verified.low_usd,
        "high_usd": verified.high_usd,
        "since_usd": verified.since_usd,
    }
    told = {name: None if usd is None else canonical_decimal(usd) for name, usd in amounts.items()}
    return {"state": verified.state, "days": verified.days, "needed_days": verified.needed_days} | told
