"""A workspace's choice of what it is alerted of, and what a rule finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Literal, get_args
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]
Kind = Literal[
    "anomaly", "new_model", "silent_source", "renewal", "price", "retirement", "bill", "idle", "credits"
]
Severity = Literal["info", "warning", "critical"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The kinds of events that a workspace hears about, and their limits."""

    anomaly: bool = True
    new_model: bool = True
    silent_source: bool = True
    renewal: bool = True
    price: bool = True
    retirement: bool = True
    bill: bool = True
    idle: bool = True
    credits: bool = True
    new_model_percent: int = 20  # of the spend since its first day
    silent_days: int = 5
    renewal_days: int = 3  # ahead
    retirement_days: int = 60  # ahead
    credit_days: int = 5  # before prepaid credits end
    bill_percent: int = 10  # by which a bill differs from its estimate

    def wants(self, kind: Kind) -> bool:
        """True if the kind is switched on."""
        return bool(getattr(self, kind))


DEFAULTS = AlertRules()


def read_rules(stored: Mapping[str, Any]) -> AlertRules:
    """The rules in a workspace's `alert_rules`; what is missing or of another form has its default."""
    given: dict[str, Any] = {}
    for each in fields(AlertRules):
        value, default = stored.get(each.name), each.default
        if isinstance(value, bool) == isinstance(default, bool) and isinstance(value, int | float):
            given[each.name] = value if isinstance(default, bool) else int(value)
    return AlertRules(**given)


@dataclass(frozen=True, slots=True)
class Watched:
    """A workspace that is looked at; `today` in its own zone."""

    id: UUID
    today: date
    is_shared: bool
    rules: AlertRules


@dataclass(frozen=True, slots=True)
class Finding:
    """An event to raise, one for each subject and start of a period; `is_late` if it is history."""

    kind: Kind
    subject: str
    period_start: date
    severity: Severity
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_late: bool = False


def about_person(watched: Watched, user_id: UUID) -> dict[str, str]:
    """The fact that makes an event of a shared workspace one that only its person and admins see."""
    return {"person_id": str(user_id)} if watched.is_shared else {}
