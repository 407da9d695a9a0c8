"""Person and project of an event that several sources report: those of whoever knows best, in any order."""

from contextlib import ExitStack
from itertools import permutations
from random import Random
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_filing import alias, described, people, projects, rule
from tests.database_fixtures import Connection, Project

NAMES = UUID("5a1c5b1e-35c8-4a5c-a2c4-1f0f6b2e9d11")
EVENT = described(0, repo="web") | {"request_id": "r", "source_key": str(uuid5(NAMES, "r"))}
LOG = EVENT | {"cost_basis": "estimated", "collection_method": "local_log"}
BILL = EVENT | {"cost_basis": "billed", "cost_usd": "3", "metadata": {"actor": "Bob"}}
KINDS = ("machine", "key", "file", "connection")


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database, *COLLEAGUES)


def test_a_bill_leaves_a_chosen_project_and_the_person_of_a_log(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    admin.ask("set_rules", rules=[rule("repository", "web", web)])
    log, bill = ann.add_source("machine"), admin.add_source("connection")
    ann.save(log, LOG)
    ann.choose(app)
    assert admin.save(bill, BILL)["restated"] == 1
    assert (projects(database), people(database)) == ([app], [ann.id])
    ann.connection.execute("delete from public.imports where id = %s", [log])
    assert (projects(database), people(database)) == ([app], [admin.id])


def test_a_choice_on_a_bill_outlives_the_bill(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    app = admin.add_project("App")
    log, bill = ann.add_source("machine"), admin.add_source()
    admin.save(bill, BILL)
    admin.choose(app)
    ann.save(log, LOG)
    admin.connection.execute("delete from public.imports where id = %s", [bill])
    assert (projects(database), people(database)) == ([app], [ann.id])
    admin.choose(None)
    admin.save(admin.add_source(), BILL | {"project_id": str(app)})
    assert projects(database) == [None]


def test_what_a_machine_chose_lasts_as_long_as_its_source(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    admin.ask("set_rules", rules=[rule("person", "bob", web)])
    log, bill = ann.add_source("machine"), admin.add_source()
    admin.save(bill, BILL)
    ann.save(log, LOG | {"project_id": str(app)})
    assert projects(database) == [app]
    assert admin.ask("set_rules", rules=[rule("person", "bob", web), rule("tag", "x", web)])["records"] == 0
    for is_enabled, expected in ((False, web), (True, app)):
        ann.call("set_source_enabled", import_id=log, is_enabled=is_enabled)
        assert projects(database) == [expected]
    ann.connection.execute("delete from public.imports where id = %s", [log])
    assert projects(database) == [web]


def test_an_alias_knows_better_than_a_machine(database: Connection, team: Team) -> None:
    admin, ann, bob = team["admin"], team["ann"], team["bob"]
    ann.save(ann.add_source("machine"), LOG)
    admin.save(admin.add_source("connection"), BILL)
    assert people(database) == [ann.id]
    for aliases, expected in (([alias("bob", bob)], bob), ([], ann)):
        preview = admin.ask("preview_aliases", aliases=aliases)
        assert preview["records"] == 1
        assert admin.ask("set_aliases", aliases=aliases) == preview
        assert people(database) == [expected.id]


def test_lines_of_an_export_keep_their_choice(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    app = admin.add_project("App")
    line = described(0) | {"source_key": str(uuid5(NAMES, "line"))}
    ann.save(ann.add_source(), line)
    ann.choose(app)
    admin.save(admin.add_source(), line | {"cost_usd": "9"})
    assert (projects(database), people(database)) == ([app], [ann.id])


def test_a_choice_outlives_the_exclusion_of_its_source(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    app = admin.add_project("App")
    line = described(1) | {"source_key": str(uuid5(NAMES, "line"))}
    log = ann.add_source("machine")
    ann.save(log, LOG, line)
    ann.choose(app)
    admin.call("set_source_enabled", import_id=log, is_enabled=False)
    assert projects(database) == []
    admin.save(admin.add_source(), BILL, line)
    assert (projects(database), people(database)) == ([app, app], [admin.id, admin.id])


def test_what_an_excluded_source_reports_follows_a_choice(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    app = admin.add_project("App")
    log, bill = ann.add_source("machine"), admin.add_source()
    admin.save(bill, BILL)
    admin.choose(app)
    for source in (log, bill):
        admin.call("set_source_enabled", import_id=source, is_enabled=False)
    ann.save(log, LOG)
    admin.call("delete_source", import_id=bill)
    admin.call("set_source_enabled", import_id=log, is_enabled=True)
    assert projects(database) == [app]


def records_read(connection: Connection) -> int:
    """How many records the connection's transaction has read in months' tables, one by one or by an index."""
    query = """select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))
        from pg_class as c where c.relname like 'cost_records_2%' and c.relkind = 'r'"""
    [[found]] = connection.execute(query).fetchall()
    return int(found)


def test_a_better_statement_reads_its_event_and_not_the_workspace(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    admin.ask("set_rules", rules=[rule("repository", "web", web)])
    others = [described(1 + n % 59, repo="web") | {"model_name": f"model {n}"} for n in range(2000)]
    ann.save(ann.add_source("machine"), LOG | {"project_id": str(app)}, *others)
    admin.save(admin.add_source(), BILL)
    better = admin.add_source("connection", "better")
    database.execute("analyze public.cost_records")
    admin.connection.execute("begin")
    assert admin.save(better, BILL | {"cost_usd": "4"})["restated"] == 1
    assert records_read(admin.connection) < 500
    admin.connection.execute("commit")
    assert projects(database).count(app) == 1


def arrival(chance: Random, event: int, number: int, projects: list[UUID]) -> dict[str, Any]:
    """A statement on an event; no two have the same figures."""
    made: dict[str, Any] = EVENT | {
        "request_id": f"r{event}",
        "source_key": str(uuid5(NAMES, f"r{event}")),
        "cost_usd": str(number + 1),
        "cost_basis": chance.choice(["billed", "estimated"]),
        "collection_method": chance.choice(["api_automated", "csv_import", "local_log"]),
        "input_tokens": chance.randrange(3),
        "metadata": {"repo": chance.choice(["web", "app", ""]), "user": chance.choice(["bob", "x", ""])},
    }
    if chance.random() < 0.3:
        made["project_id"] = str(chance.choice(projects))
    return made


def outcome(database: Connection, workspace: UUID) -> list[tuple[Any, ...]]:
    query = """select request_id, cost_usd, user_id, project_id from public.cost_records
        where workspace_id = %s order by request_id"""
    return database.execute(query, [workspace]).fetchall()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_arrival_does_not_matter(project: Project, seed: int) -> None:
    chance = Random(seed)
    with ExitStack() as opened:
        database = opened.enter_context(project.connect())
        team = make_team(project, database, *COLLEAGUES)
        for person in team.people.values():
            opened.enter_context(person.connection)
        admin, bob = team["admin"], team["bob"]
        filed = [admin.add_project(name) for name in "ABC"]
        admin.ask("set_rules", rules=[rule("repository", "web", filed[0])])
        admin.ask("set_aliases", aliases=[alias("bob", bob)])
        owners: list[Person] = [team[chance.choice(["ann", "bob", "admin"])] for _ in range(4)]
        kinds = [chance.choice(KINDS) for _ in owners]
        events = range(chance.randint(1, 6))
        statements = [[arrival(chance, event, number, filed) for event in events] for number in range(4)]
        off, gone = chance.sample(range(4), 2)
        choice = chance.choice([None, *filed])
        is_chosen = chance.random() < 0.5
        found = []
        for order in chance.sample(list(permutations(range(4))), 4):
            sources = [
                owner.add_source(kind, f"{nth}")
                for nth, (owner, kind) in enumerate(zip(owners, kinds, strict=True))
            ]
            chosen_after = chance.choice(order)
            for number in order:
                owners[number].save(sources[number], *statements[number])
                if is_chosen and number == chosen_after:
                    for project_id in (filed[choice == filed[0]], choice):
                        admin.choose(project_id)
            seen = [outcome(database, team.id)]
            for is_enabled in (False, True):
                admin.call("set_source_enabled", import_id=sources[off], is_enabled=is_enabled)
                seen.append(outcome(database, team.id))
            assert seen[0] == seen[2]
            admin.call("delete_source", import_id=sources[gone])
            seen.append(outcome(database, team.id))
            if is_chosen:
                assert {project_id for rows in seen for *_, project_id in rows} == {choice}
            assert [len(rows) for rows in seen] == [len(events)] * 4
            found.append(seen)
            database.execute("delete from public.imports where workspace_id = %s", [team.id])
        assert found == found[:1] * 4
