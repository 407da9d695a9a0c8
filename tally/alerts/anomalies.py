"""Days out of the ordinary and new models, which the nightly run has found."""

from datetime import date, timedelta
from decimal import Decimal

from tally.alerts.rules import Connection, Finding, Watched

LOOK_BACK_DAYS = 30
FRESH_DAYS = 3  # an older day is history: a first import tells nobody about last spring
FRESH_MODEL_DAYS = 7  # a share of the spend takes some days to show
ALL = "all"

ANOMALIES = """
select a.day, p.display_name, a.model_name, a.actual_usd, a.expected_usd, a.lower_95, a.upper_95
from public.anomalies as a
left join public.providers as p on a.provider_id = p.id
where a.workspace_id = %s and a.kind = 'spend' and a.muted_at is null and a.day between %s and %s
order by a.day, a.model_name is null, a.provider_id is null, a.actual_usd - a.expected_usd desc"""

NEW_MODELS = """
select a.day, a.model_name, a.actual_usd, a.attribution ->> 'others'
from public.anomalies as a
where a.workspace_id = %s and a.kind = 'new_model' and a.muted_at is null and a.day between %s and %s
order by a.day, a.model_name"""


def find_anomalies(connection: Connection, watched: Watched) -> list[Finding]:
    """One event for a day: about the model that caused it, or else the provider, or all spend."""
    found: dict[date, Finding] = {}
    for day, provider, model, actual, expected, low, high in connection.execute(
        ANOMALIES, _window(watched)
    ).fetchall():
        if day in found:
            continue
        facts = {
            "day": day.isoformat(),
            "model": model,
            "provider": provider,
            "amount": str(actual),
            "expected": str(expected),
            "low": str(low),
            "high": str(high),
            "currency": "USD",
        }
        is_late = day < watched.today - timedelta(days=FRESH_DAYS)
        found[day] = Finding("anomaly", ALL, day, "warning" if actual > expected else "info", facts, is_late)
    return list(found.values())


def find_new_models(connection: Connection, watched: Watched) -> list[Finding]:
    """Models that are new and take the share of the spend that the workspace asks about."""
    found = []
    for day, model, cost, others in connection.execute(NEW_MODELS, _window(watched)).fetchall():
        total = cost + Decimal(others or 0)
        share = cost / total if total > 0 else Decimal(1)
        if share * 100 < watched.rules.new_model_percent:
            continue
        facts = {
            "model": model,
            "share": str(round(share, 4)),
            "amount": str(cost),
            "currency": "USD",
            "since": day.isoformat(),
        }
        is_late = day < watched.today - timedelta(days=FRESH_MODEL_DAYS)
        found.append(Finding("new_model", model, day, "info", facts, is_late))
    return found


def _window(watched: Watched) -> tuple[object, date, date]:
    return watched.id, watched.today - timedelta(days=LOOK_BACK_DAYS), watched.today
