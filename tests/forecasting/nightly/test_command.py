"""`python -m forecasting` as an operator runs it: output and exit codes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forecasting.nightly.run import BUSY, DONE, FAILED, INTERRUPTED
from tests.forecasting.nightly.conftest import environment
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

CHECKOUT = Path(__file__).resolve().parents[3]
MANY = 15  # accounts: such a run has not ended when the test sees its first forecast
WORKERS = "2"  # nor on a machine with many cores

SpendPattern = Callable[[int], list[float]]


def start(database_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "forecasting", "--date", AS_OF.isoformat(), "--workers", WORKERS],
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
    for _ in range(1200):
        if db.count("public.forecast_results"):
            return
        time.sleep(0.05)
    pytest.fail("no forecast was saved within 60 seconds")


def add_accounts(db: NightlyDatabase, pattern: SpendPattern, count: int) -> None:
    for _ in range(count):
        user = db.add_account()
        for model in ("gpt-5", "o3", "o4-mini"):
            db.add_spend(user, pattern(90), model=model)


def test_successful_run_prints_one_line(db: NightlyDatabase, pattern: SpendPattern) -> None:
    add_accounts(db, pattern, 2)
    process = start(db.url)
    assert process.communicate(timeout=60) == ("Forecast 10 series for 2 accounts.\n", "")
    assert process.returncode == DONE


def dry_run(call: Callable[..., int], db: NightlyDatabase) -> int:
    db.connection.execute("select public.refresh_cost_records_daily()")
    return call("--date", AS_OF.isoformat(), "--dry-run", "--workers", "0", database_url=db.url)


def test_dry_run_prints_a_table(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str], db: NightlyDatabase, pattern: SpendPattern
) -> None:
    user = db.add_account()
    db.add_spend(user, pattern(30))
    assert dry_run(call, db) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["account", "series"]
    assert [line.split()[1] for line in lines[1:]] == ["model:gpt-5", "provider:openai", "total"]
    assert db.count("public.job_runs") == 0


def test_hostile_model_does_not_reach_the_terminal(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str], db: NightlyDatabase, pattern: SpendPattern
) -> None:
    db.add_spend(db.add_account(), pattern(30), model="a\x1b]8;;x\x07\nb\u202ec")
    assert dry_run(call, db) == DONE
    assert capsys.readouterr().out.splitlines()[1].split()[1] == "model:a�]8;;x��b�c"


def test_unreachable_database_is_reported(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--workers", "0") == FAILED
    assert capsys.readouterr().err.startswith("The database does not answer.")


def test_interrupt_before_the_run_starts_is_reported(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tally.core.settings.load_settings", interrupt)
    assert call() == INTERRUPTED
    assert capsys.readouterr().err == "Stopped before anything was done.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--date", "11.5.2024"), "'11.5.2024' is not a date such as 2026-11-01"),
        (("--date", "2999-01-01"), "2999-01-01 is in the future"),
        (("--workers", "-1"), "'-1' is not a number"),
        (("--workers", "65"), "'65' is not a number from 0 to 64"),
        (("--scheduler", "10.0.0.5:8786"), "'10.0.0.5:8786' is not an address such as tcp://10.0.0.5:8786"),
        (("--scheduler", "tcp://host:port"), "'tcp://host:port' is not an address"),
    ],
)
def test_impossible_arguments_are_reported(
    call: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, str],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        call(*arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_missing_table_is_reported_without_a_traceback(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str], db: NightlyDatabase
) -> None:
    db.connection.execute("alter table public.job_runs rename to gone")
    assert call("--workers", "0", database_url=db.url) == FAILED
    printed = capsys.readouterr().err
    assert printed.startswith("The database refused: relation")
    assert "Traceback" not in printed


def test_help_has_an_example_and_the_exit_codes(
    call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call("--help")
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "example: python -m forecasting" in shown
    assert f"{BUSY} another run is in progress" in shown


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
    _, printed = process.communicate(timeout=60)
    assert process.returncode == FAILED
    assert printed.startswith("The database connection was lost")
    assert "Traceback" not in printed
    half_written = """
        select workspace_id, count(*) from public.forecast_results group by 1 having count(*) <> 150"""
    assert db.rows(half_written) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_is_recorded_as_interrupted(
    db: NightlyDatabase, pattern: SpendPattern, sent: signal.Signals
) -> None:
    add_accounts(db, pattern, MANY)
    process = start(db.url)
    wait_for_forecasts(db)
    process.send_signal(sent)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert printed.startswith("Stopped.")
    [[status, error]] = db.rows("select status, error from public.job_runs where workspace_id is null")
    assert (status, error) == ("failed", "The nightly run was interrupted before it finished.")


def test_killed_run_leaves_no_lock_and_no_workers(db: NightlyDatabase, pattern: SpendPattern) -> None:
    add_accounts(db, pattern, MANY // 2)
    process = start(db.url)
    wait_for_forecasts(db)
    process.kill()
    process.communicate(timeout=60)  # ends only when no process holds the pipes, as remaining workers would
    assert db.run_nightly() == DONE
    statuses = db.rows("select status from public.job_runs where workspace_id is null order by started_at")
    assert statuses == [("failed",), ("done",)]
