"""Models in use that their provider will no longer serve, while there is time to change to another."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tally.alerts.rules import Connection, Finding, Severity, Watched
from tally.catalog.retirements import list_retirements

USED_DAYS = 30
LONGEST_DAYS = 365  # ahead
URGENT_DAYS = 14

USED = """
select d.workspace_id, d.provider, d.model_name, sum(d.total_cost_usd)
from private.current_days as d
inner join unnest(%(providers)s::text[], %(models)s::text[]) as r (provider, model_name)
    on d.provider = r.provider and d.model_name = r.model_name
where d.date >= %(today)s::date - %(days)s::integer and d.charge_type = 'usage'
group by d.workspace_id, d.provider, d.model_name
order by d.workspace_id, sum(d.total_cost_usd) desc nulls last, d.provider, d.model_name"""


def find_retirements(
    connection: Connection, workspaces: Mapping[UUID, Watched], now: datetime
) -> dict[UUID, list[Finding]]:
    """One event for each model that retires within a workspace's days, or did, and was used of late."""
    today = now.date()
    retiring = list_retirements(today - timedelta(days=1), today + timedelta(days=LONGEST_DAYS))
    keys: dict[str, Any] = {
        "providers": [provider for provider, _ in retiring],
        "models": [model for _, model in retiring],
        "today": today,
        "days": USED_DAYS,
    }
    found: dict[UUID, list[Finding]] = defaultdict(list)
    for workspace, provider, model, cost in connection.execute(USED, keys).fetchall():
        watched, retirement = workspaces.get(workspace), retiring[provider, model]
        if watched and 0 <= (retirement.day - watched.today).days <= watched.rules.retirement_days:
            facts = {
                "model": model,
                "provider": provider,
                "retires_on": retirement.day.isoformat(),
                "successor": retirement.successor,
                "amount": _text(cost),
                "currency": "USD",
            }
            found[workspace].append(_describe(f"{provider}:{model}", retirement.day, watched.today, facts))
    return found


def _describe(subject: str, day: date, today: date, facts: Mapping[str, Any]) -> Finding:
    severity: Severity = "warning" if (day - today).days <= URGENT_DAYS else "info"
    return Finding("retirement", subject, day, severity, facts)


def _text(cost: Decimal | None) -> str | None:
    return f"{cost.normalize():f}" if cost else None
