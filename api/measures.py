"""Measures of a workspace for Prometheus, as metric families.

Amounts are US dollars; usage that a plan covers has names of its own, since sums would mix it with money.
Times are instants; a query makes ages from them. Labels are bounded: names of budgets and sources, of each
the first MOST, and providers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from api.figures import INCLUDED
from tally.budgets.status import BudgetStatus, State

MOST = 200  # budgets, and sources
PREFIX = "tally_"
WORKSPACE = ("workspace", "workspace_id")
OUTCOMES = {"added": "rows_imported", "already_there": "rows_duplicate", "rejected": "rows_rejected"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that measures are made of; what the key may not see is left out."""

    workspace: str
    workspace_id: str
    today: date
    rows: Iterable[Row]  # of daily_costs, of the month so far
    budgets: Iterable[BudgetStatus]
    sources: Iterable[Row] = ()
    last_run: Row | None = None
    focus: Row | None = None
    installation: Row | None = None


class _Spend(NamedTuple):
    today: dict[tuple[str, ...], Decimal]
    month: dict[tuple[str, ...], Decimal]


@dataclass(slots=True)
class _Totals:
    spend: _Spend = field(default_factory=lambda: _Spend(defaultdict(Decimal), defaultdict(Decimal)))
    covered: _Spend = field(default_factory=lambda: _Spend(defaultdict(Decimal), defaultdict(Decimal)))
    tokens: _Spend = field(default_factory=lambda: _Spend(defaultdict(Decimal), defaultdict(Decimal)))
    records: _Spend = field(default_factory=lambda: _Spend(defaultdict(Decimal), defaultdict(Decimal)))
    unpriced: Decimal = Decimal(0)


def list_measures(facts: Facts) -> Iterator[Metric]:
    """All families."""
    own = (facts.workspace, facts.workspace_id)
    yield from _measure_costs(facts, own)
    yield from _measure_budgets(facts.budgets, own)
    yield from _measure_sources(facts.sources, own)
    yield from _measure_run(facts.last_run, own)
    yield from _measure_export(facts.focus, own)
    if facts.installation is not None:
        yield from _measure_installation(facts.installation)


def _gauge(name: str, text: str, labels: Iterable[str], values: Mapping[Any, Any]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=list(labels))
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _measure_costs(facts: Facts, own: tuple[str, str]) -> Iterator[Metric]:
    totals = _add_up(facts, own)
    by_basis, by_provider = (*WORKSPACE, "provider", "basis"), (*WORKSPACE, "provider")
    for period, place in (("today", 0), ("month", 1)):
        so_far = "today" if period == "today" else "in the month so far"
        for name, text, labels, found in (
            ("spend", "US dollars spent", by_basis, totals.spend),
            ("covered", "US dollars that usage would cost which plans cover", by_provider, totals.covered),
            ("tokens", "Tokens used", by_provider, totals.tokens),
            ("records", "Records of costs", by_provider, totals.records),
        ):
            unit = "_usd" if name in ("spend", "covered") else ""
            yield _gauge(
                f"{name}_{period}{unit}", f"{text} {so_far}, days as in the workspace.", labels, found[place]
            )
    text = "Records of the month so far without a known price."
    yield _gauge("unpriced_records_month", text, WORKSPACE, {own: totals.unpriced})


def _add_up(facts: Facts, own: tuple[str, str]) -> _Totals:
    totals = _Totals()
    for row in facts.rows:
        provider = (*own, str(row["provider"]))
        is_included = row["cost_basis"] == INCLUDED
        money = totals.covered if is_included else totals.spend
        key = provider if is_included else (*provider, str(row["cost_basis"]))
        amounts = ((money, key, row["cost_usd"] or 0), (totals.tokens, provider, row["tokens"]))
        for sums, name, amount in (*amounts, (totals.records, provider, row["records"])):
            sums.month[name] += Decimal(amount)
            if row["date"] == facts.today.isoformat():
                sums.today[name] += Decimal(amount)
        totals.unpriced += row["unpriced_records"]
    return totals


def _measure_budgets(budgets: Iterable[BudgetStatus], own: tuple[str, str]) -> Iterator[Metric]:
    found = {
        (*own, status.budget.name, status.budget.id, status.unit): status for status in list(budgets)[:MOST]
    }
    labels = (*WORKSPACE, "budget", "budget_id", "unit")
    limits = {key: status.limit for key, status in found.items()}
    yield _gauge("budget_limit", "Limit of the period.", labels, limits)
    spent = {key: status.spent for key, status in found.items()}
    yield _gauge("budget_spent", "Spent in the period so far.", labels, spent)
    likely = {key: status.likely for key, status in found.items() if status.likely is not None}
    yield _gauge("budget_likely", "Likely end of the period; missing without a forecast.", labels, likely)
    states = {
        (*key, state.name.lower()): int(status.state is state)
        for key, status in found.items()
        for state in State
    }
    yield _gauge("budget_state", "1 for the state that the budget is in.", (*labels, "state"), states)


def _measure_sources(sources: Iterable[Row], own: tuple[str, str]) -> Iterator[Metric]:
    found = {(*own, row["filename"], row["id"], row["kind"]): row for row in sources}
    labels = (*WORKSPACE, "source", "source_id", "kind")
    seen = {key: _seconds(row["finished_at"]) for key, row in found.items() if row["finished_at"]}
    yield _gauge("source_last_data_timestamp_seconds", "When the source last sent data.", labels, seen)
    rows = CounterMetricFamily(
        f"{PREFIX}source_rows", "Rows by what came of them.", labels=[*labels, "outcome"]
    )
    for key, row in found.items():
        for outcome, column in OUTCOMES.items():
            rows.add_metric((*key, outcome), float(row[column]))
    yield rows


def _measure_run(run: Row | None, own: tuple[str, str]) -> Iterator[Metric]:
    ended = {own: _seconds(run["finished_at"])} if run and run["finished_at"] else {}
    text = "When the last nightly run of the workspace, or the last forecast after a change, ended."
    yield _gauge("last_run_timestamp_seconds", text, WORKSPACE, ended)
    went_well = {own: int(run["status"] == "done")} if run else {}
    yield _gauge("last_run_success", "1 if it went well.", WORKSPACE, went_well)


def _measure_export(state: Row | None, own: tuple[str, str]) -> Iterator[Metric]:
    export = (state or {}).get("export")
    ran = {} if export is None or export["ran_at"] is None else {own: export}
    text = "When costs were last kept as FOCUS; missing where that is switched off."
    ended = {key: _seconds(one["ran_at"]) for key, one in ran.items()}
    yield _gauge("focus_export_timestamp_seconds", text, WORKSPACE, ended)
    went_well = {key: int(one["problem"] is None) for key, one in ran.items()}
    yield _gauge("focus_export_success", "1 if that went well.", WORKSPACE, went_well)


def _measure_installation(state: Row) -> Iterator[Metric]:
    """Of the whole installation; for its owner's keys alone."""
    jobs, deliveries, nightly = state["jobs"], state["deliveries"], state["nightly"]
    counts = {(name,): jobs[name] for name in ("todo", "doing", "failed")}
    yield _gauge("jobs", "Jobs in the queue, by their state.", ("state",), counts)
    text = "Seconds since the oldest job in the queue was due."
    yield _gauge("jobs_oldest_seconds", text, (), {(): max(jobs["oldest_seconds"], 0)})
    waiting = {(name,): deliveries[name] for name in ("waiting", "failed")}
    yield _gauge("deliveries", "Messages of alerts, by their state.", ("state",), waiting)
    seen = {(): _seconds(state["worker_seen_at"])} if state["worker_seen_at"] else {}
    yield _gauge("worker_seen_timestamp_seconds", "When a worker was last at work.", (), seen)
    ended = {(): _seconds(nightly["finished_at"])} if nightly and nightly["finished_at"] else {}
    yield _gauge("nightly_timestamp_seconds", "When the last nightly run ended.", (), ended)
    went_well = {(): int(nightly["status"] == "done")} if nightly else {}
    yield _gauge("nightly_success", "1 if all of it went well.", (), went_well)


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
