"""Facts of a workspace from the database, and what was found in them, kept there."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from tally.advice.facts import (
    Cell,
    Decided,
    Facts,
    IdleKey,
    Plan,
    Usage,
    parse_cell,
    parse_months,
)
from tally.advice.find import find_advice
from tally.advice.findings import WINDOW_DAYS, Advice
from tally.advice.rules.experiments import DECIDED_DAYS
from tally.advice.rules.idle_keys import IDLE_DAYS
from tally.advice.rules.premiums import LENGTHS
from tally.catalog.plans import PLANS
from tally.core.amounts import round_amount

Connection = psycopg.Connection[tuple[Any, ...]]

TIMEZONE = "select private.timezone_of(%s)"
SPEND = "select * from private.advice_spend(%s, %s, %s)"
CELLS = "select cell from private.advice_cells(%s, %s, %s)"
ANSWERS = """
select project_id::text, agent, provider, model, answered, answered_usd::numeric
from private.advice_answers(%s, %s, %s)"""
SHAPES = "select shape from private.advice_shapes(%s, %s, %s, %s)"
USAGES = "select usage from private.advice_usages(%s, %s, %s)"
PLANS_OF = "select plan from private.advice_plans(%s, %s, %s)"
KEYS = "select id::text, name, user_id::text, since, was_used from private.idle_keys(%s, %s, %s)"
# Decisions come from their makers' browsers: only what is a number of usual size is one.
DECIDED = """
select
    e.id::text, e.name, e.project_id::text, e.decided_variant, b.name, left(e.decision ->> 'sentence', 500),
    e.gathered ->> 'matched_usd', e.decision -> 'saving_usd', b.match ->> 'model', v.match ->> 'model'
from public.experiments as e
inner join public.experiment_variants as b on b.experiment_id = e.id and b.is_baseline
inner join public.experiment_variants as v on v.experiment_id = e.id and v.name = e.decided_variant
where
    e.workspace_id = %s and v.id <> b.id and e.status = 'decided'
    and e.decided_at > %s - make_interval(days => %s)
order by e.id
limit 50"""
KEEP = "select private.keep_advice(%s, %s, %s, %s)"
MONTHS = 3
MOST_USD = 10**9


def refresh_advice(connection: Connection, workspace: UUID, today: date) -> int:
    """Find the advice about a workspace and keep it; returns how many pieces are open."""
    facts = load_facts(connection, workspace, today)
    return keep_advice(connection, workspace, find_advice(facts), facts.window)


def load_facts(connection: Connection, workspace: UUID, today: date) -> Facts:
    """The facts of the last complete days before today, in the workspace's zone."""
    window = today - timedelta(days=WINDOW_DAYS), today - timedelta(days=1)
    [[zone]] = connection.execute(TIMEZONE, [workspace]).fetchall()
    begin, end = (datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in (window[0], today))
    [[spend, first_day, active_days]] = connection.execute(SPEND, [workspace, *window]).fetchall()
    keys = connection.execute(KEYS, [workspace, end, IDLE_DAYS]).fetchall()
    months = _months_before(today)
    return Facts(
        window=window,
        spend_usd=spend,
        first_day=first_day,
        active_days=active_days,
        cells=_load_cells(connection, workspace, begin, end) if first_day else (),
        usages=_load_usages(connection, workspace, months) if first_day else (),
        plans=_load_plans(connection, workspace, today),
        decided=_load_decided(connection, workspace, end),
        idle_keys=[
            IdleKey(key, name, person, since.astimezone(ZoneInfo(zone)).date(), was_used)
            for key, name, person, since, was_used in keys
        ],
    )


def keep_advice(
    connection: Connection, workspace: UUID, found: Sequence[Advice], window: tuple[date, date]
) -> int:
    """Store what was found in place of what is open; returns how many pieces are."""
    rows = json.dumps([_to_row(advice) for advice in found])
    [[count]] = connection.execute(KEEP, [workspace, rows, *window]).fetchall()
    return int(count)


def _load_cells(connection: Connection, workspace: UUID, begin: datetime, end: datetime) -> list[Cell]:
    shapes = {
        _key(shape): shape
        for (shape,) in connection.execute(SHAPES, [workspace, begin, end, list(LENGTHS)]).fetchall()
    }
    rows = connection.execute(CELLS, [workspace, begin, end]).fetchall()
    answers = {
        tuple(place): (answered, usd)
        for *place, answered, usd in connection.execute(ANSWERS, [workspace, begin, end]).fetchall()
    }
    cells = [parse_cell(row, shapes.get(_key(row), {})) for (row,) in rows]
    return [_add_answers(cell, answers) for cell in cells]


def _add_answers(cell: Cell, answers: Mapping[tuple[Any, ...], tuple[int, Decimal]]) -> Cell:
    """The cell with what a gateway's cache answered in its place; those of no cell concern no advice."""
    found = answers.get((cell.project_id, cell.agent, cell.provider, cell.model))
    return replace(cell, answered=found[0], answered_usd=found[1]) if found else cell


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("project_id", "agent", "provider", "model", "tier"))


def _load_usages(connection: Connection, workspace: UUID, months: tuple[date, date]) -> list[Usage]:
    rows = connection.execute(USAGES, [workspace, *months]).fetchall()
    return [Usage(row["provider"], row["agent"], parse_months(row["months"])) for (row,) in rows]


def _load_plans(connection: Connection, workspace: UUID, today: date) -> list[Plan]:
    covers: dict[str, list[str]] = {}
    for api, plan in PLANS.items():
        covers.setdefault(plan, []).append(api)
    rows = connection.execute(PLANS_OF, [workspace, today, json.dumps(covers)]).fetchall()
    return list(_parse_plans(row for (row,) in rows))


def _parse_plans(rows: Iterable[Mapping[str, Any]]) -> Iterable[Plan]:
    for row in rows:
        yield Plan(
            id=row["id"],
            provider=row["provider"],
            name=row["name"],
            monthly_usd=Decimal(row["monthly_usd"]),
            person_id=row["person_id"],
            started_on=date.fromisoformat(row["started_on"]),
            covered_days=row["covered_days"],
            last_used=date.fromisoformat(row["last_used"]) if row["last_used"] else None,
            months=parse_months(row["months"]),
        )


def _load_decided(connection: Connection, workspace: UUID, end: datetime) -> list[Decided]:
    rows = connection.execute(DECIDED, [workspace, end, DECIDED_DAYS]).fetchall()
    return [decided for row in rows if (decided := _parse_decided(row))]


def _parse_decided(row: tuple[Any, ...]) -> Decided | None:
    """The decision of a row; None for one whose amounts are none."""
    saving = row[7] if isinstance(row[7], dict) else {}
    matched, low, mid, high = map(_read_amount, (row[6], *map(saving.get, ("low", "middle", "high"))))
    if matched is None or low is None or mid is None or high is None:
        return None
    return Decided(
        id=row[0],
        name=row[1],
        project_id=row[2],
        variant=row[3],
        baseline=row[4],
        sentence=row[5] or "",
        matched_usd=matched,
        saving=(low, mid, high),
        model=row[8],
        to_model=row[9],
    )


def _read_amount(told: object) -> Decimal | None:
    """An amount in JSON from outside; None for what is none."""
    try:
        amount = Decimal(str(told))
    except ArithmeticError:
        return None
    return amount if amount.is_finite() and abs(amount) < MOST_USD else None


def _months_before(today: date) -> tuple[date, date]:
    """The first day of the third month before, and of this one."""
    this = today.replace(day=1)
    months = this.year * 12 + this.month - 1 - MONTHS
    return date(months // 12, months % 12 + 1, 1), this


def _to_row(advice: Advice) -> dict[str, Any]:
    return {
        "kind": advice.kind,
        "subject": dict(advice.subject),
        "project_id": advice.project_id,
        "person_id": advice.person_id,
        "current_usd": f"{round_amount(advice.current_usd):f}",
        "saving_low": f"{advice.saving.low:f}",
        "saving_mid": f"{advice.saving.mid:f}",
        "saving_high": f"{advice.saving.high:f}",
        "confidence": advice.confidence,
        "basis": advice.basis,
        "evidence": dict(advice.evidence),
        "assumptions": list(advice.assumptions),
    }
