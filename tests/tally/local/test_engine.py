"""What `tally status` and `tally doctor` say of the analytics engine."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tally.analytics import building, outbox
from tally.local import status
from tally.local.doctor import examine
from tally.local.engine import query_engine
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project
from tests.forecasting.nightly.conftest import environment


@pytest.fixture
def url(project: Project) -> str:
    return project.cluster.url(project.name)


def test_without_an_engine_nothing_is_said(url: str) -> None:
    assert query_engine(None, url) is None
    assert query_engine(None, None) is None


def test_lag_problems_and_what_gathers_are_said(
    url: str, database: Connection, engine: Any, as_user: Callable[[UUID], Connection], user: UUID
) -> None:
    address = f"chdb://{engine.path}"
    assert query_engine(address, url) == (
        False,
        "not in use yet; a worker puts it to use, or run `tally analytics rebuild`",
    )
    building.rebuild(database, engine, replaces=True)
    assert query_engine(address, url) == (True, "up to date")
    save(as_user(user), [record()])
    is_well, state = query_engine(address, url) or (False, "")
    assert (is_well, state.startswith("1 row behind, the oldest by")) == (True, True)
    outbox.note_problem(database, "The disk is full.")
    assert query_engine(address, url) == (False, "1 row waiting: The disk is full.")
    is_well, state = query_engine("http://127.0.0.1:1/tally", url) or (True, "")
    assert (is_well, "did not answer" in state) == (False, True)
    is_well, state = query_engine(None, url) or (True, "")
    assert (is_well, "run `tally analytics off`" in state) == (False, True)
    assert query_engine(address, "postgresql://127.0.0.1:1/nowhere") == (
        True,
        "how far it is behind is unknown without the database",
    )


def test_status_and_doctor_name_an_engine_that_is_down_without_its_password(
    url: str, database: Connection, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    building.rebuild(database, engine, replaces=True)
    down = {"TALLY_CLICKHOUSE_URL": "http://ada:secret@127.0.0.1:1/tally"}
    for name, value in (environment(url) | down).items():
        monkeypatch.setenv(name, value)
    text = status.as_text(status.load_status())
    [line] = [line for line in text.splitlines() if line.startswith("analytics")]
    assert "does not answer  http://127.0.0.1:1/tally The analytics engine did not answer" in line
    [finding] = [finding for finding in examine() if finding.name == "analytics engine"]
    assert (finding.is_missing, "secret" in f"{text} {finding}") == (True, False)
