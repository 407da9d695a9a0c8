"""The nightly run archives what workspaces ask for, each by itself, and deletes files of deleted ones."""

from pathlib import Path
from uuid import UUID

import pytest

from forecasting.nightly import run
from tests.forecasting.nightly_database import NightlyDatabase

WITHOUT_WORKERS = run.Options(workers=0)
PLACE = "TALLY_ARCHIVE_URL"
SETTING = "update public.workspaces set archive_days = 40 where id = %s returning 1"
RECORDS = "select count(*) from public.cost_records where workspace_id = %s"
SPEND = "select coalesce(sum(total_cost_usd), 0) from private.current_days where workspace_id = %s"
STATES = "select workspace_id, state from private.archives order by first_day"
STEP = """select s ->> 'count' from public.job_runs as j, jsonb_array_elements(j.steps) as s
    where j.workspace_id is null and s ->> 'step' = 'archive' order by j.started_at desc limit 1"""
LOGGED = (
    "select metadata ->> 'records', metadata ->> 'reason' from public.audit_logs where action = 'archived'"
)


@pytest.fixture
def accounts(db: NightlyDatabase) -> list[UUID]:
    """Two accounts with spend of years ago that want it archived, and one that does not."""
    users = [db.add_account() for _ in range(3)]
    for user in users:
        db.add_spend(user, [1.25, 2.5, 0.75] * 4)
    for user in users[:2]:
        assert db.rows(SETTING, user)
    return users


def test_old_records_are_archived_and_count_as_before(
    db: NightlyDatabase, accounts: list[UUID], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PLACE, f"file://{tmp_path}")
    records = [db.rows(RECORDS, user) for user in accounts]
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    assert [db.rows(RECORDS, user) for user in accounts] == [[(0,)], [(0,)], records[2]]
    assert len({db.rows(SPEND, user)[0] for user in accounts}) == 1
    assert db.rows(SPEND, accounts[0]) != [(0,)]
    assert db.rows(STEP) == [(str(2 * records[0][0][0]),)]
    assert {reason for _, reason in db.rows(LOGGED)} == {"setting"}
    assert sum(int(count) for count, _ in db.rows(LOGGED)) == 2 * records[0][0][0]
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    assert db.rows(STEP) == [("0",)]

    db.connection.execute("delete from auth.users where id = %s", [accounts[0]])
    assert list(tmp_path.rglob("*.parquet"))
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    assert {workspace for workspace, _ in db.rows(STATES)} == {accounts[1]}
    assert {path.parts[-4] for path in tmp_path.rglob("*.parquet")} == {str(accounts[1])}


def test_files_of_a_deleted_workspace_that_cannot_be_reached_stop_no_other_step(
    db: NightlyDatabase, accounts: list[UUID], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PLACE, f"file://{tmp_path}")
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    db.connection.execute("delete from auth.users where id = %s", [accounts[0]])
    monkeypatch.setenv(PLACE, f"file://{tmp_path / 'unmounted'}")
    assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
    [[steps, error]] = db.rows(
        "select steps, error from public.job_runs where workspace_id is null order by started_at desc limit 1"
    )
    assert [step["step"] for step in steps][-3:] == ["telemetry", "vacuum", "analyze"]
    assert "Files of a deleted workspace could not be deleted: The folder" in error
    (tmp_path / str(accounts[0])).rename(tmp_path / "kept")
    (tmp_path / str(accounts[0])).write_text("A file where the folder of a workspace would be.")
    monkeypatch.setenv(PLACE, f"file://{tmp_path}")
    assert run.run(db.url, WITHOUT_WORKERS) in (run.DONE, run.PARTIAL)


def test_an_archive_that_fails_stops_nobody_else_and_is_told(
    db: NightlyDatabase,
    accounts: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv(PLACE, raising=False)
    assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
    assert f"Set {PLACE}" in capfd.readouterr().err
    told = db.rows("select error from public.job_runs where workspace_id = %s", accounts[0])
    assert any("Old records could not be archived" in str(error) for (error,) in told)

    monkeypatch.setenv(PLACE, f"file://{tmp_path}")
    (tmp_path / str(accounts[0])).write_text("A file where the folder of a workspace would be.")
    records = db.rows(RECORDS, accounts[0])
    assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
    assert [db.rows(RECORDS, user) for user in accounts[:2]] == [records, [(0,)]]
