"""Connections and machines that brought data and then no more: silence must not look like $0."""

from datetime import timedelta

from tally.alerts.rules import DEFAULTS, Connection, Finding, Watched, about_person

FRESH_DAYS = 30  # a source that fell silent earlier is history

SILENT = "select * from private.silent_sources(array[%s]::uuid[], %s)"

# Events of sources that brought data again, or are gone.
OVER = """
select e.id
from public.alert_events as e
left join public.imports as i on i.workspace_id = e.workspace_id and i.id::text = e.subject and i.is_enabled
inner join public.workspaces as w on e.workspace_id = w.id
where
    e.workspace_id = %s
    and e.kind = 'silent_source'
    and e.state = 'open'
    and e.cleared_at is null
    and (i.id is null or (i.finished_at at time zone w.timezone)::date > e.period_start)"""


def find_silent_sources(connection: Connection, watched: Watched) -> list[Finding]:
    """One event for each silence, which begins on the last day that anything came."""
    rows = connection.execute(SILENT, [watched.id, DEFAULTS.silent_days]).fetchall()
    found = []
    for _, source_id, user_id, kind, format_name, name, last_day, today, problem in rows:
        facts = {
            "source": f"{format_name} on {name}" if kind == "machine" else name,
            "last_day": last_day.isoformat(),
            "days": (today - last_day).days,
            **({"problem": problem[:300]} if problem else {}),
            **(about_person(watched, user_id) if kind == "machine" else {}),
        }
        is_late = last_day < today - timedelta(days=FRESH_DAYS)
        found.append(Finding("silent_source", str(source_id), last_day, "warning", facts, is_late))
    return found


def find_over(connection: Connection, watched: Watched) -> list[object]:
    """Ids of the open events whose sources are silent no more."""
    return [event for (event,) in connection.execute(OVER, [watched.id]).fetchall()]
