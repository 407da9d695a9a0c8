"""The nightly run: rates, partitions, renewals, sync, daily costs, forecasts, anomalies, maintenance."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import partial
from time import monotonic
from uuid import uuid4

import psycopg

from forecasting.nightly import job_runs, report
from forecasting.nightly.actuals import backfill_actuals
from forecasting.nightly.anomalies import flag_anomalies
from forecasting.nightly.database import Connection, connect, take_lock
from forecasting.nightly.exchange_rates import RatesUnavailable, save_newer_rates
from forecasting.nightly.step_log import StepLog
from forecasting.nightly.stored_results import delete_old_results, save_results
from forecasting.nightly.sync import SyncOutcome, describe_sync, sync_connections, sync_step
from forecasting.nightly.upkeep import Upkeep
from forecasting.nightly.workspace_forecasts import forecast_workspaces
from forecasting.nightly.workspace_run import WorkspaceRun
from forecasting.nightly.workspaces import Workspace, load_workspaces, workspace_exists
from forecasting.workers import cluster
from forecasting.workers.pool import Stream, count_cores, stream_forecasts
from tally.core.text import plural, printable
from tally.currency.ecb import RatesUnreadable

DONE, FAILED, BUSY, INTERRUPTED = 0, 1, 75, 130  # 75 is EX_TEMPFAIL: try again later

PREPARATION = (
    ("partitions", "select public.ensure_partitions()"),
    ("renewals", "select private.post_due_renewals_for_all()"),
)
# The view needs a vacuum for index-only reads; autovacuum never analyzes a partitioned parent.
MAINTENANCE = (
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
    print(report.render_table(workspace_runs))
    error = report.describe_failures(workspace_runs)
    if error:
        print(error, file=sys.stderr)
    return FAILED if error else DONE


class NightlyRun:
    """One run: its id, its steps, and its counts."""

    def __init__(self, connection: Connection, stream: Stream, options: Options = DEFAULTS) -> None:
        self.connection = connection
        self.stream = stream
        self.options = options
        self.run_id = uuid4()
        self.log = StepLog(connection)
        self.synced: list[SyncOutcome] = []
        self.with_failures: list[WorkspaceRun] = []
        self.workspace_count = self.series_count = self.scored_count = 0

    def execute(self) -> int:
        """Do every step, record the run, and return its exit code."""
        job_runs.start_run(self.connection, self.run_id, self.options.as_of)
        try:
            self._do_steps()
        except KeyboardInterrupt:
            job_runs.finish_run(self.connection, self.run_id, self.log.steps, job_runs.INTERRUPTED)
            print("Stopped. Saved forecasts are kept; run it again to finish.", file=sys.stderr)
            return INTERRUPTED
        except psycopg.Error as problem:
            self.log.errors.append(f"The nightly run ended early: {self.log.reason(problem)}.")
        return self._finish()

    def _do_steps(self) -> None:
        if self.options.as_of is None:
            self._fetch_rates()
        for step in PREPARATION:
            self.log.execute(*step)
        if self.options.as_of is None:
            self._sync()
        if self._update_daily_costs():  # without them, forecasts would miss the newest day
            self._forecast()
        for step in MAINTENANCE:
            self.log.execute(*step)

    def _finish(self) -> int:
        failures = report.describe_failures(self.with_failures)
        error = " ".join([*self.log.errors, *([failures] if failures else [])]) or None
        job_runs.finish_run(self.connection, self.run_id, self.log.steps, error)
        print(f"Forecast {self.series_count:,} series for {plural(self.workspace_count, 'account')}.")
        if error:
            print(printable(error), file=sys.stderr)
        return FAILED if error else DONE

    def _fetch_rates(self) -> None:
        """Add the newest exchange rates. A failure is only noted, as the stored rates can still be used."""
        if self.options.rates_address is None:
            return
        started = monotonic()
        count: int | None = None
        note: dict[str, str] = {}
        try:
            count = save_newer_rates(self.connection, self.options.rates_address)
        except (RatesUnavailable, RatesUnreadable) as problem:
            note = {"note": str(problem)}
        except psycopg.Error as problem:
            note = {"note": self.log.reason(problem)}
        self.log.add("exchange rates", started, count, None, **note)

    def _sync(self) -> None:
        """Sync all connections. A provider's error is recorded with the step and does not fail the run."""
        started = monotonic()
        self.synced = list(sync_connections(self.connection))
        failures = " ".join(outcome.failure for outcome in self.synced if outcome.error) or None
        entries = [outcome.entry | {"workspace_id": str(outcome.workspace_id)} for outcome in self.synced]
        added = sum(outcome.added for outcome in self.synced)
        self.log.add("collect", started, added, failures, connections=entries)
        if self.synced:
            print(describe_sync(self.synced))
        if failures:
            print(printable(failures), file=sys.stderr)

    def _update_daily_costs(self) -> bool:
        upkeep = Upkeep(self.connection)
        return self.log.run("fold", upkeep.fold) and self.log.run("refresh", upkeep.refresh)

    def _forecast(self) -> None:
        started = monotonic()
        workspaces = load_workspaces(self.connection, self.options.as_of)
        error: str | None = None
        try:
            forecast_workspaces(self.connection, workspaces, self.stream, self._save)
        except cluster.ClusterProblem as problem:
            error = str(problem)
            self.log.errors.append(error)
        error = error or report.describe_failures(self.with_failures)
        counts = {"workspaces": self.workspace_count, "scored": self.scored_count}
        self.log.add("forecast", started, self.series_count, error, **counts)
        self._flag_anomalies(workspaces)

    def _flag_anomalies(self, workspaces: Sequence[Workspace]) -> None:
        started = monotonic()
        count = 0
        errors: list[str] = []
        for workspace in workspaces:
            try:
                count += flag_anomalies(self.connection, workspace)
            except psycopg.Error as problem:
                reason = self.log.reason(problem)
                errors.append(f"The anomalies of {workspace.id} could not be saved: {reason}.")
        self.log.errors += errors
        self.log.add("anomalies", started, count, " ".join(errors) or None)

    def _save(self, workspace_run: WorkspaceRun) -> None:
        """Store a workspace's results in one transaction; if it failed, only the reason."""
        if workspace_run.error:
            self._save_failure(workspace_run, workspace_run.error)
            return
        try:
            with self.connection.transaction():
                series_count, scored_count = self._save_results(workspace_run)
        except psycopg.Error as problem:
            reason = self.log.reason(problem)
            self._save_failure(
                workspace_run, f"The forecasts of {workspace_run.workspace.id} could not be saved: {reason}."
            )
            return
        self.workspace_count += 1
        self.series_count += series_count
        self.scored_count += scored_count
        if workspace_run.failures:
            self.with_failures.append(workspace_run)

    def _save_results(self, workspace_run: WorkspaceRun) -> tuple[int, int]:
        workspace, results = workspace_run.workspace, workspace_run.results()
        save_results(self.connection, self.run_id, workspace.id, results)
        scored_count = backfill_actuals(self.connection, workspace)
        delete_old_results(self.connection, workspace.id)
        steps = [workspace_run.step(len(results)), {"step": "score", "count": scored_count}]
        synced = [outcome for outcome in self.synced if outcome.workspace_id == workspace.id]
        steps += [sync_step(synced)] if synced else []
        error = report.describe_failures([workspace_run])
        job_runs.add_workspace(self.connection, self.run_id, workspace, steps, error)
        return len(results), scored_count

    def _save_failure(self, workspace_run: WorkspaceRun, error: str) -> None:
        workspace = workspace_run.workspace
        if not workspace_exists(self.connection, workspace.id):
            return  # deleted since the run started
        self.log.errors.append(error)
        job_runs.add_workspace(self.connection, self.run_id, workspace, [workspace_run.step(0)], error)
