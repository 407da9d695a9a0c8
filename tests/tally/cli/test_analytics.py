"""`tally analytics`: how far the engine is behind, building it again, and comparing both sides."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from tally.analytics import building, outbox
from tally.analytics.client import INSTALLATION, SCHEMA, write_fact
from tally.cli.main import app
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project
from tests.forecasting.nightly.conftest import environment

Act = Callable[[UUID], Connection]


@pytest.fixture(autouse=True)
def settings(project: Project, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses of both sides."""
    settings = environment(project.cluster.url(project.name))
    for name, value in (settings | {"TALLY_CLICKHOUSE_URL": f"chdb://{engine.path}"}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _records(settings: None, database: Connection, engine: Any, as_user: Act, user: UUID) -> None:  # noqa: ARG001
    """Two records that the engine has, and one that it has not."""
    building.rebuild(database, engine, replaces=True)
    person = as_user(user)
    save(person, [record(cost_usd="0.0000000001"), record(cost_usd="2")])
    assert run("ship") == (0, "Shipped 2 rows.\n")
    save(person, [record()])


def run(*arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    result = CliRunner().invoke(app, ["analytics", *arguments])
    return result.exit_code, result.output


def test_status_names_what_is_due_and_both_sides(user: UUID) -> None:
    code, text = run("status")
    assert (code, "Analytics engine: 1 row behind, the oldest by" in text) == (0, True)
    code, text = run("status", "--json")
    found = json.loads(text)
    [workspace] = found["workspaces"]
    assert (code, found["pending"], found["tasks"], found["parked"], found["problem"]) == (0, 1, 0, 0, None)
    assert workspace["id"] == str(user)
    assert (workspace["rows"], workspace["engine_rows"], workspace["pending"]) == ([3, 0, 0], [2, 0, 0], 1)


def test_rebuild_ships_everything_and_check_finds_no_difference() -> None:
    assert run("rebuild") == (0, "The analytics engine has everything.\n")
    equal = "Both sides are equal: 3 records, $3.50, 1 month of tables.\n"
    assert run("check") == (0, equal)
    assert run("ship") == (0, "The analytics engine is up to date.\n")


def test_check_names_the_month_that_differs(engine: Any, user: UUID) -> None:
    engine.command(f"delete from records where workspace_id = '{user}'")
    code, text = run("check")
    assert (code, "differs" in text, "2026-05" in text, "3.5000000001" in text) == (1, True, True, True)
    assert f"{user}" in text
    assert run("rebuild", "--workspace", str(user)) == (0, "The analytics engine has everything.\n")
    assert run("check")[0] == 0


def test_rows_that_were_set_aside_are_named_and_retried(database: Connection) -> None:
    ids, _ = outbox.take_keys(database, 10)
    outbox.park(database, ids, "no reason")
    assert "Set aside: 1 row, such as of" in run("status")[1]
    assert run("retry") == (0, "1 row tried, 0 set aside again.\n")
    assert run("retry") == (0, "No row was set aside.\n")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (SCHEMA, "0", "Run `tally analytics rebuild`"),
        (INSTALLATION, "6f1c2b0e-5a83-4c43-9d52-0d6f3c1f7a11", "Run `tally analytics rebuild`"),
    ],
)
def test_an_engine_of_another_version_or_tally_is_refused_in_a_sentence(
    engine: Any, name: str, value: str, sentence: str
) -> None:
    write_fact(engine, name, value)
    code, text = run("ship")
    assert (code, sentence in text, "Traceback" in text) == (1, True, False)
    replaces = ["--replace"] if name == INSTALLATION else []
    if replaces:
        code, text = run("rebuild")
        assert (code, "--replace" in text) == (1, True)
    assert run("rebuild", *replaces)[0] == 0
    assert run("check")[0] == 0


def test_off_forgets_what_is_due(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Remove TALLY_CLICKHOUSE_URL first" in run("off")[1]
    monkeypatch.delenv("TALLY_CLICKHOUSE_URL")
    assert run("off") == (0, "The analytics engine is not used any more.\n")
    assert outbox.find_installation(database) is None
    code, text = run("status")
    assert (code, "There is no analytics engine" in text) == (1, True)


def test_an_engine_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_CLICKHOUSE_URL", "http://127.0.0.1:1/tally")
    code, text = run("status")
    assert (code, "The analytics engine did not answer" in text, "Traceback" in text) == (1, True, False)
