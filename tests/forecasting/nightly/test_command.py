"""`python -m forecasting` as an operator runs it: what it prints, and its exit code."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forecasting.nightly.run import BUSY, DONE, FAILED, INTERRUPTED
from tests.forecasting.house import AS_OF, House

CHECKOUT = Path(__file__).resolve().parents[3]
NOWHERE = "postgresql://postgres@127.0.0.1:1/postgres"

MANY = 30  # people: a night that is still at work when the test has seen its first forecast

Wavy = Callable[[int], list[float]]


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
        ),  # a run in the background may ignore it
    )


def wait_for_forecasts(house: House) -> None:
    for _ in range(400):
        if house.count("public.forecast_results"):
            return
        time.sleep(0.05)
    pytest.fail("no forecast was saved within 20 seconds")


def add_many(house: House, wavy: Wavy, people: int) -> None:
    for _ in range(people):
        user = house.add_person()
        for model in ("gpt-5", "o3", "o4-mini"):
            house.add_spend(user, wavy(90), model=model)


def test_a_night_says_little_and_ends_well(house: House, wavy: Wavy) -> None:
    add_many(house, wavy, 2)
    ended = run(house.url, "--date", AS_OF.isoformat())
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert ended.stdout == "Forecast 10 series of 2 people.\n"


def test_a_dry_run_is_a_table(house: House, wavy: Wavy) -> None:
    user = house.add_person()
    house.add_spend(user, wavy(30))
    house.connection.execute("select public.refresh_cost_records_daily()")
    ended = run(house.url, "--date", AS_OF.isoformat(), "--dry-run", "--workers", "0")
    assert ended.returncode == DONE
    lines = ended.stdout.splitlines()
    assert lines[0].split()[:2] == ["person", "series"]
    assert [line.split()[1] for line in lines[1:]] == ["model:gpt-5", "provider:openai", "total"]
    assert house.count("public.job_runs") == 0


def test_no_database_is_a_sentence() -> None:
    ended = run(NOWHERE, "--workers", "0")
    assert ended.returncode == FAILED
    assert ended.stderr.startswith("The database does not answer.")
    assert "Traceback" not in ended.stderr


def test_a_wrong_date_is_a_sentence() -> None:
    ended = run(NOWHERE, "--date", "11.5.2024")
    assert ended.returncode == 2
    assert "'11.5.2024' is not a date such as 2026-11-01" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--date", "2999-01-01"), "2999-01-01 has not come yet"),
        (("--workers", "-1"), "'-1' is not a number"),
        (("--scheduler", "10.0.0.5:8786"), "'10.0.0.5:8786' is not an address such as tcp://10.0.0.5:8786"),
    ],
)
def test_impossible_arguments_are_a_sentence(arguments: tuple[str, str], said: str) -> None:
    ended = run(NOWHERE, *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_database_without_the_schema_is_a_sentence(house: House) -> None:
    house.connection.execute("alter table public.job_runs rename to gone")
    ended = run(house.url, "--workers", "0")
    assert ended.returncode == FAILED
    assert ended.stderr.startswith("The database refused: relation")
    assert "Traceback" not in ended.stderr


def test_help_has_an_example_and_the_exit_codes() -> None:
    shown = run(NOWHERE, "--help").stdout
    assert "example: python -m forecasting" in shown
    assert str(BUSY) in shown


def test_a_database_that_goes_away_is_a_sentence(house: House, wavy: Wavy) -> None:
    add_many(house, wavy, MANY)
    night = start(house.url)
    wait_for_forecasts(house)
    house.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'tally nightly' and datname = current_database()"
    )
    _, said = night.communicate(timeout=30)
    assert night.returncode == FAILED
    assert said.startswith("The database went away")
    assert "Traceback" not in said
    half_written = """
        select user_id, count(*) from public.forecast_results group by user_id having count(*) <> 150"""
    assert house.rows(half_written) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_night_is_on_record_as_stopped(house: House, wavy: Wavy, sent: signal.Signals) -> None:
    add_many(house, wavy, MANY)
    night = start(house.url)
    wait_for_forecasts(house)
    night.send_signal(sent)
    _, said = night.communicate(timeout=30)
    assert night.returncode == INTERRUPTED
    assert said.startswith("Stopped.")
    [[status, error]] = house.rows("select status, error from public.job_runs where user_id is null")
    assert (status, error) == ("failed", "The night was interrupted before it ended.")


def test_a_killed_night_leaves_no_lock_and_no_workers(house: House, wavy: Wavy) -> None:
    add_many(house, wavy, MANY // 2)
    night = start(house.url)
    wait_for_forecasts(house)
    night.kill()
    night.communicate(timeout=30)  # ends only when nobody holds the pipes: workers would
    assert house.work(workers=2) == DONE
    statuses = house.rows("select status from public.job_runs where user_id is null order by started_at")
    assert statuses == [("failed",), ("done",)]
