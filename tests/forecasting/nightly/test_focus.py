"""The nightly run keeps files of FOCUS for the workspaces that switched it on; one's failure is its own."""

from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from forecasting.nightly import focus, run
from forecasting.nightly.focus import LEFT
from tally.focus.places import NO_PLACE, PLACE_FAILS
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

WITHOUT_WORKERS = run.Options(workers=0)
STATE = (
    "select ran_at is not null, months, changed, problem from private.focus_exports where workspace_id = %s"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The server's place for files."""
    monkeypatch.setenv("TALLY_FOCUS_URL", f"file://{tmp_path}")
    return tmp_path


def add(db: NightlyDatabase, user: UUID | None, workspace: UUID | None = None) -> None:
    """Switch it on."""
    query = "insert into private.focus_exports (workspace_id, user_id) values (%s, %s)"
    db.connection.execute(query, [workspace or user, user])


def add_spend(db: NightlyDatabase, days: int = 3) -> UUID:
    user = db.add_account()
    db.add_spend(user, [1.0] * days, date(2024, 5, 3))
    return user


def test_costs_are_kept_of_those_who_switched_it_on(db: NightlyDatabase, folder: Path) -> None:
    exported, other = add_spend(db, 5), add_spend(db)
    add(db, exported)
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    assert [path.name for path in folder.iterdir()] == ["focus-1.2"]
    files = sorted(
        str(path.relative_to(folder / "focus-1.2")) for path in folder.rglob("*.*") if path.is_file()
    )
    assert files == [f"{exported}/{name}" for name in ("2024-04.csv", "2024-05.csv", "manifest.json")]
    assert db.rows(STATE, exported) == [(True, 2, 2, None)]
    assert db.rows(STATE, other) == []
    [[steps]] = db.rows("select steps from public.job_runs where workspace_id is null")
    assert [step["count"] for step in steps if step["step"] == "focus"] == [2]
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    assert db.rows(STATE, exported) == [(True, 2, 0, None)]


def test_failure_of_one_workspace_is_told_to_it_and_stops_no_other(
    db: NightlyDatabase, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    left, broken, fine = add_spend(db), add_spend(db), add_spend(db)
    team = uuid4()
    db.connection.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [team])
    add(db, left, team)
    add(db, broken)
    add(db, fine)
    (folder / "focus-1.2").mkdir()
    (folder / "focus-1.2" / str(broken)).write_text("a file where a folder should be")
    assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
    assert db.rows(STATE, fine) == [(True, 1, 1, None)]
    assert db.rows(STATE, team) == [(True, 0, 0, LEFT)]
    [[ran, months, changed, problem]] = db.rows(STATE, broken)
    assert (ran, months, changed) == (True, 0, 0)
    assert problem == PLACE_FAILS  # without folders of the server
    assert str(folder) in capfd.readouterr().err
    [[error]] = db.rows("select error from public.job_runs where workspace_id = %s", broken)
    assert error == f"Costs could not be exported as FOCUS. {problem}"


def test_server_without_a_place_says_so(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLY_FOCUS_URL", raising=False)
    user = add_spend(db)
    add(db, user)
    assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
    assert db.rows(STATE, user) == [(True, 0, 0, NO_PLACE)]


def test_who_comes_too_late_is_first_in_the_next_run(
    db: NightlyDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [add_spend(db) for _ in range(2)]
    for user in users:
        add(db, user)
    monkeypatch.setattr(focus, "MAX_SECONDS", -1)
    assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
    assert {row for user in users for row in db.rows(STATE, user)} == {(False, 0, 0, focus.LATE)}
    assert list(folder.iterdir()) == []
    for number in (1, 2):  # there is time for one of them
        moments = iter([0.0, 0.0])
        monkeypatch.setattr(focus, "monotonic", lambda moments=moments: next(moments, 1.0))
        monkeypatch.setattr(focus, "MAX_SECONDS", 0.5)
        assert run.run(db.url, WITHOUT_WORKERS) == run.PARTIAL
        assert len(list((folder / "focus-1.2").iterdir())) == number


def test_replayed_night_exports_nothing(db: NightlyDatabase, folder: Path) -> None:
    add(db, add_spend(db))
    assert run.run(db.url, run.Options(as_of=AS_OF, workers=0)) == run.DONE
    assert list(folder.iterdir()) == []
