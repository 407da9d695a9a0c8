"""Savings of applied advice, measured in the records since, and kept with it."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from tally.advice.findings import Kind
from tally.advice.savings import (
    AFTER_DAYS,
    BEFORE_DAYS,
    DAYS_A_MONTH,
    PLAN_DAYS,
    ModelDay,
    State,
    Verification,
    verify,
    verify_plan,
)
from tally.catalog.plans import PLANS

Connection = psycopg.Connection[tuple[Any, ...]]

OF_PLANS: frozenset[Kind] = frozenset({"unused_subscription", "api_instead"})
# Nothing is saved by these.
UNMEASURED: frozenset[Kind] = frozenset({"idle_key", "retirement"})
# Of a project, all of its agents together.
OF_ALL_AGENTS: frozenset[Kind] = frozenset({"experiment", "model_switch"})

APPLIED = """
select
    a.id, a.kind, a.subject, a.saving_mid,
    (a.decided_at at time zone private.timezone_of(a.workspace_id))::date
from public.advice as a
where
    a.workspace_id = %s and a.status = 'applied' and a.kind <> all(%s)
    and coalesce((a.verification ->> 'is_final')::boolean, false) is false
order by a.id"""
DAYS = "select day, model_name, cost_usd, requests from private.advice_days(%s, %s, %s, %s)"
WORTH = "select day, included_usd from private.advice_worth(%s, %s, %s, %s, %s)"
FEES = """
select sum(case when s.interval = 'year' then s.amount_usd / 12 else s.amount_usd end)
from public.subscriptions as s
inner join public.providers as p on s.provider_id = p.id
where
    s.workspace_id = %s and p.name = %s and s.started_on <= %s and (s.ended_on is null or s.ended_on > %s)"""
ENDED = "select s.ended_on from public.subscriptions as s where s.workspace_id = %s and s.id = %s"
KEEP = "update public.advice as a set verification = %s where a.id = %s and a.status = 'applied'"


class Applied(NamedTuple):
    """Advice that was applied: its estimate of a month, and the day of the change."""

    id: UUID
    kind: Kind
    subject: Mapping[str, str]
    estimate_usd: float
    day: date


def refresh_verifications(connection: Connection, workspace: UUID, today: date) -> int:
    """Measure savings of applied advice up to yesterday; returns how many were measured."""
    rows = connection.execute(APPLIED, [workspace, list(UNMEASURED)]).fetchall()
    applied = [
        Applied(row[0], row[1], row[2], float(row[3]), row[4]) for row in rows if is_measured(row[1], row[2])
    ]
    for one in applied:
        measure = (
            _verify_bought if one.kind == "plan" else _verify_plan if one.kind in OF_PLANS else _verify_usage
        )
        found = measure(connection, workspace, one, today)
        connection.execute(KEEP, [json.dumps(found.to_json()), one.id])
    return len(applied)


def is_measured(kind: Kind, subject: Mapping[str, str]) -> bool:
    """Check whether its cost per request can tell; an experiment's does where models differ."""
    return kind not in UNMEASURED and (kind != "experiment" or "to_model" in subject)


def _verify_usage(connection: Connection, workspace: UUID, one: Applied, today: date) -> Verification:
    """The day of the change itself is on neither side."""
    last = min(today, one.day + timedelta(days=AFTER_DAYS + 1))
    sides = (one.day - timedelta(days=BEFORE_DAYS), one.day), (one.day + timedelta(days=1), last)
    of_all_agents = {} if one.kind in OF_ALL_AGENTS else {"agent": ""}
    subject = json.dumps(of_all_agents | dict(one.subject))
    before, after = (
        [
            ModelDay(day, model, float(cost), requests)
            for day, model, cost, requests in connection.execute(DAYS, [workspace, *side, subject]).fetchall()
        ]
        for side in sides
    )
    return verify(before, after, one.estimate_usd)


def _verify_bought(connection: Connection, workspace: UUID, one: Applied, today: date) -> Verification:
    """The value that a plan covered since, less its price; without a plan here, its price is not known."""
    plan = PLANS.get(one.subject["provider"], "")
    [[month_usd]] = connection.execute(FEES, [workspace, plan, today, today]).fetchall()
    first, last = one.day + timedelta(days=1), min(today, one.day + timedelta(days=AFTER_DAYS + 1))
    if month_usd is None or last <= first:
        return Verification("measuring", 0, PLAN_DAYS, one.estimate_usd)
    asked = [workspace, first, last, one.subject["provider"], one.subject["agent"]]
    worth: dict[date, Any] = dict(connection.execute(WORTH, asked).fetchall())
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    return verify_plan([float(worth.get(day, 0)) for day in days], float(month_usd), one.estimate_usd)


def _verify_plan(connection: Connection, workspace: UUID, one: Applied, today: date) -> Verification:
    """A plan's price is saved from the day on which it ended; one that goes on saves nothing."""
    row = connection.execute(ENDED, [workspace, one.subject["subscription_id"]]).fetchone()
    ended = one.day if row is None else row[0]  # None: it was deleted
    days = (today - one.day).days
    if ended is not None and ended <= today:
        month = one.estimate_usd
        since = month * max((today - ended).days, 0) / DAYS_A_MONTH
        return Verification("verified", days, days, month, False, month, month, month, since)
    state: State = "measuring" if days < AFTER_DAYS else "none"
    return Verification(state, days, AFTER_DAYS, one.estimate_usd, state == "none")
