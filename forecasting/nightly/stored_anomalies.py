"""Rows of public.anomalies."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from forecasting.nightly.database import Connection
from forecasting.nightly.workspaces import Workspace

MIN_USD = Decimal(1)  # smaller differences and models are not flagged
HISTORY = "history"  # the basis of a day that was compared with the weeks around it, not with a forecast


@dataclass(frozen=True, slots=True)
class Window:
    """The last `look_back_days` days before a workspace's today."""

    workspace: Workspace
    look_back_days: int

    @property
    def parameters(self) -> dict[str, Any]:
        """Query parameters of the window."""
        return {
            "workspace_id": self.workspace.id,
            "today": self.workspace.today,
            "look_back": self.look_back_days,
        }


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An unusual day, or the first day of a new model; amounts in dollars."""

    day: date
    kind: str
    actual: Decimal
    provider_id: UUID | None = None
    model_name: str | None = None
    expected: Decimal | None = None
    lower_95: Decimal | None = None
    upper_95: Decimal | None = None
    attribution: dict[str, str] | None = None
    metadata: dict[str, str] = field(default_factory=dict)


SAVE = """
insert into public.anomalies as a (
    workspace_id, day, provider_id, model_name, kind, actual_usd, expected_usd, lower_95, upper_95,
    attribution, metadata
)
select
    w.id, %(day)s, %(provider_id)s, %(model_name)s, %(kind)s, %(actual)s, %(expected)s, %(lower_95)s,
    %(upper_95)s, %(attribution)s, %(metadata)s
from public.workspaces as w
where w.id = %(workspace_id)s -- it may have been deleted meanwhile
on conflict on constraint anomalies_once do update
set
    actual_usd = excluded.actual_usd,
    expected_usd = excluded.expected_usd,
    lower_95 = excluded.lower_95,
    upper_95 = excluded.upper_95,
    attribution = excluded.attribution,
    metadata = excluded.metadata
where
    (a.actual_usd, a.expected_usd, a.lower_95, a.upper_95, a.attribution, a.metadata) is distinct from (
        excluded.actual_usd, excluded.expected_usd, excluded.lower_95, excluded.upper_95,
        excluded.attribution, excluded.metadata
    )"""

# Of the last days all that were not found again. Of earlier ones those compared with the weeks around them,
# and those whose records have changed, such as after the undo of an import.
DELETE_STALE = """
delete from public.anomalies as a
where
    a.workspace_id = %(workspace_id)s
    and a.day < %(today)s
    and (
        a.day >= %(today)s::date - %(look_back)s::integer
        or a.metadata ->> 'basis' = %(history)s
        or (
            a.kind = 'spend' and a.actual_usd <> (
                select coalesce(sum(d.total_cost_usd), 0)
                from private.current_days as d
                where
                    d.workspace_id = a.workspace_id
                    and d.date = a.day
                    and d.cost_basis <> 'included'
                    and (a.provider_id is null or d.provider_id = a.provider_id)
            )
        )
        or (
            a.kind = 'new_model' and not exists (
                select from private.current_days as d
                where
                    d.workspace_id = a.workspace_id and d.date = a.day and d.model_name = a.model_name
            )
        )
    )
    and not exists (
        select from unnest(
            %(days)s::date[], %(providers)s::uuid[], %(models)s::text[], %(kinds)s::text[]
        ) as f (day, provider_id, model_name, kind)
        where
            f.day = a.day
            and f.kind = a.kind
            and f.provider_id is not distinct from a.provider_id
            and f.model_name is not distinct from a.model_name
    )"""


def replace_anomalies(connection: Connection, window: Window, found: Sequence[Anomaly]) -> None:
    """Replace the anomalies that are not found again with `found`; muted ones stay muted.

    In the caller's transaction.
    """
    connection.execute(DELETE_STALE, {**window.parameters, **_columns(found), "history": HISTORY})
    with connection.cursor() as cursor:
        cursor.executemany(SAVE, [window.parameters | _values(anomaly) for anomaly in found])


def _columns(found: Sequence[Anomaly]) -> dict[str, list[Any]]:
    return {
        "days": [anomaly.day for anomaly in found],
        "providers": [anomaly.provider_id for anomaly in found],
        "models": [anomaly.model_name for anomaly in found],
        "kinds": [anomaly.kind for anomaly in found],
    }


def _values(anomaly: Anomaly) -> dict[str, Any]:
    return {field.name: getattr(anomaly, field.name) for field in fields(anomaly)} | {
        "attribution": Jsonb(anomaly.attribution or {}),
        "metadata": Jsonb(anomaly.metadata),
    }
