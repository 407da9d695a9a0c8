"""The night in order: rates, partitions, renewals, collection, refresh, forecasts, anomalies, upkeep."""

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import date
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import psycopg

from forecasting.model.series import calculate_series
from forecasting.nightly import anomalies, job_runs, report, store
from forecasting.nightly.actuals import score_totals
from forecasting.nightly.exchange_rates import RatesUnavailable, save_newer_rates
from forecasting.nightly.part import Part
from forecasting.nightly.results import Known
from forecasting.nightly.store import Connection, Person
from forecasting.nightly.sync import Outcome, collect, collect_step, describe_collected
from forecasting.workers import cluster
from forecasting.workers.pool import Stream, Task, count_cores, stream_forecasts
from tally.currency.ecb import RatesUnreadable

MOST_MODELS = 50  # a person's; the total and the providers have all models in them
DONE, FAILED, BUSY, INTERRUPTED = 0, 1, 75, 130  # 75 is EX_TEMPFAIL: nothing is wrong, try later

PREPARATION = (
    ("partitions", "select public.ensure_partitions(6)"),
    ("renewals", "select private.post_due_renewals_for_all()"),
)
REFRESH = ("refresh", "select public.refresh_cost_records_daily()")
# Reads of the view stay in its index only while it is vacuumed; nothing else analyzes a partitioned table.
UPKEEP = (
    ("vacuum", "vacuum (analyze) private.cost_records_daily"),
    ("analyze", "analyze public.cost_records"),
)


def run(
    database_url: str,
    as_of: date | None = None,
    dry_run: bool = False,
    workers: int | None = None,
    rates_address: str | None = None,
    scheduler: str | None = None,
) -> int:
    """Work one night and return its exit code. `as_of` replays it; no workers means in this process.

    With the address of a Dask scheduler, its workers forecast.
    """
    workers = count_cores() if workers is None else workers
    on_cores = nullcontext(partial(stream_forecasts, workers=workers))
    with (
        cluster.connect(scheduler) if scheduler else on_cores as stream,
        store.connect(database_url) as connection,
    ):
        if not dry_run and not store.take_lock(connection):
            print("Another night is at work on this database. Nothing was done.", file=sys.stderr)
            return BUSY
        if dry_run:
            return _rehearse(connection, as_of, stream)
        return Night(connection, as_of, stream, rates_address).work()


class Night:
    """One run: its id, its steps, and what became of everyone's part."""

    def __init__(
        self, connection: Connection, as_of: date | None, stream: Stream, rates_address: str | None
    ) -> None:
        self.connection = connection
        self.rates_address = rates_address
        self.as_of = as_of
        self.stream = stream
        self.run_id = uuid4()
        self.steps: list[dict[str, Any]] = []
        self.failed: list[Part] = []
        self.errors: list[str] = []
        self.outcomes: list[Outcome] = []
        self.people = self.series = self.scored = 0

    def work(self) -> int:
        """Do every step and record the night, whatever comes of it."""
        job_runs.open_night(self.connection, self.run_id, self.as_of)
        try:
            self._fetch_rates()
            if self._prepare():
                self._forecast()
            for name, statement in UPKEEP:
                self._step(name, statement)
        except KeyboardInterrupt:
            job_runs.close_night(self.connection, self.run_id, self.steps, job_runs.INTERRUPTED)
            print("Stopped. What was saved stays; run it again to do the rest.", file=sys.stderr)
            return INTERRUPTED
        except psycopg.Error as problem:
            if self.connection.closed:
                raise
            self.errors.append(f"The night ended early: {store.first_line(problem)}.")
        error = self._error()
        job_runs.close_night(self.connection, self.run_id, self.steps, error)
        print(f"Forecast {self.series} series of {self.people} people.")
        if error:
            print(error, file=sys.stderr)
        return FAILED if error else DONE

    def _fetch_rates(self) -> None:
        """Add the newest exchange rates. Without them the last ones count on, so the night has not failed."""
        if self.rates_address is None or self.as_of is not None:
            return
        started = monotonic()
        count: int | None = None
        note: str | None = None
        try:
            count = save_newer_rates(self.connection, self.rates_address)
        except (RatesUnavailable, RatesUnreadable) as problem:
            note = str(problem)
        except psycopg.Error as problem:
            if self.connection.closed:
                raise
            note = store.first_line(problem)
        self._note("exchange rates", started, count, None)
        self.steps[-1] |= {"note": note} if note else {}

    def _collect(self) -> None:
        """Sync connections, unless a night is replayed. What a provider refuses does not fail the night."""
        if self.as_of is not None:
            return
        started = monotonic()
        self.outcomes = list(collect(self.connection))
        failures = " ".join(outcome.failure for outcome in self.outcomes if outcome.error) or None
        self._note("collect", started, sum(outcome.added for outcome in self.outcomes), failures)
        self.steps[-1]["connections"] = [
            outcome.line | {"user_id": str(outcome.user_id)} for outcome in self.outcomes
        ]
        if self.outcomes:
            print(describe_collected(self.outcomes))
        if failures:
            print(failures, file=sys.stderr)

    def _prepare(self) -> bool:
        """Whether there are figures to forecast on: without a refresh they would be yesterday's."""
        for name, statement in PREPARATION:
            self._step(name, statement)
        self._collect()
        self._step(*REFRESH)
        return self.steps[-1]["error"] is None

    def _step(self, name: str, statement: str) -> None:
        def count() -> int | None:
            cursor = self.connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return int(row[0]) if row else None

        self._count(name, count)

    def _count(self, name: str, step: Callable[[], int | None]) -> None:
        started = monotonic()
        count: int | None = None
        error: str | None = None
        try:
            count = step()
        except psycopg.Error as problem:
            if self.connection.closed:
                raise
            error = store.first_line(problem)
            self.errors.append(f"The step “{name}” failed: {error}.")
        self._note(name, started, count, error)

    def _forecast(self) -> None:
        started = monotonic()
        people = store.load_people(self.connection, self.as_of)
        error: str | None = None
        try:
            forecast_people(self.connection, people, self.stream, self._save)
        except cluster.ClusterProblem as problem:
            error = str(problem)
            self.errors.append(error)
        error = error or report.describe_failures(self.failed)
        self._note("forecast", started, self.series, error)
        self.steps[-1] |= {"people": self.people, "scored": self.scored}
        self._count("anomalies", lambda: anomalies.flag(self.connection, people))

    def _save(self, part: Part) -> None:
        """Store a person's part in one transaction: all of it or, with the reason, none."""
        try:
            with self.connection.transaction():
                results = part.results()
                store.save_results(self.connection, self.run_id, part.person.user_id, results)
                scored = score_totals(self.connection, part.person)
                store.delete_old_results(self.connection, part.person.user_id)
                steps = [part.step(len(results)), {"step": "score", "count": scored}]
                own = [outcome for outcome in self.outcomes if outcome.user_id == part.person.user_id]
                steps += [collect_step(own)] if own else []
                job_runs.add_person(
                    self.connection, self.run_id, part.person, steps, report.describe_failures([part])
                )
        except psycopg.Error as problem:
            if self.connection.closed:
                raise
            self._save_failure(part, store.first_line(problem))
            return
        self.people += 1
        self.series += len(results)
        self.scored += scored
        self.failed += [part] if part.failures else []

    def _save_failure(self, part: Part, reason: str) -> None:
        if not store.has_account(self.connection, part.person.user_id):
            return  # deleted since the night began: there is nobody left to tell
        error = f"The forecasts of {part.person.user_id} could not be saved: {reason}."
        self.errors.append(error)
        job_runs.add_person(self.connection, self.run_id, part.person, [part.step(0)], error)

    def _note(self, name: str, started: float, count: int | None, error: str | None) -> None:
        seconds = round(monotonic() - started, 3)
        self.steps.append({"step": name, "count": count, "seconds": seconds, "error": error})

    def _error(self) -> str | None:
        failures = report.describe_failures(self.failed)
        return " ".join(self.errors + ([failures] if failures else [])) or None


def forecast_people(
    connection: Connection, people: list[Person], stream: Stream, finish: Callable[[Part], None]
) -> None:
    """Forecast everyone's series and hand over each part as soon as it is complete."""
    parts: dict[UUID, Part] = {}
    progress = report.Progress()

    def tasks() -> Iterator[Task]:
        for person in people:
            part = _load_part(connection, person)
            if part.is_complete:
                finish(part)
                continue
            parts[person.user_id] = part
            yield from part.tasks

    for outcome in stream(tasks()):
        user_id = outcome.series.user_id
        parts[user_id].add(outcome)
        progress.count()
        if parts[user_id].is_complete:
            finish(parts.pop(user_id))
    progress.end()


def _load_part(connection: Connection, person: Person) -> Part:
    if not person.forecast_enabled:
        return Part(person, Known(person.user_id, person.today, {}, {}), [])
    models = store.load_models(connection, person)
    daily = store.load_daily_spend(connection, person, models[:MOST_MODELS])
    series = calculate_series(person.user_id, daily, person.last_day)
    return Part(person, store.load_known(connection, person), series, len(models[MOST_MODELS:]))


def _rehearse(connection: Connection, as_of: date | None, stream: Stream) -> int:
    """Print what a night would save. Reads only: figures are those of the last refresh."""
    parts: list[Part] = []
    forecast_people(connection, store.load_people(connection, as_of), stream, parts.append)
    print(report.render_table(parts))
    error = report.describe_failures(parts)
    if error:
        print(error, file=sys.stderr)
    return FAILED if error else DONE
