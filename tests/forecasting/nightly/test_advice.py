"""The nightly run looks for advice, workspace by workspace."""

from random import Random
from uuid import UUID, uuid4

import pytest

from forecasting.nightly import advice
from forecasting.nightly.problems import Problems
from forecasting.nightly.workspaces import Workspace
from tally.advice.stored import refresh_advice
from tests.forecasting.nightly_database import NightlyDatabase
from tests.tally.advice.accounts import TODAY, add_account, batch


def add_batches(db: NightlyDatabase) -> Workspace:
    """An account with a job at night."""
    account = db.add_account()
    add_account(db.connection, account, batch(Random(1)))
    db.connection.execute("select public.fold_stale_days()")
    return Workspace(account, TODAY, True)


def kinds(db: NightlyDatabase, workspace: UUID) -> set[str]:
    return {kind for (kind,) in db.rows("select kind from public.advice where workspace_id = %s", workspace)}


def test_a_workspace_that_fails_stops_no_other(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    workspaces = [add_batches(db), add_batches(db)]

    def fail_first(connection: object, workspace: UUID, *others: object) -> int:
        if workspace == workspaces[0].id:
            raise ArithmeticError
        return refresh_advice(connection, workspace, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(advice, "refresh_advice", fail_first)
    problems = Problems(db.connection, uuid4())
    assert advice.refresh_all(db.connection, workspaces, problems) == 1
    assert [kinds(db, workspace.id) for workspace in workspaces] == [set(), {"batch"}]
    assert problems.workspaces == {workspaces[0].id}


def test_workspaces_beyond_the_time_are_told_so(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "MAX_SECONDS", -1)
    workspace = add_batches(db)
    problems = Problems(db.connection, uuid4())
    assert advice.refresh_all(db.connection, [workspace], problems) == 0
    assert "no time left" in problems.lines[0]
    assert kinds(db, workspace.id) == set()
