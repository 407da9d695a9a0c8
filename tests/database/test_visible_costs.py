"""Members read a workspace's costs as far as they may know them: totals are whole, names are folded."""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]
Key = tuple[str, ...]

UNASSIGNED = NOBODY = UUID(int=0)
OTHER_PROJECTS = UUID(int=2**128 - 1)
SPLITS = ("own", "admins", "everyone")

RECORDS = """
select r.timestamp::date::text, r.model_name, r.cost_basis, r.project_id, r.user_id, r.cost_usd, r.tokens_used
from public.effective_records as r
where r.workspace_id = %s"""


@dataclass(frozen=True)
class Row:
    """A record, as the operator sees it."""

    key: Key
    project: UUID
    user: UUID
    cost: Decimal | None
    tokens: int


@dataclass(frozen=True)
class Scene:
    """A workspace with records of three people in four projects, one of them private and one more."""

    database: Connection
    team: Team
    projects: dict[str, UUID]

    def rows(self) -> list[Row]:
        """All records."""
        workspace = self.team["admin"].workspace
        return [
            Row(tuple(key), project or UNASSIGNED, user, cost, tokens)
            for *key, project, user, cost, tokens in self.database.execute(RECORDS, [workspace])
        ]

    def set_split(self, person_split: str) -> None:
        """Change who sees whose costs."""
        self.database.execute("update public.workspaces set person_split = %s", [person_split])


@pytest.fixture
def scene(project: Project, database: Connection) -> Scene:
    team = make_team(project, database, *COLLEAGUES)
    admin = team["admin"]
    projects = {name: admin.add_project(name) for name in ("web", "app")}
    projects |= {name: admin.add_project(name, is_private=True) for name in ("secret", "buried")}
    admin.call("set_project_members", project=projects["secret"], people=[team["ann"].id])
    scene = Scene(database, team, projects)
    for name in ("ann", "bob", "admin"):
        add_records(scene, name, days=6, seed=len(name))
    return scene


def add_records(scene: Scene, name: str, days: int, seed: int) -> None:
    """Records of a person on May days, in every project."""
    chance = random.Random(seed)
    scene.team[name].save(None, *make_records(chance, days))
    query = "select id from public.cost_records where user_id = %s and project_chosen_by is null order by id"
    ids = [record_id for (record_id,) in scene.database.execute(query, [scene.team[name].id])]
    projects = [chance.choice([None, *scene.projects.values()]) for _ in ids]
    scene.database.execute(
        """update public.cost_records as r set project_id = c.project_id, project_chosen_by = 'person'
        from unnest(%s::uuid[], %s::uuid[]) as c (id, project_id)
        where r.id = c.id""",
        [ids, projects],
    )


def make_records(chance: random.Random, days: int) -> Iterator[dict[str, Any]]:
    for _ in range(40):
        unpriced = chance.random() < 0.1
        basis = "estimated" if unpriced else chance.choice(["billed", "estimated", "included"])
        yield record(
            timestamp=f"2026-05-{chance.randint(1, days):02}T{chance.randrange(24):02}:00:00Z",
            model_name=chance.choice(["small", "large"]),
            cost_usd=None if unpriced else str(chance.randint(1, 99)),
            cost_basis=basis,
        )


@dataclass(frozen=True)
class Question:
    """What a person asks of the days."""

    split: str | None = None
    project: UUID | None = None
    person: UUID | None = None


def expect(
    scene: Scene, records: list[Row], reader: str, person_split: str, asked: Question
) -> dict[Key, Any] | str:
    """The right answer, or the reason why there is none."""
    me, is_admin = scene.team[reader].id, reader in ("owner", "admin")
    seen = {"ann": {"secret"}}.get(reader, set())
    hidden = set() if is_admin else {scene.projects[name] for name in {"secret", "buried"} - seen}
    tells_people = is_admin or person_split == "everyone"
    if asked.project in hidden:
        return "There is no such project"
    if asked.person not in (None, me) and not tells_people:
        return "nobody's costs but their own"
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in records:
        is_mine = row.user == me
        if person_split == "own" and not is_admin and not is_mine:
            continue
        if asked.project not in (None, row.project) or asked.person not in (None, row.user):
            continue
        if asked.person not in (None, me) and row.project in hidden:
            continue
        project = OTHER_PROJECTS if row.project in hidden else row.project
        person = row.user if is_mine or (tells_people and row.project not in hidden) else NOBODY
        part = {None: (), "project": (str(project),), "person": (str(person),)}[asked.split]
        groups[row.key + part].append(row)
    return {key: total(rows) for key, rows in groups.items()}


def total(rows: list[Row]) -> tuple[Decimal | None, int, int, int]:
    costs = [row.cost for row in rows if row.cost is not None]
    cost = sum(costs, Decimal(0)) if costs else None
    return cost, sum(row.tokens for row in rows), len(rows), len(rows) - len(costs)


def read(person: Person, asked: Question) -> dict[Key, Any] | str:
    """The answer of the database in the same shape."""
    try:
        columns = person.ask("daily_costs", split=asked.split, project=asked.project, person=asked.person)
    except psycopg.Error as error:
        return str(error)
    names = ["date", "model", "cost_basis"] + ([asked.split] if asked.split else [])
    assert columns["date"] == sorted(columns["date"])
    assert ("project" in columns, "person" in columns) == (asked.split == "project", asked.split == "person")
    figures = zip(
        columns["cost_usd"], columns["tokens"], columns["records"], columns["unpriced_records"], strict=True
    )
    keys = list(zip(*(columns[name] for name in names), strict=True))
    answer = {
        key: (None if cost is None else Decimal(cost), *counts)
        for key, (cost, *counts) in zip(keys, figures, strict=True)
    }
    assert len(answer) == len(keys)
    return answer


QUESTIONS = 14  # of 54, for each reader and each setting; all of them take a minute


def check_questions(scene: Scene, seed: int) -> int:
    """Compare questions of everybody with the right answers; returns how many have one."""
    answered, chance, records = 0, random.Random(seed), scene.rows()
    people = [None, *(scene.team[name].id for name in ("ann", "bob"))]
    projects = (None, UNASSIGNED, *scene.projects.values())
    questions = [Question(*one) for one in product((None, "project", "person"), projects, people)]
    for person_split in SPLITS:
        scene.set_split(person_split)
        for name, person in scene.team.people.items():
            for asked in chance.sample(questions, QUESTIONS):
                right = expect(scene, records, name, person_split, asked)
                found = read(person, asked)
                if isinstance(right, str):
                    assert isinstance(found, str), (person_split, name, asked)
                    assert right in found
                else:
                    assert found == right, (person_split, name, asked)
                    answered += bool(right)
    return answered


def test_everybody_reads_what_they_may_know(scene: Scene) -> None:
    assert check_questions(scene, seed=1) > 100


def test_rolled_up_days_say_the_same(scene: Scene) -> None:
    scene.database.execute("select public.refresh_cost_records_daily()")
    rolled_up = "select is_summed from private.divided_workspaces"
    assert scene.database.execute(rolled_up).fetchall() == [(True,)]
    assert check_questions(scene, seed=2) > 100


def test_rolled_up_days_beside_folded_and_stale_ones_say_the_same(scene: Scene) -> None:
    scene.database.execute("select public.refresh_cost_records_daily()")
    add_records(scene, "ann", days=2, seed=1)
    scene.database.execute("select public.fold_stale_days()")
    add_records(scene, "bob", days=1, seed=2)
    add_records(scene, "bob", days=8, seed=3)
    scene.database.execute("delete from public.cost_records where timestamp::date = '2026-05-05'")
    counts = (
        "select (select count(*) from private.overridden_days), (select count(*) from private.stale_days)"
    )
    [[folded, stale]] = scene.database.execute(counts).fetchall()
    assert min(folded, stale) > 0
    assert check_questions(scene, seed=3) > 100


def test_a_workspace_that_is_divided_later_keeps_its_earlier_days(
    database: Connection, as_user: Act, user: UUID
) -> None:
    person = Person(user, as_user(user), user)
    person.save(None, *make_records(random.Random(1), 6))
    database.execute("select public.refresh_cost_records_daily()")
    before = read(person, Question())
    web = person.add_project("Web")
    assert person.choose(web, "timestamp::date = '2026-05-02'") > 0
    for upkeep in (
        "select 1",
        "select public.fold_stale_days()",
        "select public.refresh_cost_records_daily()",
    ):
        database.execute(upkeep)
        assert read(person, Question()) == before
        parts = read(person, Question("project"))
        assert isinstance(parts, dict)
        assert {key[-1] for key in parts} == {str(web), str(UNASSIGNED)}


def test_a_refresh_rewrites_no_unchanged_sum(scene: Scene) -> None:
    places = "select ctid, xmin, total_cost_usd from private.divided_days order by ctid"
    scene.database.execute("select public.refresh_cost_records_daily()")
    before = scene.database.execute(places).fetchall()
    scene.database.execute("update public.cost_records set metadata = '{}'")
    assert scene.database.execute("select public.refresh_cost_records_daily()").fetchone() != (0,)
    assert len(before) > 50
    assert scene.database.execute(places).fetchall() == before


def test_an_unknown_split_gets_a_sentence(scene: Scene) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match='Split by "project" or by "person"'):
        scene.team["ann"].ask("daily_costs", split="model")


def visible_rows(scene: Scene, reader: str, person_split: str) -> list[Row]:
    """The records whose rows a person may read."""
    me, is_admin = scene.team[reader].id, reader in ("owner", "admin")
    hidden = {scene.projects["buried"], *([] if reader == "ann" else [scene.projects["secret"]])}
    return [
        row
        for row in scene.rows()
        if is_admin or row.user == me or (person_split == "everyone" and row.project not in hidden)
    ]


@pytest.mark.parametrize("person_split", SPLITS)
def test_rows_of_hidden_projects_are_their_persons(scene: Scene, person_split: str) -> None:
    scene.set_split(person_split)
    scene.database.execute("update public.cost_records set billing_account = cost_basis")
    for name, person in scene.team.people.items():
        visible = visible_rows(scene, name, person_split)
        for table in ("cost_records", "effective_records"):
            assert person.connection.execute(f"select from public.{table}".encode()).rowcount == len(visible)
        statements = person.ask("source_statements", from_date=None, to_date=None)
        assert sum(statements["records"]) == len(visible), name
        estimates = person.ask("list_estimates", since="2026-01-01", after_id=None, page_size=5000)
        unpriced = [row for row in visible if row.cost is None]
        assert len(estimates) == len(unpriced), name


@pytest.mark.parametrize("person_split", SPLITS)
def test_totals_are_whole_or_ones_own(scene: Scene, person_split: str) -> None:
    scene.set_split(person_split)
    period = ["2026-01-01", "2027-01-01"]
    for name, person in scene.team.people.items():
        is_own = person_split == "own" and name not in ("owner", "admin")
        rows = [row for row in scene.rows() if not is_own or row.user == person.id]
        spent = sum(row.cost or 0 for row in rows if row.key[2] != "included")
        query = "select public.get_user_total_spend(%s, %s, %s)"
        assert person.connection.execute(query, [person.workspace, *period]).fetchone() == (spent,)
        query = "select coalesce(sum(total_cost_usd), 0) from public.get_top_models_by_spend(%s, %s, %s)"
        assert person.connection.execute(query, [person.workspace, *period]).fetchone() == (spent,)
        assert person.ask("model_names") == sorted({row.key[1] for row in rows})
        query = "select coalesce(sum(records), 0) from public.unpriced_models(%s)"
        unpriced = sum(row.cost is None for row in rows)
        assert person.connection.execute(query, [person.workspace]).fetchone() == (unpriced,)


def count_days(days: Mapping[str, list[Any]], source: Any) -> int:
    """Records of a source."""
    lines = zip(days["import_id"], days["records"], strict=True)
    return sum(records for import_id, records in lines if import_id == str(source))


def test_statements_of_sources_are_seen_as_their_records(scene: Scene) -> None:
    admin, ann, bob = (scene.team[name] for name in ("admin", "ann", "bob"))
    scene.set_split("everyone")
    source = bob.add_source()
    web, buried = scene.projects["web"], scene.projects["buried"]
    bob.save(source, record(), record(project_id=str(web)))
    admin.save(source, record(project_id=str(buried)))
    days = {name: count_days(scene.team[name].ask("source_days"), source) for name in ("admin", "ann", "bob")}
    assert days == {"admin": 3, "ann": 2, "bob": 3}
    bob.connection.execute("update public.imports set is_enabled = false where id = %s", [source])
    superseded = "select from public.superseded_records"
    assert ann.connection.execute(superseded).rowcount == 2
    assert bob.connection.execute(superseded).rowcount == 3
    days = {name: count_days(scene.team[name].ask("source_days"), source) for name in ("admin", "ann", "bob")}
    assert days == {"admin": 3, "ann": 2, "bob": 3}


@pytest.mark.parametrize("person_split", SPLITS)
def test_forecasts_of_hidden_projects_are_hidden(scene: Scene, person_split: str) -> None:
    scene.set_split(person_split)
    workspace = scene.team["admin"].workspace
    forecast = """insert into public.forecast_totals (run_id, workspace_id, project_id, kind, period_start,
            period_end, spent_usd, predicted_cost_usd, lower_bound_80, upper_bound_80, lower_bound_95,
            upper_bound_95)
        values (%s, %s, %s, 'month_end', '2026-05-01', '2026-05-31', 0, 3, 2, 4, 1, 5)"""
    for project in (None, *scene.projects.values()):
        scene.database.execute(forecast, [workspace, workspace, project])
    with pytest.raises(psycopg.errors.UniqueViolation):
        scene.database.execute(forecast, [workspace, workspace, scene.projects["web"]])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        scene.database.execute(forecast, [workspace, scene.team["ann"].id, scene.projects["web"]])
    seen = {
        name: person.connection.execute("select from public.forecast_totals").rowcount
        for name, person in scene.team.people.items()
    }
    others = 0 if person_split == "own" else 3
    assert seen == {
        "owner": 5,
        "admin": 5,
        "ann": others and others + 1,
        "bob": others,
        "viewer": others,
    }


def test_the_last_day_of_use_in_a_hidden_project_is_not_told(scene: Scene) -> None:
    scene.set_split("everyone")
    bob = scene.team["bob"]
    secret = str(scene.projects["secret"])
    bob.save(None, record(timestamp="2026-05-09T12:00:00Z"))
    scene.team["admin"].choose(UUID(secret), "timestamp > '2026-05-08'")
    for upkeep in ("select 1", "select public.refresh_cost_records_daily()"):
        scene.database.execute(upkeep)
        for name, person in scene.team.people.items():
            days = [row.key[0] for row in visible_rows(scene, name, "everyone") if row.user == bob.id]
            [found] = [row for row in person.ask("list_people") if row["user_id"] == str(bob.id)]
            assert found["last_active"] == max(days), name


def test_prices_of_subscriptions_in_hidden_projects_are_hidden(scene: Scene) -> None:
    scene.set_split("everyone")
    bob, admin = scene.team["bob"], scene.team["admin"]
    add = """insert into public.subscriptions
            (workspace_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day)
        select %s, id, %s, 200, '2026-05-01', '2026-05-31', 1 from public.providers where name = 'openai'"""
    for plan in ("Pro", "Max"):
        bob.connection.execute(add, [bob.workspace, plan])
    secret = {"field": "model", "match": "exact", "value": "Max"}
    admin.ask("set_rules", rules=[secret | {"project_id": str(scene.projects["secret"])}])
    seen = {
        name: person.connection.execute("select from public.subscriptions").rowcount
        for name, person in scene.team.people.items()
    }
    assert seen == {"owner": 2, "admin": 2, "ann": 2, "bob": 2, "viewer": 1}


@pytest.mark.parametrize("person_split", SPLITS)
def test_the_last_run_tells_what_its_reader_may_know(scene: Scene, person_split: str) -> None:
    scene.set_split(person_split)
    series = ["total", "model:large", *(f"project:{project}" for project in scene.projects.values())]
    entries = [{"series": name, "reason": "r", "days_missing": 3} for name in series]
    steps = [
        {"step": "forecast", "count": 0, "failed": entries, "too_little_history": entries},
        {"step": "collect", "count": 1, "connections": [{"name": "Work key", "error": "refused"}]},
    ]
    scene.database.execute(
        """insert into public.job_runs (run_id, workspace_id, day, status, steps, error)
        values (gen_random_uuid(), %s, '2026-05-06', 'done', %s, 'project:1 failed')""",
        [scene.team["admin"].workspace, json.dumps(steps)],
    )
    hidden = {"ann": {"buried"}, "bob": {"buried", "secret"}, "viewer": {"buried", "secret"}}
    for name, person in scene.team.people.items():
        run = person.ask("last_run")
        assert (run["status"], run["day"]) == ("done", "2026-05-06")
        if name in ("owner", "admin"):
            assert (run["steps"], run["error"]) == (steps, "project:1 failed")
            continue
        out = {f"project:{scene.projects[project]}" for project in hidden[name]}
        known = [entry for entry in entries if entry["series"] not in out]
        told = {"step": "forecast", "count": 0, "failed": known, "too_little_history": known}
        assert run["steps"] == ([] if person_split == "own" else [told]), name
        assert run["error"] is None
