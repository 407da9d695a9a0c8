"""The nightly run: rates, partitions, renewals, sync, daily costs, forecasts, alerts, advice, upkeep."""

import logging
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import partial
from time import monotonic
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg

from forecasting.nightly import job_runs, report
from forecasting.nightly.actuals import backfill_actuals
from forecasting.nightly.advice import refresh_all
from forecasting.nightly.alerts import raise_alerts
from forecasting.nightly.anomalies import flag_anomalies
from forecasting.nightly.archives import archive_all
from forecasting.nightly.database import Connection, connect, leave_transaction, take_lock
from forecasting.nightly.exchange_rates import save_newer_rates
from forecasting.nightly.experiments import gather_all
from forecasting.nightly.focus import export_all
from forecasting.nightly.problems import ACTUALS, ANOMALIES, DELETION, FORECAST, RECORD, Problems, describe
from forecasting.nightly.renewals import Posted, post_renewals
from forecasting.nightly.requests import Requests, answer_requests, load_requests
from forecasting.nightly.step_log import StepLog
from forecasting.nightly.stored_budgets import save_budgets
from forecasting.nightly.stored_results import delete_old_results, save_results
from forecasting.nightly.sync import Synced, describe_sync, sync_connections
from forecasting.nightly.traces import drop_traces
from forecasting.nightly.upkeep import Upkeep
from forecasting.nightly.workspace_forecasts import forecast_workspaces
from forecasting.nightly.workspace_run import WorkspaceRun
from forecasting.nightly.workspaces import Workspace, load_workspaces
from forecasting.workers import cluster
from forecasting.workers.pool import Stream, count_cores, stream_forecasts
from tally.budgets.evaluation import evaluate
from tally.core.errors import TallyError
from tally.core.text import plural, printable

# Partial: what concerns everyone was done, but something of some workspaces failed and would fail again.
# 75 is EX_TEMPFAIL: try again later.
DONE, FAILED, PARTIAL, BUSY, INTERRUPTED = 0, 1, 3, 75, 130

PARTITIONS = ("partitions", "select public.ensure_partitions()")
# The view needs a vacuum for index-only reads; autovacuum never analyzes a partitioned parent.
MAINTENANCE = (
    ("telemetry", "select private.forget_telemetry()"),
    ("vacuum", "vacuum (analyze) private.cost_records_daily, private.divided_days, private.folded_days"),
    ("analyze", "analyze public.cost_records"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one nightly run."""

    as_of: date | None = None  # replay the run of this day
    dry_run: bool = False
    workers: int | None = None  # number of processes; 0: forecast in this one, None: one per core
    scheduler: str | None = None  # address of a Dask scheduler, whose workers forecast instead
    rates_address: str | None = None  # None: no exchange rates are fetched


DEFAULTS = Options()


def run(database_url: str, options: Options = DEFAULTS) -> int:
    """Do one nightly run and return its exit code."""
    with _open_stream(options) as stream, connect(database_url) as connection:
        if options.dry_run:
            return _dry_run(connection, options.as_of, stream)
        if not take_lock(connection):
            print("Another nightly run is in progress on this database. Nothing was done.", file=sys.stderr)
            return BUSY
        return NightlyRun(connection, stream, options).execute()


def _open_stream(options: Options) -> AbstractContextManager[Stream]:
    if options.scheduler:
        return cluster.connect(options.scheduler)
    workers = count_cores() if options.workers is None else options.workers
    return nullcontext(partial(stream_forecasts, workers=workers))


def _dry_run(connection: Connection, as_of: date | None, stream: Stream) -> int:
    """Print what a run would save, and write nothing. Days are those of the last fold or refresh."""
    workspace_runs: list[WorkspaceRun] = []
    forecast_workspaces(connection, load_workspaces(connection, as_of), stream, workspace_runs.append)
    table = report.render_table(workspace_runs)
    print(table)
    error = report.describe_failures(workspace_runs)
    if error:
        print(error, file=sys.stderr)
    return PARTIAL if error else DONE


class NightlyRun:
    """One run: its id, its steps, and its counts."""

    def __init__(self, connection: Connection, stream: Stream, options: Options = DEFAULTS) -> None:
        self.connection = connection
        self.stream = stream
        self.options = options
        self.run_id = uuid4()
        self.log = StepLog(connection)
        self.problems = Problems(connection, self.run_id)
        self.renewals: dict[UUID, Posted] = {}
        self.synced = Synced()
        self.requests: Requests = {}
        self.workspace_count = self.series_count = self.scored_count = 0

    def execute(self) -> int:
        """Do every step, record the run, and return its exit code."""
        job_runs.start_run(self.connection, self.run_id, self.options.as_of)
        try:
            self._do_steps()
        except KeyboardInterrupt:
            leave_transaction(self.connection)
            interrupted = job_runs.Ending("failed", job_runs.INTERRUPTED)
            job_runs.finish_run(self.connection, self.run_id, self.log.steps, interrupted)
            print("Stopped. Saved forecasts are kept; run it again to finish.", file=sys.stderr)
            return INTERRUPTED
        except Exception as problem:
            if self.connection.closed:
                raise
            if not isinstance(problem, psycopg.Error):
                logging.getLogger(__name__).exception("The nightly run ended early")
            self.log.errors.append(f"The nightly run ended early: {describe(problem)}.")
        return self._finish()

    def _do_steps(self) -> None:
        if self.options.as_of is None:
            self._fetch_rates()
        self.log.execute(*PARTITIONS)
        workspaces = load_workspaces(self.connection, self.options.as_of)
        self._post_renewals(workspaces)
        if self.options.as_of is None:
            self._sync(workspaces)
        if self._update_daily_costs(workspaces):  # without them, forecasts would miss the newest day
            self._forecast()
            if self.options.as_of is None:
                self.log.run("budgets", self._evaluate_budgets)
                gather = partial(gather_all, self.connection, workspaces, self.problems)
                self.log.run("experiments", gather)
                self.log.run("advice", partial(refresh_all, self.connection, workspaces, self.problems))
        if self.options.as_of is None:
            self.log.run("traces", partial(drop_traces, self.connection, workspaces, self.problems))
            self.log.run("archive", partial(archive_all, self.connection, workspaces, self.problems))
            self.log.run("focus", partial(export_all, self.connection, workspaces, self.problems))
        for step in MAINTENANCE:
            self.log.execute(*step)

    def _finish(self) -> int:
        count = len(self.problems.workspaces)
        errors = list(self.log.errors)
        print(f"Forecast {self.series_count:,} series for {plural(self.workspace_count, 'account')}.")
        for failed in errors:
            print(printable(failed), file=sys.stderr)
        if count:
            print(f"Done, with problems of {plural(count, 'account')}.", file=sys.stderr)
        error = " ".join([*errors, *self.problems.lines]) or None
        status: Literal["done", "partial", "failed"] = "done"
        if errors or self.problems.lines:
            status = "failed" if errors else "partial"
        job_runs.finish_run(
            self.connection, self.run_id, self.log.steps, job_runs.Ending(status, error, count)
        )
        return {"done": DONE, "partial": PARTIAL, "failed": FAILED}[status]

    def _fetch_rates(self) -> None:
        """Add the newest exchange rates. A failure is only noted, as the stored rates can still be used."""
        if self.options.rates_address is None:
            return
        started = monotonic()
        count: int | None = None
        note: dict[str, str] = {}
        try:
            count = save_newer_rates(self.connection, self.options.rates_address)
        except TallyError as problem:
            note = {"note": str(problem)}
        except Exception as problem:
            if self.connection.closed:
                raise
            note = {"note": describe(problem)}
        self.log.add("exchange rates", started, count, None, **note)

    def _post_renewals(self, workspaces: Sequence[Workspace]) -> None:
        started = monotonic()
        self.renewals = post_renewals(self.connection, workspaces, self.problems)
        added = sum(posted.added for posted in self.renewals.values())
        left = sum(posted.left for posted in self.renewals.values())
        self.log.add("renewals", started, added, None, **({"left": left} if left else {}))

    def _sync(self, workspaces: Sequence[Workspace]) -> None:
        """Sync all connections. A provider's error is recorded with the step and does not fail the run."""
        started = monotonic()
        self.synced = sync_connections(self.connection, workspaces, self.problems)
        outcomes = self.synced.outcomes
        failures = " ".join(outcome.failure for outcome in outcomes if outcome.error) or None
        added = sum(outcome.added for outcome in outcomes)
        error = failures and failures[: job_runs.MAX_ERROR_LENGTH]
        self.log.add("collect", started, added, error, connections=self.synced.entries())
        if outcomes:
            print(describe_sync(self.synced))
        if failures:
            print(printable(failures), file=sys.stderr)

    def _update_daily_costs(self, workspaces: Sequence[Workspace]) -> bool:
        upkeep = Upkeep(self.connection)
        fold = partial(upkeep.fold_each, workspaces, self.problems)
        return self.log.run("fold", fold) and self.log.run("refresh", upkeep.refresh)

    def _forecast(self) -> None:
        started = monotonic()
        if self.options.as_of is None:
            self.requests = load_requests(self.connection)
        workspaces = load_workspaces(self.connection, self.options.as_of)
        error: str | None = None
        try:
            forecast_workspaces(self.connection, workspaces, self.stream, self._save)
        except cluster.ClusterProblem as problem:
            error = str(problem)
            self.log.errors.append(error)
        counts = {"workspaces": self.workspace_count, "scored": self.scored_count}
        self.log.add("forecast", started, self.series_count, error, **counts)
        self._flag_anomalies(workspaces)

    def _evaluate_budgets(self) -> int:
        """Raise and clear alerts about budgets; returns how many were raised."""
        return evaluate(self.connection).raised

    def _flag_anomalies(self, workspaces: Sequence[Workspace]) -> None:
        started = monotonic()
        count = 0
        for workspace in workspaces:
            flagged = self.problems.attempt(
                workspace, ANOMALIES, partial(flag_anomalies, self.connection, workspace)
            )
            count += flagged or 0
        self.log.add("anomalies", started, count, None)
        if self.options.as_of is None:
            self.log.run("alerts", partial(raise_alerts, self.connection, self.problems, workspaces))

    def _save(self, workspace_run: WorkspaceRun) -> None:
        """Store a workspace's results and actuals; what fails is noted, and the rest is stored."""
        workspace = workspace_run.workspace
        if workspace_run.error:
            self.problems.note(workspace, FORECAST, workspace_run.error)
        stored = None
        if not workspace_run.error:
            stored = self.problems.attempt(workspace, FORECAST, partial(self._save_results, workspace_run))
        save_budgets(self.connection, workspace_run, self.problems)
        scored = self.problems.attempt(
            workspace, ACTUALS, partial(backfill_actuals, self.connection, workspace)
        )
        self.problems.attempt(workspace, DELETION, partial(delete_old_results, self.connection, workspace.id))
        steps = [
            workspace_run.step(stored or 0),
            {"step": "score", "count": scored},
            *self._earlier_steps(workspace),
        ]
        add_steps = partial(job_runs.add_to_workspace, self.connection, self.run_id, workspace, steps, None)
        self.problems.attempt(workspace, RECORD, add_steps)
        if workspace_run.failures:
            line = report.describe_failures([workspace_run]) or ""
            self.problems.add(workspace, report.explain_failures(workspace_run), line)
        self.workspace_count += stored is not None
        self.series_count += stored or 0
        self.scored_count += scored or 0

    def _save_results(self, workspace_run: WorkspaceRun) -> int:
        results = workspace_run.results()
        workspace_id = workspace_run.workspace.id
        save_results(self.connection, self.run_id, workspace_id, results)
        answer_requests(self.connection, self.requests.get(workspace_id, []))
        return len(results)

    def _earlier_steps(self, workspace: Workspace) -> list[dict[str, Any]]:
        """Entries of the workspace's renewals and sync, where there is something to tell."""
        posted = self.renewals.get(workspace.id)
        synced = self.synced.step_of(workspace.id)
        return [*([posted.entry] if posted else []), *([synced] if synced else [])]
