"""Advice as it is kept: with what people decided, and what was saved since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from tally.advice.findings import Basis, Confidence, Kind, Saving

Status = Literal["open", "applied", "dismissed"]
STATUSES: tuple[Status, ...] = ("open", "applied", "dismissed")
COLUMNS = (
    "id,kind,subject,project_id,current_usd::text,saving_low::text,saving_mid::text,saving_high::text,confidence,"
    "basis,evidence,assumptions,window_from,window_to,status,found_at,decided_at,decided_by,verification"
)


@dataclass(frozen=True, slots=True)
class Verified:
    """A measured saving, in US dollars a month with its 95% interval; None while too little is known."""

    state: str
    days: int
    needed_days: int
    month_usd: Decimal | None
    low_usd: Decimal | None
    high_usd: Decimal | None
    since_usd: Decimal | None
    price_usd: Decimal | None
    mix_usd: Decimal | None
    volume_usd: Decimal | None
    before_volume_usd: Decimal | None
    units: Sequence[tuple[date, float]]


@dataclass(frozen=True, slots=True)
class KeptAdvice:
    """A row of `advice`; amounts are US dollars a month."""

    id: str
    kind: Kind
    subject: Mapping[str, str]
    project_id: str | None
    current_usd: Decimal
    saving: Saving
    confidence: Confidence
    basis: Basis
    evidence: Mapping[str, Any]
    assumptions: Sequence[str]
    window: tuple[date, date]
    status: str
    found_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    verified: Verified | None

    @property
    def would_be(self) -> tuple[Decimal, Decimal]:
        """The least and the most that a month would have cost."""
        return self.current_usd - self.saving.high, self.current_usd - self.saving.low


def parse_kept(row: Mapping[str, Any]) -> KeptAdvice:
    """The advice in a row that was selected with COLUMNS."""
    return KeptAdvice(
        id=row["id"],
        kind=row["kind"],
        subject=row["subject"],
        project_id=row["project_id"],
        current_usd=Decimal(row["current_usd"]),
        saving=Saving(*(Decimal(row[f"saving_{name}"]) for name in ("low", "mid", "high"))),
        confidence=row["confidence"],
        basis=row["basis"],
        evidence=row["evidence"],
        assumptions=row["assumptions"],
        window=(date.fromisoformat(row["window_from"]), date.fromisoformat(row["window_to"])),
        status=row["status"],
        found_at=datetime.fromisoformat(row["found_at"]),
        decided_at=datetime.fromisoformat(row["decided_at"]) if row["decided_at"] else None,
        decided_by=row["decided_by"],
        verified=_parse_verified(row["verification"]) if row["verification"] else None,
    )


def _parse_verified(told: Mapping[str, Any]) -> Verified:
    amounts = ("month_usd", "low_usd", "high_usd", "since_usd", "price_usd", "mix_usd", "volume_usd")
    return Verified(
        state=told["state"],
        days=told["days"],
        needed_days=told["needed_days"],
        units=[(date.fromisoformat(day), float(unit)) for day, unit in told["units"]],
        **{name: _read_usd(told.get(name)) for name in (*amounts, "before_volume_usd")},
    )


def _read_usd(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))
