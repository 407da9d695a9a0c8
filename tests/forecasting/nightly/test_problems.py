"""A failure of one workspace is told to its people and to the operator, and ends no other's step."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from forecasting.nightly import database, problems, run
from forecasting.nightly.problems import (
    ACTUALS,
    ANOMALIES,
    BUSY,
    DELETION,
    FOLD,
    FORECAST,
    REFUSED,
    TOO_LARGE,
    TOO_SLOW,
    UNEXPECTED,
)
from forecasting.nightly.run import DONE, PARTIAL, Options
from forecasting.nightly.workspace_run import WorkspaceRun
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

SpendPattern = Callable[[int], list[float]]

# Of each step, a fault of the workspace in place of %s, and what its people read.
FAULTS = {
    "fold": (
        "alter table private.folded_days add constraint unlucky check (workspace_id <> %s) not valid",
        f"{FOLD}: {REFUSED}.",
    ),
    "renewals": (
        "alter table public.cost_records add constraint unlucky"
        " check (workspace_id <> %s or charge_type = 'usage') not valid",
        "The renewals of “Plus” could not be added. Open Subscriptions, correct them and save.",
    ),
    "results": (
        "alter table public.forecast_results add constraint unlucky check (workspace_id <> %s) not valid",
        f"{FORECAST}: {REFUSED}.",
    ),
    "actuals": (
        "alter table public.forecast_totals add constraint unlucky"
        " check (workspace_id <> %s or actual_cost_usd is null) not valid",
        f"{ACTUALS}: {REFUSED}.",
    ),
    "deletion": (
        """create function private.unlucky() returns trigger language plpgsql
        as 'begin if old.workspace_id = ''%s'' then raise division_by_zero; end if; return old; end';
        create trigger unlucky before delete on public.forecast_results
        for each row execute function private.unlucky()""",
        f"{DELETION}: {REFUSED}.",
    ),
    "anomalies": (
        "alter table public.anomalies add constraint unlucky check (workspace_id <> %s) not valid",
        f"{ANOMALIES}: {REFUSED}.",
    ),
}


def add_history(db: NightlyDatabase, user: UUID) -> None:
    """Add spend with a new model, a subscription, and an earlier run whose totals have ended."""
    db.add_spend(user, [4.0] * 60)
    db.add_spend(user, [4.0] * 3, model="new")
    db.add_subscription(user, "20", renewal_day=1)


def make_older(db: NightlyDatabase) -> None:
    db.connection.execute("update public.forecast_results set created_at = now() - interval '401 days'")


def outcome(db: NightlyDatabase, user: UUID) -> dict[str, Any]:
    """Everything that the newest run stored for a workspace."""
    query = """
        select json_build_object(
            'results', (select count(*) from public.forecast_results where workspace_id = %(user)s),
            'actuals', (
                select count(actual_cost_usd) from public.forecast_totals where workspace_id = %(user)s
            ),
            'anomalies', (
                select json_agg(json_build_array(model_name, day, actual_usd) order by model_name)
                from public.anomalies where workspace_id = %(user)s
            ),
            'renewals', (
                select count(*) from public.cost_records
                where workspace_id = %(user)s and charge_type = 'subscription'
            ),
            'status', j.status, 'error', j.error, 'steps', j.steps
        )
        from public.job_runs as j where j.workspace_id = %(user)s
        order by j.started_at desc limit 1"""
    [[found]] = db.connection.execute(query, {"user": user}).fetchall()
    return dict(found)


def test_step_that_fails_for_one_workspace_is_done_for_the_others(
    db: NightlyDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step fails for one workspace, all in one run."""
    *first, lucky, twin = sorted(db.add_account() for _ in range(len(FAULTS) + 2))
    unlucky = dict(zip(FAULTS, first, strict=True))
    for user in (*unlucky.values(), lucky, twin):
        add_history(db, user)
    assert db.run_nightly(AS_OF.replace(month=3)) == DONE
    make_older(db)
    db.connection.execute("delete from public.cost_records where charge_type = 'subscription'")
    for step, (fault, _) in FAULTS.items():
        literal = str(unlucky[step]) if step == "deletion" else f"'{unlucky[step]}'"
        db.connection.execute(fault.replace("%s", literal).encode())
    capsys.readouterr()

    assert db.run_nightly() == PARTIAL

    printed = capsys.readouterr().err
    assert printed.endswith(f"Done, with problems of {len(FAULTS)} accounts.\n")
    whole = outcome(db, lucky)
    assert (whole["status"], whole["error"]) == ("done", None)
    assert whole == outcome(db, twin)
    assert whole["results"] > 0
    assert whole["actuals"] > 0
    assert whole["anomalies"]
    assert whole["renewals"] > 0
    [[status, count, error]] = db.rows(
        "select status, metadata -> 'problems', error from public.job_runs"
        " where workspace_id is null order by started_at desc limit 1"
    )
    assert (status, count) == ("partial", len(FAULTS))
    for step, (_, sentence) in FAULTS.items():
        failed = outcome(db, unlucky[step])
        assert (failed["status"], failed["error"]) == ("failed", sentence)
        assert printed.count(str(unlucky[step])) == 1, step
        assert str(unlucky[step]) in error
        done = [
            name for name in ("results", "actuals", "anomalies", "renewals") if failed[name] == whole[name]
        ]
        assert len(done) >= 3 - (step == "renewals"), f"its other steps are done: {step}"


SLOW = """
create function private.slow() returns trigger language plpgsql
as 'begin if new.workspace_id = ''%s'' then perform pg_sleep(60); end if; return new; end';
create trigger slow before insert on public.forecast_totals for each row execute function private.slow()"""


def test_workspace_that_takes_too_long_delays_no_other(
    db: NightlyDatabase, pattern: SpendPattern, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlucky, lucky = sorted(db.add_account() for _ in range(2))
    for user in (unlucky, lucky):
        db.add_spend(user, pattern(20))
    db.connection.execute(SLOW.replace("%s", str(unlucky)).encode())
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1.5)
    assert db.run_nightly() == PARTIAL
    assert outcome(db, unlucky)["error"] == f"{FORECAST}: {TOO_SLOW}."
    assert outcome(db, lucky)["status"] == "done"


def test_unreadable_connections_of_one_workspace_fail_no_other(db: NightlyDatabase) -> None:
    """A time that no page can read, which the database refuses by now."""
    unlucky, lucky = sorted(db.add_account() for _ in range(2))
    db.connection.execute(
        "alter table public.api_credentials drop constraint api_credentials_next_sync_at_check"
    )
    for user in (unlucky, lucky):
        db.connection.execute(
            """insert into public.api_credentials (workspace_id, user_id, provider_id, credential_name,
                encrypted_api_key, encryption_key_id, next_sync_at)
            select %(user)s, %(user)s, id, 'key', 'damaged', 'first', %(next)s
            from public.providers where name = 'openai'""",
            {"user": user, "next": "infinity" if user == unlucky else datetime(2026, 1, 1, tzinfo=UTC)},
        )
    assert run.run(db.url, Options(workers=0)) == PARTIAL
    assert outcome(db, unlucky)["error"] == f"{problems.SYNC}: {REFUSED}."
    [collect] = [step for step in outcome(db, lucky)["steps"] if step["step"] == "collect"]
    assert collect["connections"][0]["error"], "it was tried"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OverflowError("int too large"), TOO_LARGE),
        (psycopg.errors.NumericValueOutOfRange("numeric field overflow"), TOO_LARGE),
        (psycopg.errors.CheckViolation('relation "x" violates'), REFUSED),
        (ValueError("Invalid isoformat string"), REFUSED),
        (psycopg.errors.LockNotAvailable("canceling statement"), BUSY),
        (psycopg.errors.QueryCanceled("canceling statement"), TOO_SLOW),
        (RuntimeError("secret"), UNEXPECTED),
        (psycopg.errors.UndefinedTable('relation "x" does not exist'), UNEXPECTED),
    ],
)
def test_any_error_of_one_workspace_is_told_in_words(
    db: NightlyDatabase,
    pattern: SpendPattern,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
) -> None:
    unlucky, lucky = sorted(db.add_account() for _ in range(2))
    for user in (unlucky, lucky):
        db.add_spend(user, pattern(20))
    results = WorkspaceRun.results

    def fail(workspace_run: WorkspaceRun) -> Any:
        if workspace_run.workspace.id == unlucky:
            raise error
        return results(workspace_run)

    monkeypatch.setattr(WorkspaceRun, "results", fail)
    assert db.run_nightly() == PARTIAL
    assert outcome(db, unlucky)["error"] == f"{FORECAST}: {reason}."
    assert outcome(db, lucky)["status"] == "done"
    assert run.run(db.url, Options(as_of=AS_OF, dry_run=True, workers=0)) == PARTIAL
