"""The whole sample: prompts, experiments and invoices about its records, removed without a trace."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tally.local.stack import Stack
from tally.samples import sample
from tally.samples.texts import TEXTS
from tally.spend.sample_tickets import HAIKU, SONNET, TAGGING, TRIED_UNTIL, sample_tickets
from tally.storage.database import Database, Query, select_all
from tests.tally.people import add_member, add_team, over_http, sign_up

TABLES = (
    "cost_records",
    "imports",
    "prompts",
    "prompt_versions",
    "prompt_deployments",
    "experiments",
    "experiment_runs",
    "invoices",
    "scores",
)


def rows(database: Database, table: str, columns: str = "id") -> list[Any]:
    return list(select_all(database, Query(table, columns, ["id"])))


def count_all(database: Database) -> list[int]:
    return [len(rows(database, table)) for table in TABLES]


def test_sample_has_prompts_experiments_and_invoices_until_it_is_removed(stack: Stack) -> None:
    database = over_http(stack, sign_up(stack))
    database.call("push_prompt", name="own", content="Mine.", message="", variables=[], labels=[])
    before, today = count_all(database), datetime.now(UTC).date()
    sample.load(database, today)
    loaded = count_all(database)
    sample.load(database, today)
    assert count_all(database) == loaded, "a second time adds nothing"
    assert loaded[2:5] == [1 + len(TEXTS), 1 + sum(map(len, TEXTS.values())), 8]
    decided, running = sorted(
        rows(database, "experiments", "id,status,decided_variant,decision"), key=lambda e: e["status"]
    )
    assert (decided["decided_variant"], decided["decision"]["verdict"]) == ("haiku", "cheaper")
    assert running["status"] == "running"
    runs = [run["experiment_id"] for run in rows(database, "experiment_runs", "id,experiment_id")]
    assert runs.count(running["id"]) > 60
    assert sample.remove(database) == 1
    assert count_all(database) == before
    assert [row["name"] for row in rows(database, "prompts", "id,name")] == ["own"]


def test_a_prompt_of_the_sample_that_got_a_text_of_ones_own_stays(stack: Stack) -> None:
    database = over_http(stack, sign_up(stack))
    sample.load(database, datetime.now(UTC).date())
    database.call("push_prompt", name=TAGGING, content="Mine.", message="", variables=[], labels=[])
    sample.remove(database)
    assert [row["name"] for row in rows(database, "prompts", "id,name")] == [TAGGING]


def test_members_get_records_alone(stack: Stack) -> None:
    owner, member = sign_up(stack), sign_up(stack)
    team = add_team(stack, owner)
    add_member(stack, team, member)
    database = over_http(stack, member).in_workspace(team)
    assert sample.load(database, datetime.now(UTC).date()).added > 1_000
    assert count_all(database)[2:] == [0] * (len(TABLES) - 2)
    assert sample.remove(database) == 1


@pytest.mark.parametrize("weekday", range(7))
def test_sides_of_the_trial_have_enough_runs_on_any_day(weekday: int) -> None:
    today = date(2026, 11, 16) + timedelta(days=weekday)
    tried = [ticket for ticket in sample_tickets(today) if (today - ticket.day).days >= TRIED_UNTIL]
    taggers = [ticket.calls[0].model for ticket in tried]
    assert min(taggers.count(SONNET), taggers.count(HAIKU)) >= 100
    assert {ticket.day for ticket in sample_tickets(today)} <= {
        today - timedelta(days=n) for n in range(1, 41)
    }
