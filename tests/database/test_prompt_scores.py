"""Scores of prompts' versions: each run once, by whom it is believed, of experiments that are seen."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_experiments import bring, start
from tests.database.test_prompts import push_many
from tests.database_fixtures import Connection, Project, make_months

MAY_DAYS = {"from_date": "2026-05-01", "to_date": "2026-05-31"}


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    make_months(database, "2026-05-01")
    made = make_team(project, database, *COLLEAGUES)
    push_many(made["ann"], 2)
    return made


def compare(person: Person, *told: str | None, **details: Any) -> UUID:
    """An experiment whose variants A, B, … are versions of the prompt, None without one."""
    variants = [
        {
            "name": "AB"[nth],
            "is_baseline": nth == 0,
            "match": {"prompt": "refund", "model": "AB"[nth]}
            | ({"prompt_version": version} if version else {}),
        }
        for nth, version in enumerate(told)
    ]
    return start(person, *variants, **details)


def run(variant: str, session: str, day: int = 10) -> dict[str, Any]:
    return {"variant": variant, "session": session, "happened_at": f"2026-05-{day:02}T12:00:00Z"}


def score(
    session: str, value: Any, by: str = "code", name: str = "correct", kind: str = "bool"
) -> dict[str, Any]:
    return {"session": session, "name": name, "kind": kind, "value": value, "by": by}


def ask(person: Person, **changes: Any) -> dict[tuple[Any, ...], list[Any]]:
    """Scores by prompt, number, told version and name: how many, their sum, and the margin."""
    rows = person.ask("prompt_scores", **(MAY_DAYS | changes))
    return {
        (row["prompt"], row["number"], row["told"], row["name"]): [
            row["scored"],
            float(row["powers"][0]),
            float(row["margin"]),
        ]
        for row in rows
    }


def test_each_run_counts_once_by_people_before_code_before_models(team: Team) -> None:
    ann, bob = team["ann"], team["bob"]
    compare(ann, "v1", "other")
    runs = [run("A", "s1"), run("A", "s2"), run("A", "s3"), run("B", "s4"), run("B", "s5", 1), run("B", "s6")]
    scores = [
        *(score("s1", 0), score("s1", 1, "model"), score("s2", 1, "model")),
        *(score("s3", 0), score("s3", 1, "human"), score("s4", 1), score("s5", 1)),
        score("s6", 4.5, name="tone", kind="number"),
    ]
    bring(ann, *runs, scores=scores)
    bob.ask("save_scores", experiment="Cheaper", scores=[score("s3", 0, "human")])  # one of two: no pass
    expected = {
        ("refund", 1, "", "correct"): [3, 1, 0.05],
        ("refund", None, "other", "correct"): [2, 2, 0.05],
    }
    assert ask(bob) == expected
    assert ask(bob, prompt="refund") == expected
    assert ask(bob, prompt="draft") == ask(bob, to_date="2026-05-09", from_date="2026-05-02") == {}
    assert ask(bob, to_date="2026-05-09") == {("refund", None, "other", "correct"): [1, 1, 0.05]}


def test_run_of_two_experiments_counts_once(team: Team) -> None:
    ann = team["ann"]
    compare(ann, "1", "2")
    bring(ann, run("A", "s1"), scores=[score("s1", 1)])
    compare(ann, "1", None, name="Again", margin=0.02)
    runs = [run("A", "s1"), run("B", "s2")]
    ann.ask("save_runs", experiment="Again", runs=runs, scores=[score("s1", 1), score("s2", 1)], source="api")
    assert ask(ann) == {
        ("refund", 1, "", "correct"): [1, 1, 0.02],
        ("refund", None, "", "correct"): [1, 1, 0.02],
    }


def test_powers_are_exact_sums(team: Team) -> None:
    ann = team["ann"]
    compare(ann, "1", "2", score_kind="number", margin=1)
    values = ["-0.1", "2.25", "7"]
    bring(
        ann,
        *(run("A", value) for value in values),
        scores=[score(value, value, kind="number") for value in values],
    )
    [row] = ann.ask("prompt_scores", **MAY_DAYS)
    assert [float(power) for power in row["powers"]] == pytest.approx(
        [sum(float(value) ** n for value in values) for n in range(1, 5)], abs=1e-12
    )


def test_scores_of_private_projects_and_of_others_costs_stay_hidden(team: Team, database: Connection) -> None:
    admin = team["admin"]
    secret = admin.add_project("Secret", is_private=True)
    compare(admin, "1", "2", project_id=str(secret))
    bring(admin, run("A", "s1"), scores=[score("s1", 1)])
    assert ask(admin) == ask(admin, project=secret) == {("refund", 1, "", "correct"): [1, 1, 0.05]}
    assert ask(team["bob"]) == {}
    admin.ask("save_experiment", details={"id": admin.ask("list_experiments")[0]["id"], "project_id": None})
    assert ask(team["bob"]) == ask(team["viewer"]) == ask(admin)
    assert ask(admin, project=secret) == {}
    database.execute("update public.workspaces set person_split = 'own' where id = %s", [team.id])
    assert ask(team["bob"]) == {}


def test_another_workspace_is_another_workspace(project: Project, database: Connection, team: Team) -> None:
    compare(team["ann"], "1", "2")
    bring(team["ann"], run("A", "s1"), scores=[score("s1", 1)])
    other = make_team(project, database, "owner")
    assert ask(other["owner"]) == {}
    with pytest.raises(psycopg.Error, match="not a member"):
        other["owner"].call("prompt_scores", workspace=team.id, **MAY_DAYS)


def test_period_that_cannot_be_is_refused(team: Team) -> None:
    for days in ({"from_date": None}, {"from_date": "2025-01-01"}, {"from_date": "2026-06-01"}):
        with pytest.raises(psycopg.Error, match="at most 400 days"):
            ask(team["ann"], **days)
