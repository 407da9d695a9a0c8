"""The records in which advice was found, as filters that the list of records takes.

Their cost, times `to_month`, is what advice says is paid in a month.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tally.advice.findings import TO_MONTH, Kind
from tally.advice.kept import KeptAdvice

# Of these, all agents together; of plans and retirements, all projects, too.
OF_ALL_AGENTS: frozenset[Kind] = frozenset({"experiment", "model_switch", "retirement"})
OF_ALL_PROJECTS: frozenset[Kind] = frozenset({"plan", "retirement"})
# Found in plans, keys and decisions, which have pages of their own.
OF_BELONGINGS: frozenset[Kind] = frozenset({"experiment", "api_instead", "unused_subscription", "idle_key"})


@dataclass(frozen=True, slots=True)
class Rows:
    """Paid calls of some days. None is any; an empty agent or tier is that of calls without one."""

    days: tuple[date, date]
    to_month: Decimal
    provider: str
    model: str | None = None
    project_id: str | None = None
    is_any_project: bool = False
    agent: str | None = None
    tier: str | None = None
    over: int | None = None


def find_rows(advice: KeptAdvice) -> Rows | None:
    """The calls behind advice; None for what was not found in calls."""
    subject, evidence = advice.subject, advice.evidence
    if advice.kind in OF_BELONGINGS:
        return None
    days, to_month = advice.window, TO_MONTH
    if advice.kind == "plan":
        days = date.fromisoformat(evidence["from_day"]), date.fromisoformat(evidence["to_day"])
        to_month = 1 / Decimal(evidence["months"])
    return Rows(
        days=days,
        to_month=to_month,
        provider=subject["provider"],
        model=subject.get("model"),
        project_id=subject.get("project_id"),
        is_any_project=advice.kind in OF_ALL_PROJECTS,
        agent=None if advice.kind in OF_ALL_AGENTS else subject.get("agent", ""),
        tier=evidence.get("tier"),
        over=int(subject["over"]) if "over" in subject else None,
    )


def to_filters(rows: Rows, provider_id: str) -> dict[str, Any]:
    """The filters as `list_records` takes them, without the period."""
    found: dict[str, Any] = {
        "calls": "paid",
        "provider": provider_id,
        "model": rows.model,
        "agent": rows.agent,
        "tier": rows.tier,
        "over": None if rows.over is None else str(rows.over),
    }
    given = {name: value for name, value in found.items() if value is not None}
    return given if rows.is_any_project else given | {"project": rows.project_id}
