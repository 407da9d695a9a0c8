"""`python -m forecasting` as an operator runs it: output and exit codes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forecasting.nightly.run import BUSY, DONE, FAILED, INTERRUPTED
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

CHECKOUT = Path(__file__).resolve().parents[3]
NOWHERE = "postgresql://postgres@127.0.0.1:1/postgres"

MANY = 30  # accounts: such a run has not ended when the test sees its first forecast

SpendPattern = Callable[[int], list[float]]


def environment(database_url: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url,
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "unused",
    }


def run(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forecasting", *arguments],
        cwd=CHECKOUT,
        env=environment(database_url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start(database_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "forecasting", "--date", AS_OF.isoformat()],
        cwd=CHECKOUT,
        env=environment(database_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # ignored in background processes of some shells
    )


def wait_for_forecasts(db: NightlyDatabase) -> None:
    for _ in range(400):
        if db.count("public.forecast_results"):
            return
        time.sleep(0.05)
    pytest.fail("no forecast was saved within 20 seconds")


def add_accounts(db: NightlyDatabase, pattern: SpendPattern, count: int) -> None:
    for _ in range(count):
        user = db.add_account()
        for model in ("gpt-5", "o3", "o4-mini"):
            db.add_spend(user, pattern(90), model=model)


def test_successful_run_prints_one_line(db: NightlyDatabase, pattern: SpendPattern) -> None:
    add_accounts(db, pattern, 2)
    ended = run(db.url, "--date", AS_OF.isoformat())
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert ended.stdout == "Forecast 10 series for 2 accounts.\n"


def test_dry_run_prints_a_table(db: NightlyDatabase, pattern: SpendPattern) -> None:
    user = db.add_account()
    db.add_spend(user, pattern(30))
    db.connection.execute("select public.refresh_cost_records_daily()")
    ended = run(db.url, "--date", AS_OF.isoformat(), "--dry-run", "--workers", "0")
    assert ended.returncode == DONE
    lines = ended.stdout.splitlines()
    assert lines[0].split()[:2] == ["account", "series"]
    assert [line.split()[1] for line in lines[1:]] == ["model:gpt-5", "provider:openai", "total"]
    assert db.count("public.job_runs") == 0


def test_unreachable_database_is_reported_without_a_traceback() -> None:
    ended = run(NOWHERE, "--workers", "0")
    assert ended.returncode == FAILED
    assert ended.stderr.startswith("The database does not answer.")
    assert "Traceback" not in ended.stderr


def test_malformed_date_is_reported_with_an_example() -> None:
    ended = run(NOWHERE, "--date", "11.5.2024")
    assert ended.returncode == 2
    assert "'11.5.2024' is not a date such as 2026-11-01" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--date", "2999-01-01"), "2999-01-01 is in the future"),
        (("--workers", "-1"), "'-1' is not a number"),
        (("--scheduler", "10.0.0.5:8786"), "'10.0.0.5:8786' is not an address such as tcp://10.0.0.5:8786"),
    ],
)
def test_impossible_arguments_are_reported(arguments: tuple[str, str], message: str) -> None:
    ended = run(NOWHERE, *arguments)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_missing_table_is_reported_without_a_traceback(db: NightlyDatabase) -> None:
    db.connection.execute("alter table public.job_runs rename to gone")
    ended = run(db.url, "--workers", "0")
    assert ended.returncode == FAILED
    assert ended.stderr.startswith("The database refused: relation")
    assert "Traceback" not in ended.stderr


def test_help_has_an_example_and_the_exit_codes() -> None:
    shown = run(NOWHERE, "--help").stdout
    assert "example: python -m forecasting" in shown
    assert str(BUSY) in shown


def test_lost_database_connection_is_reported_and_nothing_is_half_written(
    db: NightlyDatabase, pattern: SpendPattern
) -> None:
    add_accounts(db, pattern, MANY)
    process = start(db.url)
    wait_for_forecasts(db)
    db.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'tally nightly' and datname = current_database()"
    )
    _, printed = process.communicate(timeout=30)
    assert process.returncode == FAILED
    assert printed.startswith("The database connection was lost")
    assert "Traceback" not in printed
    half_written = """
        select user_id, count(*) from public.forecast_results group by user_id having count(*) <> 150"""
    assert db.rows(half_written) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_is_recorded_as_interrupted(
    db: NightlyDatabase, pattern: SpendPattern, sent: signal.Signals
) -> None:
    add_accounts(db, pattern, MANY)
    process = start(db.url)
    wait_for_forecasts(db)
    process.send_signal(sent)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert printed.startswith("Stopped.")
    [[status, error]] = db.rows("select status, error from public.job_runs where user_id is null")
    assert (status, error) == ("failed", "The nightly run was interrupted before it finished.")


def test_killed_run_leaves_no_lock_and_no_workers(db: NightlyDatabase, pattern: SpendPattern) -> None:
    add_accounts(db, pattern, MANY // 2)
    process = start(db.url)
    wait_for_forecasts(db)
    process.kill()
    process.communicate(timeout=30)  # ends only when no process holds the pipes, as remaining workers would
    assert db.run_nightly(workers=2) == DONE
    statuses = db.rows("select status from public.job_runs where user_id is null order by started_at")
    assert statuses == [("failed",), ("done",)]
